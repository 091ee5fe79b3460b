//go:build unix

package native

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"dappco.re/go/cloche/process"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// hasTerminals says whether Spec.Terminal can be honoured.
const hasTerminals = true

// terminal is a pseudoterminal (pty(7)). Our copy of its far end stays open until
// the process has ended: so a process may close all of its own and open /dev/tty
// later.
type terminal struct {
	slave    *os.File
	master   *os.File
	keyboard *keyboard
	screen   *output
}

func openTerminal(s process.Spec) (streams, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, &process.SpecError{Field: "terminal", Err: err, Fix: "see that the host has /dev/ptmx and /dev/pts, and terminals left"}
	}
	t := &terminal{slave: slave}
	if t.master, err = pollable(master); err != nil {
		return nil, errors.Join(err, slave.Close())
	}
	t.keyboard = &keyboard{from: s.Stdin, to: t.master, last: '\n', done: make(chan struct{})}
	t.screen = &output{from: t.master, to: s.Stdout, rest: shown, done: make(chan struct{})}
	if err := t.resize(*s.Terminal); err != nil {
		t.closeOurs()
		return nil, err
	}
	return t, nil
}

// pollable replaces f by one that has deadlines, which pty.Open lost by taking the
// descriptor out of its File.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func (t *terminal) files() []*os.File { return []*os.File{t.slave, t.slave, t.slave} }

// attach makes the process lead a session, which makes it lead a group as well,
// and its input that session's terminal.
func (t *terminal) attach(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Setpgid = false // a session's leader may not
	attr.Setsid, attr.Setctty, attr.Ctty = true, true, 0
	return attr
}

func (t *terminal) terminal() []string { return []string{"/dev/tty", t.slave.Name()} }

func (t *terminal) closeTheirs() {}

func (t *terminal) closeOurs() {
	t.slave.Close()
	t.master.Close()
}

func (t *terminal) copy(fail func()) {
	go t.keyboard.copy()
	go t.screen.copy(fail)
}

func (t *terminal) finish() error {
	t.keyboard.stop()
	t.slave.Close()
	t.master.SetReadDeadline(time.Unix(1, 0)) // wakes copy
	<-t.screen.done
	return t.screen.err
}

func (t *terminal) resize(size process.Terminal) error {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return err
	}
	closed := raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(size.Rows), Col: uint16(size.Cols)})
	})
	if closed != nil {
		return os.ErrProcessDone
	}
	return os.NewSyscallError("ioctl", err)
}

// keyboard types what the caller gives.
type keyboard struct {
	from io.Reader // and io.Closer, the seam promises
	to   *os.File
	last byte // of what was typed
	done chan struct{}
}

// copy ignores what ends it, as that of an input does, and then types the end.
func (k *keyboard) copy() {
	defer close(k.done)
	io.Copy(onlyWriter{k}, k.from)
	k.to.WriteString(k.end())
}

func (k *keyboard) Write(p []byte) (int, error) {
	if len(p) > 0 {
		k.last = p[len(p)-1]
	}
	return k.to.Write(p)
}

// end is what a user types to end the input: ^D where a line begins. In a line it
// only passes on what there is of it (VEOF in termios(3)), so it takes two.
func (k *keyboard) end() string {
	const endOfFile = "\x04"
	if strings.IndexByte("\r\n"+endOfFile, k.last) >= 0 {
		return endOfFile
	}
	return endOfFile + endOfFile
}

func (k *keyboard) stop() {
	if c, ok := k.from.(io.Closer); ok {
		c.Close() // frees a blocked Read
	}
	k.to.SetWriteDeadline(time.Unix(1, 0)) // frees a blocked Write
	<-k.done
}

// maxShown is more than any system keeps for a terminal: Linux, the most of all,
// some 12 KiB.
const maxShown = 64 << 10

// shown reads what stands in a terminal. FIONREAD leaves out what has not come
// through the line discipline yet, which a read that would block has waited for.
// The bound is for a descendant that goes on writing.
func shown(master *os.File) io.Reader { return io.LimitReader(ready{master}, maxShown) }

// ready reads what is there, and ends where a read would block.
type ready struct{ from *os.File }

func (r ready) Read(p []byte) (n int, err error) {
	raw, err := r.from.SyscallConn()
	if err != nil {
		return 0, err
	}
	raw.Control(func(fd uintptr) {
		for {
			if n, err = unix.Read(int(fd), p); err != unix.EINTR {
				return
			}
		}
	})
	if err != nil || n <= 0 {
		return 0, io.EOF
	}
	return n, nil
}
