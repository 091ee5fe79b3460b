package native

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"dappco.re/go/cloche/fs"
	"golang.org/x/sys/unix"
)

// start calls begin, which starts a process, on a thread that has confined itself,
// and that the process inherits it all from: Landlock, seccomp, no_new_privs and
// capabilities are each a thread's own. The thread ends afterwards, so that nothing
// else of this program is ever confined.
func (c *confinement) start(fsys *fs.Fs, program string, terminal []string, begin func() (*os.Process, error)) (proc *os.Process, err error) {
	rules, err := c.rules(fsys, program, terminal)
	if err != nil {
		return nil, &prepareError{err}
	}
	defer rules.close()
	onThreadOfItsOwn(func() {
		if err = confineThread(rules); err != nil {
			err = &prepareError{err}
			return
		}
		proc, err = begin()
	})
	return proc, err
}

// onThreadOfItsOwn calls f on a thread that ends with it: one that a goroutine is
// locked to when it returns. All but the first of the program, which Go keeps.
//
// Go makes no thread out of one that a goroutine is locked to (startTemplateThread
// in package runtime), so what f does to its thread stays there.
func onThreadOfItsOwn(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			onThreadOfItsOwn(f) // on another one, for this is taken
			return
		}
		f()
	}()
	<-done
}

// confineThread cannot be undone. What needs a privilege comes before privileges go.
func confineThread(rules *ruleset) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	if err := rules.restrict(); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	return refuseCalls()
}

// dropCapabilities makes root a user like any other. Under no_new_privs execve(2)
// gives nothing back (capabilities(7)).
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clearing ambient capabilities: %w", err)
	}
	var none [2]unix.CapUserData // version 3 has 64 bits, in two parts
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	return nil
}

// rules makes a ruleset of what may be reached. The process's terminal is its own.
func (c *confinement) rules(fsys *fs.Fs, program string, terminal []string) (*ruleset, error) {
	root, err := hostDir(fsys, "")
	if err != nil {
		return nil, err
	}
	r, err := newRuleset()
	if err != nil {
		return nil, err
	}
	inside := r.everything &^ (unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK)
	if fsys.IsReadOnly() {
		inside = readAndExecute
	}
	err = r.allow(root, inside)
	for _, path := range append([]string{program}, c.read...) {
		if err == nil {
			err = r.allow(path, readAndExecute)
		}
	}
	for _, path := range terminal {
		if err == nil {
			err = r.allow(path, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV)
		}
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

const (
	readAndExecute = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// ofFiles are the rights that a rule on something else than a directory can give.
	ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	ofDevices = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
)

// ruleset is one of Landlock's.
type ruleset struct {
	fd         int
	everything uint64 // all rights that the kernel knows how to take away
}

// newRuleset takes away all that the kernel can.
func newRuleset() (*ruleset, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return nil, cannotConfine(fmt.Sprintf("the kernel has no Landlock: %v", errno),
			"run it on Linux 6.2 or newer, with landlock in lsm= of its command line, and where no seccomp filter forbids it")
	}
	const truncates = 3 // earlier ones let any file be emptied
	if version < truncates {
		return nil, cannotConfine(fmt.Sprintf("the kernel has version %d of Landlock, and %d is needed", version, truncates), "run it on Linux 6.2 or newer")
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: 1<<15 - 1}
	if version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return nil, fmt.Errorf("making a Landlock ruleset: %w", errno)
	}
	return &ruleset{fd: int(fd), everything: attr.Handled_access_fs}, nil
}

// allow gives rights on a path, and below it. Devices may be read and written, and of
// rights they have ioctl(2).
func (r *ruleset) allow(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFCHR, unix.S_IFBLK:
		rights = ofDevices | rights&unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	default:
		rights &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.everything, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return &os.PathError{Op: "allow", Path: path, Err: errno}
	}
	return nil
}

// restrict confines the calling thread.
func (r *ruleset) restrict() error {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return fmt.Errorf("confining by Landlock: %w", errno)
	}
	return nil
}

func (r *ruleset) close() { unix.Close(r.fd) }
