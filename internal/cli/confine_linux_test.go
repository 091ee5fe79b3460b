package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANativeRunCanBeConfinedToADirectory(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "inside"), []byte("inside"), 0o644))
	require.NoError(t, os.WriteFile(outside, nil, 0o644))
	cmd := exec.CommandContext(t.Context(), os.Args[0], "run", "--native", "--confine", dir, "--env", "PATH",
		"sh", "-c", "cat inside; cat "+outside)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if strings.Contains(errs.String(), "confinement") {
		t.Skip("the kernel cannot confine: ", errs.String())
	}
	assert.Error(t, err)
	assert.Equal(t, "inside", string(out))
	assert.Contains(t, errs.String(), "Permission denied")
}
