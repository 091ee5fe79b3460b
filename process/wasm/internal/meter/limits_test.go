package meter

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The largest functions of programs as they are published.
func TestWhatProgramsHaveIsAllowed(t *testing.T) {
	t.Parallel()
	for program, f := range map[string]struct {
		bytes int
		extent
	}{
		"actionlint 1.7.12":      {1_580_153, extent{locals: 5, depth: 16_413, loops: 1, edges: 80_498}},
		"Ruby 3.4":               {138_250, extent{locals: 170, depth: 617, loops: 26, edges: 7083}},
		"PHP":                    {643_105, extent{locals: 2441, depth: 889, loops: 1, edges: 150}},
		"DuckDB":                 {905_582, extent{locals: 27, depth: 1452, loops: 559, edges: 5746}},
		"the Go compiler 1.26.8": {666_326, extent{locals: 4, depth: 7741, loops: 3, edges: 27_530}},
	} {
		assert.NoError(t, f.check(), program)
		assert.NoError(t, within("bytes", f.bytes, maxBody), program)
	}
}
