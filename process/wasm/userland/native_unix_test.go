//go:build unix

package userland_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// buildNative builds the guest for this machine.
func buildNative(t *testing.T) string {
	bin := filepath.Join(t.TempDir(), "userland")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".")
	cmd.Dir = "guest"
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Chmod(filepath.Dir(bin), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(bin)), 0o755))
	return bin
}

func TestCommandsBuiltNativelyEqualTheMachinesOwn(t *testing.T) {
	t.Parallel()
	compareWithGNU(t, executable(buildNative(t)), true)
}
