package native

import (
	"bufio"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"dappco.re/go/cloche/process"
	"golang.org/x/sys/unix"
)

// trees makes a control group (cgroups(7), version 2) for each process, below
// the one that this program is in, or that of WithCgroup. Its descendants leave it
// only by writing to another, whatever sessions and parents they take; whoever may
// make groups here may do that.
//
// Where there is no such place (a container that may not write to its own group,
// no version 2 at all, a kernel without cgroup.kill) there are none, and make answers
// a nil *tree: one may be placed, killed and so on, which does nothing, and has no
// files. Only what the files of a tree are for must not be asked of a nil one.
type trees struct {
	prefix func() string // of their paths, "" for none
}

func newTrees() *trees {
	return &trees{prefix: sync.OnceValue(func() string {
		parent, err := ownCgroup("/proc/self/cgroup", "/proc/self/mountinfo")
		if err != nil {
			return ""
		}
		return prepareParent(parent)
	})}
}

func treesIn(parent string) *trees {
	return &trees{prefix: sync.OnceValue(func() string { return prepareParent(parent) })}
}

// prepareParent is the prefix of groups in parent, which it tidies, or "".
func prepareParent(parent string) (prefix string) {
	if unix.Access(parent, unix.W_OK) != nil {
		return ""
	}
	removeLeft(parent)
	return prefixIn(parent)
}

// prefixIn says whose the groups are, by number and start time.
func prefixIn(parent string) string {
	started, err := startTime(os.Getpid())
	if err != nil {
		return ""
	}
	return filepath.Join(parent, fmt.Sprintf("cloche-%d-%d-", os.Getpid(), started))
}

// removeLeft removes the groups that earlier programs left, if they are empty.
func removeLeft(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, "cloche-*-*-*"))
	for _, path := range left {
		if !ownerLives(filepath.Base(path)) {
			removeGroup(path) // fails, rightly, while there is somebody in it
		}
	}
}

func ownerLives(name string) bool {
	var o treeOwner
	if !o.parse(name) {
		return true // it is another's
	}
	now, err := startTime(o.pid)
	return err == nil && now == o.started
}

// treeOwner is the program that made a group, as the group's name tells it.
type treeOwner struct {
	pid     int
	started uint64
}

func (o *treeOwner) parse(name string) bool {
	var random uint64
	_, err := fmt.Sscanf(name, "cloche-%d-%d-%d", &o.pid, &o.started, &random)
	return err == nil
}

// ownCgroup is where the group with the number 0 (that of version 2) is mounted.
func ownCgroup(memberships, mounts string) (string, error) {
	text, err := os.ReadFile(memberships)
	if err != nil {
		return "", err
	}
	var path string
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = strings.TrimSuffix(rest, "\n")
		}
	}
	f, err := os.Open(mounts)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		// proc_pid_mountinfo(5): the root and the mount point are the 4th and 5th
		// field, and the type is the first behind a single hyphen.
		fields := strings.Fields(s.Text())
		_, after, _ := strings.Cut(s.Text(), " - ")
		if len(fields) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		if below, err := filepath.Rel(fields[3], path); err == nil && path != "" && filepath.IsLocal(below) {
			return filepath.Join(fields[4], below), nil
		}
	}
	return "", iofs.ErrNotExist
}

// treeNamed is the group that an Executor made and that the process is in, nil if
// there is none of that name or the process is elsewhere.
func treeNamed(path string, pid int) *tree {
	if !isOurs(path) {
		return nil
	}
	in, err := ownCgroup(fmt.Sprintf("/proc/%d/cgroup", pid), "/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	if below, err := filepath.Rel(path, in); err != nil || !filepath.IsLocal(below) {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil
	}
	return &tree{path, dir}
}

// endLeft kills what is left in the group of a process that is gone.
func endLeft(id process.Identity) {
	if boot, err := bootID(); err != nil || boot != id.Boot || !isOurs(id.Tree) {
		return
	}
	if dir, err := os.Open(id.Tree); err == nil {
		left := &tree{id.Tree, dir}
		left.kill()
		left.vanish()
	}
}

// isOurs says whether path looks like a group that an Executor made.
func isOurs(path string) bool {
	var owner treeOwner
	var fs unix.Statfs_t
	return owner.parse(filepath.Base(path)) && unix.Statfs(path, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// make makes an empty group, or nil.
func (c *trees) make() *tree {
	if c == nil || c.prefix() == "" {
		return nil
	}
	path, err := os.MkdirTemp(filepath.Split(c.prefix() + "*"))
	if err != nil {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		removeGroup(path)
		return nil
	}
	g := &tree{path, dir}
	if _, err := os.Lstat(filepath.Join(path, "cgroup.kill")); err != nil {
		g.remove()
		return nil
	}
	return g
}

// tree is one process's control group.
type tree struct {
	path string
	dir  *os.File
}

// place has the process start in the group, so that it never was anywhere else.
func (g *tree) place(attr *syscall.SysProcAttr) {
	if g != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(g.dir.Fd())
	}
}

// started is told of the process that was placed.
func (g *tree) started(*os.Process) error { return nil }

// refused reports whether a start of program in dir may have failed because of place:
// clone3(2) with CLONE_INTO_CGROUP is newer than groups are, may be filtered, and obeys
// rules of its own. Where program or dir is to blame it is not.
func (g *tree) refused(err error, program, dir string) bool {
	if g == nil || enterable(dir) != nil || unix.Access(program, unix.X_OK) != nil {
		return false
	}
	for _, errno := range []syscall.Errno{unix.ENOSYS, unix.EINVAL, unix.E2BIG, unix.EPERM, unix.EACCES, unix.EBUSY, unix.EBADF, unix.EOPNOTSUPP, unix.ENODEV} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// kill ends everybody in the group and below it, at once.
func (g *tree) kill() {
	if g != nil {
		os.WriteFile(filepath.Join(g.path, "cgroup.kill"), []byte("1"), 0)
	}
}

// emptyWait is how long the killed may take to die. Only one that the kernel does
// not let go takes long: in uninterruptible sleep, for instance.
const emptyWait = time.Second

// vanish waits until nobody is left, and removes the group.
func (g *tree) vanish() {
	if g == nil {
		return
	}
	g.awaitEmpty()
	g.remove()
}

func (g *tree) awaitEmpty() {
	events, err := os.Open(filepath.Join(g.path, "cgroup.events"))
	if err != nil {
		return
	}
	defer events.Close()
	for end := time.Now().Add(emptyWait); ; {
		text := make([]byte, 256)
		n, _ := events.ReadAt(text, 0)
		left := time.Until(end)
		if !strings.Contains(string(text[:n]), "populated 1") || left <= 0 {
			return
		}
		// A change of the file is an exceptional condition (cgroups(7)).
		unix.Poll([]unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}}, int(left.Milliseconds())+1)
	}
}

func (g *tree) remove() {
	if g != nil {
		g.dir.Close()
		removeGroup(g.path)
	}
}

// removeGroup removes a group, and those that its members made in it.
func removeGroup(path string) {
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		if e.IsDir() {
			removeGroup(filepath.Join(path, e.Name()))
		}
	}
	unix.Rmdir(path)
}

// name is the group's, in an Identity.
func (g *tree) name() string {
	if g == nil {
		return ""
	}
	return g.path
}
