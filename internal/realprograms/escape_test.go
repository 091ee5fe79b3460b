package realprograms

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	secretText   = "nobody-may-read-this"
	secretScript = "echo   " + secretText + "\n"
)

// secret makes a file that no sandbox is given, and returns its path.
func secret(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secretScript), 0o666))
	return path
}

// escapes lists ways to name a file of the host from inside; link is a symlink
// to it.
func escapes(outside, link string) []string {
	up := strings.Repeat("../", 20)
	return []string{outside, up + outside[1:], "./" + up + outside[1:], "/.." + outside, "/proc/self/root" + outside, link}
}
