package process_test

import (
	"testing"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// Not parallel: it measures.
func TestMemoryStaysFlat(t *testing.T) {
	processtest.Flat(t, programs, processtest.Load{
		Short: process.Spec{Command: "true"}, Runs: 100_000,
		Long: process.Spec{Command: "flood"}, Bytes: 10 << 30,
	})
}
