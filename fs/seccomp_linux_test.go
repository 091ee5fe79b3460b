package fs_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/fs"
)

// withoutOpenat2 is set, to the errno that openat2(2) is to answer, in a process
// that may take the call away from itself.
const withoutOpenat2 = "CLOCHE_FS_TEST_OPENAT2"

// A filter cannot be taken back, so the test runs itself again under one.
func TestWithoutOpenat2TheWalkGoesNameByName(t *testing.T) {
	t.Parallel()
	answers := map[string]unix.Errno{"old kernel": unix.ENOSYS, "filter": unix.EPERM}
	if name := os.Getenv(withoutOpenat2); name != "" {
		forbidOpenat2(t, answers[name])
		walkNameByName(t)
		return
	}
	for name := range answers {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), withoutOpenat2+"="+name)
		out, err := again.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS")
	}
}

func walkNameByName(t *testing.T) {
	f, root := newFs(t)
	layout(t, root)
	other, err := fs.New(root) // which learns of it by a file
	require.NoError(t, err)
	defer other.Close()
	files, err := other.Dir()
	require.NoError(t, err)
	defer files.Close()
	require.ErrorIs(t, fs.OpenDeepFile(files, "a/b/c/file"), fs.ErrShallow)
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	for range 2 {
		require.ErrorIs(t, fs.OpenDeep(d, "a/b"), fs.ErrShallow)
	}
	for _, p := range []string{"a/b/c/file", "in/c/file", "a/b/../b/c/file", "root/in/c/file"} {
		got, err := f.Read(p)
		require.NoError(t, err, p)
		assert.Equal(t, "file", string(got))
	}
	requireErrno(t, f.Write("rel/x", nil), unix.EPERM)
}

// forbidOpenat2 has every thread's openat2(2) answer errno (seccomp(2)).
func forbidOpenat2(t *testing.T, errno unix.Errno) {
	const numberAt = 0 // of seccomp_data
	code := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: numberAt},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_OPENAT2},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	runtime.LockOSThread() // both calls are about one thread, the second tells the others
	defer runtime.UnlockOSThread()
	require.NoError(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	_, _, got := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	require.Zero(t, got)
}
