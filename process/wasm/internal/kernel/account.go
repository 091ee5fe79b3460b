package kernel

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// Limits bound what the processes of one tree do to files. Zero means no limit.
type Limits struct {
	Descriptors int   // open at once
	Written     int64 // bytes written or allocated
	Created     int64 // names made: files, directories, symlinks, links
	FileSize    int64 // bytes
	Depth       int   // of a directory below the root
	PathLength  int   // bytes of a path that the guest gives
}

// Limit is one of Limits.
type Limit uint8

const (
	LimitDescriptors Limit = iota
	LimitWritten
	LimitCreated
	LimitFileSize
	LimitDepth
	LimitPathLength
)

// LimitError is what a refusal with fs.RuleLimit wraps. It unwraps to the errno.
type LimitError struct {
	Limit Limit
	Max   int64
}

func (e *LimitError) Error() string {
	return "over a limit of " + strconv.FormatInt(e.Max, 10) + ": " + e.Errno().Error()
}

func (e *LimitError) Unwrap() error { return e.Errno() }

// Errno is what the guest gets, the word of POSIX for each limit.
func (e *LimitError) Errno() syscall.Errno {
	switch e.Limit {
	case LimitDescriptors:
		return syscall.EMFILE
	case LimitFileSize:
		return syscall.EFBIG
	case LimitDepth, LimitPathLength:
		return syscall.ENAMETOOLONG
	}
	return syscall.EDQUOT
}

// exceeded is the refusal. Whoever knows what was tried adds operation and path.
func exceeded(l Limit, max int64) error {
	return &fs.DeniedError{Rule: fs.RuleLimit, Err: &LimitError{l, max}}
}

// Account is what a tree of processes has used of its Limits. All processes of the
// tree have the same one; it is safe for concurrent use.
//
// What is used up is taken before an operation, and given back as far as the
// operation did not need it. So a limit is never exceeded, however many race for
// the last of it; but who asks while another holds what he will give back is
// refused.
type Account struct {
	limits      Limits
	descriptors tally
	written     tally
	created     tally
	listed      tally // bytes of the listings of open directories

	// growing is held for writing from the look at a file's size to what
	// depends on it, and for reading by whatever else can make a file longer:
	// only under LimitFileSize. Others of the tree may act on the same file.
	growing sync.RWMutex
	atlas   atlas
}

// NewAccount returns an Account of which nothing has been used.
func NewAccount(l Limits) *Account {
	a := &Account{limits: l}
	a.descriptors.max = int64(l.Descriptors)
	a.written.max = l.Written
	a.created.max = l.Created
	a.listed.max = maxListed
	return a
}

// tally counts up to a maximum.
type tally struct {
	max  int64 // 0 means none
	used atomic.Int64
}

// take takes up to n, and returns how much that was.
func (t *tally) take(n int64) int64 {
	if t.max == 0 {
		return n
	}
	for {
		used := t.used.Load()
		taken := min(n, t.max-used)
		if taken <= 0 {
			return 0
		}
		if t.used.CompareAndSwap(used, used+taken) {
			return taken
		}
	}
}

// takeAll takes n or nothing.
func (t *tally) takeAll(n int64) bool {
	taken := t.take(n)
	if taken < n {
		t.giveBack(taken)
	}
	return taken == n
}

// force takes n even beyond the maximum.
func (t *tally) force(n int64) {
	if t.max != 0 {
		t.used.Add(n)
	}
}

func (t *tally) giveBack(n int64) {
	if t.max != 0 {
		t.used.Add(-n)
	}
}
