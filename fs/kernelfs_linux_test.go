package fs_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// inNamespace is set in the process that may mount.
const inNamespace = "CLOCHE_FS_TEST_NAMESPACE"

// mounting runs test, which mounts: in a user and mount namespace of its own, for
// which the program runs itself again.
func mounting(t *testing.T, test func(t *testing.T)) {
	t.Parallel()
	if os.Getenv(inNamespace) != "" {
		test(t)
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), inNamespace+"=1")
	id := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	group := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: id, GidMappings: group,
	}
	out, err := again.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("no user and mount namespaces here: %v", err)
	}
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS")
}

func TestProcfsAndSysfsMountedInsideAreRefused(t *testing.T) { mounting(t, refuseKernelFiles) }

func TestAFullOrReadOnlyDiskLeavesTheOldFile(t *testing.T) { mounting(t, fillDisk) }

func fillDisk(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", root, "tmpfs", 0, "size=256k"))
	defer syscall.Unmount(root, syscall.MNT_DETACH)
	f, err := fs.New(root)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Write("status", []byte("old")))
	fails := func(why syscall.Errno) {
		t.Helper()
		for name, save := range savers {
			err := save(f, make([]byte, 1<<20))
			requireErrno(t, err, why)
			assert.ErrorIs(t, err, why, name)
			assert.Equal(t, []string{"status"}, namesIn(t, root), name)
			text, err := f.Read("status")
			require.NoError(t, err)
			assert.Equal(t, "old", string(text), name)
		}
	}
	fails(syscall.ENOSPC)
	require.NoError(t, syscall.Mount("", root, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	fails(syscall.EROFS)
}

func refuseKernelFiles(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"proc", "a/b/proc", "a/b/sys"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "a/file"), nil, 0o644))
	require.NoError(t, os.Symlink("a/b/proc/version", filepath.Join(root, "link")))
	require.NoError(t, os.Symlink("/proc", filepath.Join(root, "abs")))
	for target, source := range map[string]string{"proc": "/proc", "a/b/proc": "/proc", "a/b/sys": "/sys", "a/file": "/proc/version"} {
		target = filepath.Join(root, target)
		require.NoError(t, syscall.Mount(source, target, "", syscall.MS_BIND|syscall.MS_REC, ""))
		defer syscall.Unmount(target, syscall.MNT_DETACH)
	}
	deep, err := fs.New(root)
	require.NoError(t, err)
	defer deep.Close()
	d, err := deep.Dir()
	require.NoError(t, err)
	byName := fs.FromDir(oneByOne{d})
	defer byName.Close()
	for name, f := range map[string]*fs.Fs{
		"deep": deep, "name by name": byName, "read-only": deep.ReadOnly(),
		"mounts": mounts(t, fs.Mount{Target: "/", Fs: deep}, fs.Mount{Target: "/b", Fs: byName}),
	} {
		for _, p := range []string{
			"proc/version", "proc/self/environ", "proc/self/root/etc/passwd", "proc/self/cwd", "proc/.", "proc/../a/b/proc/version",
			"a/b/proc/version", "a/b/proc/self/environ", "a/b/sys/kernel/ostype", "link", "abs/version", "abs/self/exe", "a/file",
		} {
			_, err := f.Read(p)
			denied, ok := errors.AsType[*fs.DeniedError](err)
			require.True(t, ok, "%s: %s: %v", name, p, err)
			assert.ErrorIs(t, denied, syscall.EACCES)
			assert.NotContains(t, err.Error(), root)
		}
		for _, p := range []string{"proc", "a/b/proc", "a/b/sys", "abs"} {
			_, err := f.List(p)
			assert.ErrorIs(t, err, syscall.EACCES, "%s: %s", name, p)
			_, err = f.Sub(p)
			assert.ErrorIs(t, err, syscall.EACCES, "%s: %s", name, p)
		}
		assert.ErrorIs(t, f.Write("proc/self/comm", []byte("x")), syscall.EACCES)
		assert.True(t, f.IsDir("a/b"), "what is around them stays")
	}
}
