package native

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// trespasses are what a confined process tries, each with an argument.
var trespasses = map[string]func(arg string) error{
	"read":        func(p string) error { _, err := os.ReadFile(p); return err },
	"write":       func(p string) error { return os.WriteFile(p, []byte("it was here"), 0o644) },
	"append":      func(p string) error { return opened(p, os.O_WRONLY|os.O_APPEND) },
	"truncate":    func(p string) error { return os.Truncate(p, 0) },
	"list":        func(p string) error { _, err := os.ReadDir(p); return err },
	"mkdir":       func(p string) error { return os.Mkdir(p+"/made", 0o755) },
	"remove":      os.Remove,
	"symlink":     func(p string) error { return os.Symlink("x", p+"/link") },
	"link in":     func(p string) error { return os.Link(p, "linked") },
	"move in":     func(p string) error { return os.Rename(p, "moved") },
	"move out":    func(p string) error { return os.Rename("mine", p+"/mine") },
	"run":         func(p string) error { return exec.Command(p).Run() },
	"device":      func(string) error { return unix.Mknod("device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) },
	"mount":       func(p string) error { return unix.Mount(p, ".", "", unix.MS_BIND, "") },
	"chroot":      unix.Chroot,
	"socket":      func(s string) error { return socket(s) },
	"pair":        func(kind string) error { return pair(kind) },
	"kill":        func(pid string) error { n, _ := strconv.Atoi(pid); return unix.Kill(n, 0) },
	"trace":       func(pid string) error { n, _ := strconv.Atoi(pid); return unix.PtraceSeize(n) },
	"limit":       func(pid string) error { return setLimit(pid, unix.RLIMIT_FSIZE) },
	"limit locks": func(pid string) error { return setLimit(pid, unix.RLIMIT_LOCKS) },
	"read limit": func(pid string) error {
		n, _ := strconv.Atoi(pid)
		return unix.Prlimit(n, unix.RLIMIT_LOCKS, nil, &unix.Rlimit{})
	},
	"set locks": func(string) error {
		_, _, errno := unix.Syscall(unix.SYS_SETRLIMIT, unix.RLIMIT_LOCKS, uintptr(unsafe.Pointer(&unix.Rlimit{})), 0)
		return errno
	},
	"io_uring": func(string) error {
		_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return errno
	},
}

func setLimit(pid string, resource int) error {
	n, _ := strconv.Atoi(pid)
	return unix.Prlimit(n, resource, &unix.Rlimit{Cur: 1 << 40, Max: 1 << 40}, nil)
}

func opened(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0)
	if err == nil {
		f.Close()
	}
	return err
}

func socket(family string) error {
	n, _ := strconv.Atoi(family)
	fd, err := unix.Socket(n, unix.SOCK_DGRAM, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func pair(kind string) error {
	n, _ := strconv.Atoi(kind)
	fds, err := unix.Socketpair(unix.AF_UNIX, n|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
	}
	return err
}

// playTrespasser tries what its arguments say, a trespass and an argument each, and
// tells the errno of each, 0 for one that succeeds.
func playTrespasser() {
	for i := 1; i+1 < len(os.Args); i += 2 {
		err := trespasses[os.Args[i]](os.Args[i+1])
		errno, _ := errnoOf(err)
		fmt.Printf("%s %s: %d\n", os.Args[i], os.Args[i+1], errno)
	}
}

func errnoOf(err error) (errno syscall.Errno, ok bool) {
	for e := err; e != nil; {
		if errno, ok = e.(syscall.Errno); ok {
			return errno, true
		}
		u, can := e.(interface{ Unwrap() error })
		if !can {
			return 0xfff, false // none, which no test expects
		}
		e = u.Unwrap()
	}
	return 0, false
}

// confined is an executor over a directory that finds this test program by its name.
func confined(t *testing.T) (*Executor, *fs.Fs) {
	t.Helper()
	if _, err := newRuleset(); err != nil {
		t.Skip("the kernel cannot confine: ", err)
	}
	fsys := newFs(t)
	write(t, fsys.Root()+"/mine", "mine", 0o644)
	return New(fsys, Confine(SystemFiles()...), hostPathAnd(filepath.Dir(os.Args[0]))), fsys
}

// hostPathAnd looks programs up where the host does, and in one more directory.
func hostPathAnd(dir string) Option { return WithPath(append(hostPath(), dir)) }

var probe = filepath.Base(os.Args[0])

func trespass(t *testing.T, e *Executor, args ...string) string {
	t.Helper()
	r := begin(t, e, process.Spec{Command: probe, Args: args, Env: []string{"CLOCHE_TEST_ROLE=trespasser"}})
	exit, err := r.Wait()
	require.NoError(t, err)
	require.Zero(t, exit.Code, r.text())
	return r.text()
}

func TestAConfinedProcessReachesNothingButItsFs(t *testing.T) {
	t.Parallel()
	e, fsys := confined(t)
	outside := t.TempDir()
	secret := outside + "/secret"
	write(t, secret, "secret", 0o644)
	write(t, outside+"/tool", "#!/bin/sh\n", 0o755)
	require.NoError(t, os.Symlink(secret, fsys.Root()+"/link"))
	self := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		what, arg string
		want      []syscall.Errno
	}{
		{"read", secret, []syscall.Errno{unix.EACCES}},
		{"read", "link", []syscall.Errno{unix.EACCES}},
		{"read", "/etc/passwd", []syscall.Errno{unix.EACCES}},
		{"read", "/proc/self/environ", []syscall.Errno{unix.EACCES}},
		{"read", "/proc/" + self + "/environ", []syscall.Errno{unix.EACCES}},
		{"write", secret, []syscall.Errno{unix.EACCES}},
		{"write", outside + "/new", []syscall.Errno{unix.EACCES}},
		{"append", secret, []syscall.Errno{unix.EACCES}},
		{"truncate", secret, []syscall.Errno{unix.EACCES}},
		{"list", outside, []syscall.Errno{unix.EACCES}},
		{"mkdir", outside, []syscall.Errno{unix.EACCES}},
		{"remove", secret, []syscall.Errno{unix.EACCES}},
		{"symlink", outside, []syscall.Errno{unix.EACCES}},
		{"link in", secret, []syscall.Errno{unix.EACCES, unix.EXDEV}},
		{"move in", secret, []syscall.Errno{unix.EACCES, unix.EXDEV}},
		{"move out", outside, []syscall.Errno{unix.EACCES, unix.EXDEV}},
		{"run", outside + "/tool", []syscall.Errno{unix.EACCES}},
		{"device", "", []syscall.Errno{unix.EACCES, unix.EPERM}},
		{"mount", outside, []syscall.Errno{unix.EPERM}},
		{"chroot", ".", []syscall.Errno{unix.EPERM}},
		{"socket", strconv.Itoa(unix.AF_INET), []syscall.Errno{unix.EACCES}},
		{"socket", strconv.Itoa(unix.AF_INET6), []syscall.Errno{unix.EACCES}},
		{"socket", strconv.Itoa(unix.AF_UNIX), []syscall.Errno{unix.EACCES}},
		{"socket", strconv.Itoa(unix.AF_NETLINK), []syscall.Errno{unix.EACCES}},
		// From these anything with a name could be reached.
		{"pair", strconv.Itoa(unix.SOCK_DGRAM), []syscall.Errno{unix.EACCES}},
		{"pair", strconv.Itoa(unix.SOCK_RAW), []syscall.Errno{unix.EACCES}},
		{"io_uring", "", []syscall.Errno{unix.EACCES}},
		{"trace", self, []syscall.Errno{unix.EPERM}},
		{"kill", self, []syscall.Errno{unix.EPERM}},
		{"limit", self, []syscall.Errno{unix.EACCES}},
		{"limit locks", "0", []syscall.Errno{unix.EACCES}},
		{"set locks", "", []syscall.Errno{unix.EACCES}},
		// What is its own it may do.
		{"pair", strconv.Itoa(unix.SOCK_STREAM), []syscall.Errno{0}},
		{"pair", strconv.Itoa(unix.SOCK_SEQPACKET), []syscall.Errno{0}},
		{"limit", "0", []syscall.Errno{0}},
		{"read limit", self, []syscall.Errno{0}},
		{"read", "mine", []syscall.Errno{0}},
		{"write", "new", []syscall.Errno{0}},
		{"truncate", "mine", []syscall.Errno{0}},
		{"list", ".", []syscall.Errno{0}},
		{"mkdir", ".", []syscall.Errno{0}},
		{"move in", "new", []syscall.Errno{0}},
		{"run", "/bin/true", []syscall.Errno{0}},
		{"write", "/dev/null", []syscall.Errno{0}},
	} {
		var allowed []string
		for _, errno := range c.want {
			allowed = append(allowed, fmt.Sprintf("%s %s: %d\n", c.what, c.arg, errno))
		}
		assert.Contains(t, allowed, trespass(t, e, c.what, c.arg))
	}
	text, err := os.ReadFile(secret)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(text))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 2)
}

