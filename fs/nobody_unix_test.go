//go:build linux || darwin || freebsd

package fs_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// runAsNobody runs the current test in a child without privileges.
func runAsNobody(t *testing.T) {
	t.Helper()
	// The test binary and the temporary files must be within the child's reach.
	dir, err := os.MkdirTemp("/tmp", "cloche-nobody")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	self, err := os.Executable()
	require.NoError(t, err)
	copied := filepath.Join(dir, "test")
	copyFile(t, self, copied)
	c := exec.Command(copied, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Dir = dir
	c.Env = []string{"TMPDIR=" + dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}

func copyFile(t *testing.T, from, to string) {
	src, err := os.Open(from)
	require.NoError(t, err)
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(dst, src)
	require.NoError(t, err)
	require.NoError(t, dst.Close())
}
