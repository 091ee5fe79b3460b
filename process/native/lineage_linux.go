package native

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lineages marks processes, so that what descends from each can be found: that of
// WithSubreaper. There is nothing to find it by in parents alone, for a daemon's are
// gone, and without a subreaper nothing would say that it descends from this program.
type lineages struct {
	subreaper func() (fix string)

	mu   sync.Mutex
	live []*lineage
	done chan struct{} // closed when the last one goes
}

func newLineages() *lineages {
	return &lineages{subreaper: sync.OnceValue(becomeSubreaper)}
}

// becomeSubreaper says what it would take, if it cannot be.
func becomeSubreaper() (fix string) {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return "mount proc(5) of this program's own PID namespace at /proc"
	}
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return "run it on Linux 5.4 or newer, where no filter forbids pidfd_open(2)"
	}
	defer unix.Close(fd)
	if err := unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG, nil); err != unix.ECHILD {
		return "run it on Linux 5.4 or newer, which waits for pidfds"
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Sprintf("let it become a subreaper by prctl(2), which answers %q", err)
	}
	return ""
}

// lineage is a process and all that descends from it: what has its mark, or any other
// limit that begins with the same bits. It is those of this program, then some of its
// own, then a zero and ones only. So a program that does the same below this one makes
// marks that begin with the mark that it has itself, and what it starts is of both.
type lineage struct {
	of     *lineages
	mark   uint64
	shift  int          // how many of its bits do not matter
	leader atomic.Int64 // the process that it begins with, until that is reaped
}

// make makes a lineage for a process of program.
func (l *lineages) make(program string) (*lineage, error) {
	if l == nil {
		return nil, nil
	}
	fix := l.subreaper()
	if fix == "" {
		fix = unheld(program)
	}
	k, ok := newLineage(l)
	if fix == "" && !ok {
		fix = "run it on a 64-bit system, where RLIMIT_LOCKS is unlimited, and not below two others that mark processes"
	}
	if fix != "" {
		return nil, unsupported("the subreaper", fix)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.whose(k.mark) != nil {
		k, _ = newLineage(l)
	}
	l.live = append(l.live, k)
	if len(l.live) == 1 && !signal.Ignored(unix.SIGCHLD) { // or the kernel reaps
		l.done = make(chan struct{})
		go l.reapOrphans(l.done)
	}
	return k, nil
}

// newLineage takes half of the ones that end this program's own limit. They must be
// enough for there to be many marks.
func newLineage(of *lineages) (k *lineage, ok bool) {
	var own unix.Rlimit
	err := unix.Prlimit(0, unix.RLIMIT_LOCKS, nil, &own)
	ones := bits.TrailingZeros64(^own.Max)
	k = &lineage{of: of, shift: ones / 2}
	chosen := (uint64(1)<<(ones-k.shift-1) - 1) << (k.shift + 1) // all of them but the zero
	k.mark = own.Max&^(chosen|1<<k.shift) | rand.Uint64()&chosen
	return k, err == nil && strconv.IntSize == 64 && k.shift >= 16
}

func (k *lineage) has(limit uint64) bool { return limit>>k.shift == k.mark>>k.shift }

// whose is the lineage that has limit; l.mu is held.
func (l *lineages) whose(limit uint64) *lineage {
	for _, k := range l.live {
		if k.has(limit) {
			return k
		}
	}
	return nil
}

// imprint marks a process that is held.
func (k *lineage) imprint(pid int) error {
	if k == nil {
		return nil
	}
	k.leader.Store(int64(pid))
	if err := unix.Prlimit(pid, unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: k.mark, Max: k.mark}, nil); err != nil {
		return fmt.Errorf("marking the process: %w", err)
	}
	return nil
}

// kill ends whom it meets, once: what forks faster is for end.
func (k *lineage) kill() {
	if k != nil {
		k.sweep()
	}
}

// outrun is how long end may take, whatever is forked meanwhile.
const outrun = 10 * time.Second

// end returns when nobody of the lineage is alive any more. One that is being killed
// forks no more (fork(2) begins again after a signal, and then the signal comes
// first), so a look at all processes that meets none alive is the last that it takes.
// Those that the kernel does not let go may take no longer than emptyWait since
// another one was met.
func (k *lineage) end() {
	if k == nil {
		return
	}
	met := map[int]bool{}
	began := time.Now()
	last, pause := began, 50*time.Microsecond
	for time.Since(began) < outrun && time.Since(last) < emptyWait {
		alive, err := k.sweep()
		if err == nil && len(alive) == 0 {
			return
		}
		for _, pid := range alive {
			if !met[pid] {
				met[pid] = true
				last, pause = time.Now(), 50*time.Microsecond
			}
		}
		time.Sleep(pause)
		pause *= 2
	}
}

