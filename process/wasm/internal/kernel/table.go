package kernel

import (
	"sync"
	"sync/atomic"
	"syscall"
)

// FD is a descriptor's number.
type FD uint32

// MaxDescriptors is how many descriptors a process may have open, whatever its
// Limits say.
const MaxDescriptors = 1024

// description is an open file description: what dup and inheritance share.
type description struct {
	obj  object
	refs atomic.Int32 // entries and calls under way

	mu     sync.Mutex // held for a whole vectored read or write of a file
	offset int64
	flags  Flags // without FlagNonblock, which is each entry's own
}

func newDescription(obj object, flags Flags) *description {
	d := &description{obj: obj, flags: flags &^ FlagNonblock}
	d.refs.Store(1)
	return d
}

func (d *description) release() {
	if d.refs.Add(-1) == 0 {
		d.obj.close()
	}
}

// entry is one descriptor. Nonblock is kept here and not in the description, so
// that a process that sets it on a stream it shares does not surprise the others.
type entry struct {
	desc             *description
	base, inheriting Rights
	nonblock         bool
	preopen          string // the name it is offered under, "" for none
}

// need answers ErrNotCapable unless the descriptor has all of these rights. For
// reading and writing POSIX has a word of its own: EBADF.
func (e *entry) need(r Rights) error {
	switch missing := r &^ e.base; {
	case missing == 0:
		return nil
	case missing&(RightRead|RightWrite) != 0:
		return syscall.EBADF
	}
	return ErrNotCapable
}

// flags are the descriptor's flags, its own and the shared ones.
func (e *entry) flags() Flags {
	e.desc.mu.Lock()
	f := e.desc.flags
	e.desc.mu.Unlock()
	if e.nonblock {
		f |= FlagNonblock
	}
	return f
}

// table maps numbers to entries.
type table struct {
	account *Account // of all descriptors

	mu      sync.Mutex
	entries []entry // desc is nil where the number is free
	used    int     // numbers, and what is reserved
	lowest  int     // no number below it is free
	closed  bool
}

// acquire returns a copy of the entry and holds its description until release.
func (t *table) acquire(fd FD) (entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.at(fd); e != nil {
		e.desc.refs.Add(1)
		return *e, nil
	}
	return entry{}, syscall.EBADF
}

func (e *entry) release() { e.desc.release() }

// at returns the entry of an open descriptor, or nil. The caller holds mu.
func (t *table) at(fd FD) *entry {
	if uint64(fd) >= uint64(len(t.entries)) || t.entries[fd].desc == nil {
		return nil
	}
	return &t.entries[fd]
}

// update changes the entry of an open descriptor in place.
func (t *table) update(fd FD, change func(*entry) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.at(fd); e != nil {
		return change(e)
	}
	return syscall.EBADF
}

// reserve makes sure that there is room for one more descriptor, before anything
// is made that only a descriptor could use. It ends with add or cancel.
func (t *table) reserve() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return syscall.EMFILE
	case t.used >= MaxDescriptors:
		return exceeded(LimitDescriptors, MaxDescriptors)
	case !t.account.descriptors.takeAll(1):
		return exceeded(LimitDescriptors, t.account.descriptors.max)
	}
	t.used++
	return nil
}

// force is reserve for what a process is given at its start, which no limit of the
// account keeps from it.
func (t *table) force() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used >= MaxDescriptors {
		return syscall.EMFILE
	}
	t.account.descriptors.force(1)
	t.used++
	return nil
}

// cancel gives a reservation up.
func (t *table) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unreserve()
}

// unreserve is cancel for a caller who holds mu.
func (t *table) unreserve() {
	t.used--
	t.account.descriptors.giveBack(1)
}

// add gives e, for which there is a reservation, the lowest free number. It takes
// over the caller's reference, and drops it on failure.
func (t *table) add(e entry) (FD, error) {
	t.mu.Lock()
	if t.closed {
		t.unreserve()
		t.mu.Unlock()
		e.release()
		return 0, syscall.EMFILE
	}
	defer t.mu.Unlock()
	fd := t.lowest
	for fd < len(t.entries) && t.entries[fd].desc != nil {
		fd++
	}
	if fd == len(t.entries) {
		t.entries = append(t.entries, entry{})
	}
	t.entries[fd] = e
	t.lowest = fd + 1
	return FD(fd), nil
}

// remove frees a number. The object is closed when the last call that uses it is
// done.
func (t *table) remove(fd FD) error {
	t.mu.Lock()
	e := t.at(fd)
	if e == nil {
		t.mu.Unlock()
		return syscall.EBADF
	}
	old := *e
	t.free(fd)
	t.mu.Unlock()
	old.release()
	return nil
}

// free forgets an entry. The caller holds mu and has the entry's reference.
func (t *table) free(fd FD) {
	t.entries[fd] = entry{}
	t.unreserve()
	t.lowest = min(t.lowest, int(fd))
}

// renumber moves from to the number to, closing what was there, in one step.
func (t *table) renumber(from, to FD) error {
	t.mu.Lock()
	src, dst := t.at(from), t.at(to)
	if src == nil || dst == nil {
		t.mu.Unlock()
		return syscall.EBADF
	}
	if from == to {
		t.mu.Unlock()
		return nil
	}
	old := *dst
	*dst = *src
	t.free(from)
	t.mu.Unlock()
	old.release()
	return nil
}

// close frees every number, and refuses new ones.
func (t *table) close() {
	t.mu.Lock()
	entries := t.entries
	t.entries, t.closed = nil, true
	for i := range entries {
		if entries[i].desc != nil {
			t.unreserve()
		}
	}
	t.mu.Unlock()
	for i := range entries {
		if entries[i].desc != nil {
			entries[i].release()
		}
	}
}