func TestWhatAConfinedProcessStartsIsConfinedToo(t *testing.T) {
	t.Parallel()
	e, _ := confined(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret", 0o644)
	r := begin(t, e, process.Spec{
		Command: "sh", Args: []string{"-c", "(setsid cat " + secret + ") 2>&1; cat mine"}, Env: []string{"PATH=/bin:/usr/bin"},
	})
	_, err := r.Wait()
	require.NoError(t, err)
	assert.Contains(t, r.text(), "Permission denied")
	assert.True(t, strings.HasSuffix(r.text(), "mine"), r.text())
}

func TestAConfinedProcessOpensItsOwnTerminalAndNoOther(t *testing.T) {
	t.Parallel()
	e, _ := confined(t)
	another, err := openTerminal(spec(process.Spec{Terminal: &process.Terminal{Rows: 1, Cols: 1}}))
	require.NoError(t, err)
	defer another.closeOurs()
	other := another.terminal()[1]
	script := `stty size </dev/tty && echo as tty >/dev/tty; stty size <$(tty) && echo by name >$(tty); echo no >` + other + ` || echo refused`
	s := process.Spec{
		Command: "sh", Args: []string{"-c", script}, Env: []string{"PATH=/bin:/usr/bin"},
		Terminal: &process.Terminal{Rows: 30, Cols: 100},
	}
	r := begin(t, e, s)
	_, err = r.Wait()
	require.NoError(t, err)
	assert.Regexp(t, `^30 100\r\nas tty\r\n30 100\r\nby name\r\n.*denied\r\nrefused\r\n$`, r.text())

	s.Terminal = nil
	s.Args[1] = "echo no >/dev/tty"
	r = begin(t, e, s)
	_, err = r.Wait()
	require.NoError(t, err)
	assert.Contains(t, r.text(), "denied", "it could be this program's")
}

func TestAReadOnlyFsIsReadOnlyForAConfinedProcess(t *testing.T) {
	t.Parallel()
	_, fsys := confined(t)
	e := New(fsys.ReadOnly(), Confine(SystemFiles()...), hostPathAnd(filepath.Dir(os.Args[0])))
	assert.Equal(t, "read mine: 0\n", trespass(t, e, "read", "mine"))
	for _, what := range []string{"write", "truncate", "remove"} {
		assert.Equal(t, what+" mine: 13\n", trespass(t, e, what, "mine"))
	}
}

func TestNobodyElseIsConfined(t *testing.T) {
	t.Parallel()
	e, fsys := confined(t)
	free := New(fsys, hostPathAnd(filepath.Dir(os.Args[0])))
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret", 0o644)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			if i%2 == 0 {
				assert.Equal(t, "read "+secret+": 13\n", trespass(t, e, "read", secret))
			} else {
				assert.Equal(t, "read "+secret+": 0\n", trespass(t, free, "read", secret))
			}
			_, err := os.ReadFile(secret)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	threads, err := filepath.Glob("/proc/self/task/*/status")
	require.NoError(t, err)
	for _, thread := range threads {
		// One that is confined ends, with its goroutine or soon after.
		assert.Eventually(t, func() bool {
			status, err := os.ReadFile(thread)
			return err != nil || strings.Contains(string(status), "NoNewPrivs:\t0")
		}, 30*time.Second, time.Millisecond, thread)
	}
}

func TestAConfinedProcessCanBeHeld(t *testing.T) {
	t.Parallel()
	e, fsys := confined(t)
	held := false
	r := begin(t, e, process.Spec{
		Command: probe, Args: []string{"write", "new", "read", "/etc/passwd"}, Env: []string{"CLOCHE_TEST_ROLE=trespasser"},
		Starting: func(id process.Identity) error {
			held = !fsys.Exists("new") && stateOf(t, id.PID) == "t"
			return nil
		},
	})
	_, err := r.Wait()
	require.NoError(t, err)
	assert.True(t, held)
	assert.Equal(t, "write new: 0\nread /etc/passwd: 13\n", r.text())
}

// BenchmarkConfine is what confinement adds to a start.
func BenchmarkConfine(b *testing.B) {
	fsys, err := fs.New(b.TempDir())
	require.NoError(b, err)
	defer fsys.Close()
	for name, e := range map[string]*Executor{"free": New(fsys), "confined": New(fsys, Confine(SystemFiles()...))} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i, err := e.Start(context.Background(), spec(process.Spec{Command: "true", Stdout: io.Discard}))
				require.NoError(b, err)
				_, err = i.Wait()
				require.NoError(b, err)
			}
		})
	}
}