// vanish is end, and forgets the mark. The first process has been reaped.
func (k *lineage) vanish() {
	if k == nil {
		return
	}
	k.leader.Store(0)
	k.end()
	l := k.of
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.live {
		if other == k {
			l.live = append(l.live[:i], l.live[i+1:]...)
			break
		}
	}
	if len(l.live) == 0 && l.done != nil {
		close(l.done)
		l.done = nil
	}
}

// sweep looks at all processes once. It kills those of the lineage that it finds alive
// and reaps those that it finds dead.
func (k *lineage) sweep() (alive []int, err error) {
	whose := func(limit uint64) *lineage {
		if k.has(limit) {
			return k
		}
		return nil
	}
	err = look(whose, func(_ *lineage, pid, fd int) {
		if ended(fd) {
			k.reap(pid, fd)
			return
		}
		if unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil { // else it is another user's
			alive = append(alive, pid)
		}
	})
	return alive, err
}

// reap leaves the first process to whoever waits for it, and every other to its parent
// if that is not this program.
func (k *lineage) reap(pid, fd int) {
	if k.leader.Load() != int64(pid) {
		unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG|unix.WALL, nil)
	}
}

// reapPause is how long an orphan that has ended may stay a zombie: many that end at
// about the same time take one look at all processes.
const reapPause = time.Second

// reapOrphans does for the lineages what init does elsewhere, until done.
func (l *lineages) reapOrphans(done <-chan struct{}) {
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, unix.SIGCHLD)
	defer signal.Stop(deaths)
	for {
		select {
		case <-done:
			return
		case <-deaths:
		}
		select {
		case <-done:
			return
		case <-time.After(reapPause):
		}
		whose := func(limit uint64) *lineage {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.whose(limit)
		}
		look(whose, func(k *lineage, pid, fd int) {
			if ended(fd) {
				k.reap(pid, fd)
			}
		})
	}
}

// look visits every process that is of a lineage, by its pidfd, which is another's at
// no time: that the number was not is seen by looking again once there is a pidfd. No
// mark is trusted of a process that does not descend from this program.
func look(whose func(limit uint64) *lineage, visit func(k *lineage, pid, fd int)) error {
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer dir.Close()
	related := map[int]bool{os.Getpid(): true}
	for {
		// Not many at a time: they are looked at while they are new.
		names, end := dir.Readdirnames(100)
		for _, name := range names {
			pid, notOne := strconv.Atoi(name)
			if notOne != nil || whose(locksOf(pid)) == nil {
				continue
			}
			fd, failed := unix.PidfdOpen(pid, 0)
			if failed != nil {
				if failed != unix.ESRCH {
					err = failed
				}
				continue
			}
			if k := whose(locksOf(pid)); k != nil && descends(pid, related) {
				visit(k, pid, fd)
			}
			unix.Close(fd)
		}
		if end != nil {
			return err
		}
	}
}

// locksOf is the hard limit, 0 where there is none to see. prlimit(2) is quick, and
// does not tell of another user's.
func locksOf(pid int) uint64 {
	var now unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &now)
	if err != unix.EPERM {
		return now.Max
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	_, line, _ := strings.Cut(string(text), "Max file locks ")
	if fields := strings.Fields(line); len(fields) > 1 {
		now.Max, _ = strconv.ParseUint(fields[1], 10, 64) // 0 for "unlimited"
	}
	return now.Max
}

// descends reports whether pid is below one of related, and adds all that it passes. A
// parent that is gone meanwhile has left its child to another.
func descends(pid int, related map[int]bool) bool {
	var passed []int
	const enough = 100 // of parents that go
	for at, gone := pid, 0; gone < enough; {
		if related[at] {
			for _, p := range passed {
				related[p] = true
			}
			return true
		}
		passed = append(passed, at)
		switch parent, err := parentOf(at); {
		case err == nil && parent == 0, err != nil && at == pid:
			return false
		case err == nil:
			at = parent
		default:
			at, passed = pid, nil
			gone++
		}
	}
	return false
}

// ended reports whether a process has, with all of its threads: a pidfd is readable then.
func ended(pidfd int) bool {
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
	return n > 0
}
