package fs

import (
	"os"
	"sync"
	"syscall"
)

// Locker is what a Dir has when other processes can reach the same directory:
// Lock waits for an exclusive lock that all of them respect, and that stays
// with the directory whatever is renamed in it.
type Locker interface {
	Lock() (unlock func(), err error)
}

// Update replaces the file's content by what change makes of the old one, which
// is nil when there is no file. Updates of one file never lose each other's work,
// be they in this process or in others, as long as all go through Update. The
// write is WriteAtomic's. When change fails nothing is written and its error is
// returned as it is.
//
// The lock is on the directory, so that it survives the rename: flock(2) on the
// directory itself, where it leaves no file behind. So Updates in one directory
// take turns, and change must not call Update for a file in the same directory,
// which would wait for itself.
func (f *Fs) Update(path string, change func(old []byte) ([]byte, error)) error {
	p, err := f.resolve("update", path, Follow)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.mustBeFile(os.O_CREATE); err != nil {
		return pathError("update", path, err)
	}
	unlock, err := f.lock(p.Dir)
	if err != nil {
		return pathError("update", path, err)
	}
	defer unlock()
	old, err := readOld(p.Dir, p.Name)
	if err != nil {
		return pathError("update", path, err)
	}
	data, err := change(old)
	if err != nil {
		return err
	}
	return pathError("update", path, replace(p.Dir, p.Name, data))
}

func readOld(dir Dir, name string) ([]byte, error) {
	n, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if isErrno(err, syscall.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return readAll(n)
}

// lock locks a directory within this process, then among processes: that way
// only one goroutine at a time waits in a system call.
func (f *Fs) lock(d Dir) (unlock func(), err error) {
	st, err := d.Stat()
	if err != nil {
		return nil, err
	}
	local := f.locks.lock(lockKey{st.Dev, st.Ino})
	l, ok := d.(Locker)
	if !ok {
		return local, nil
	}
	shared, err := l.Lock()
	if err != nil {
		local()
		return nil, err
	}
	return func() {
		shared()
		local()
	}, nil
}

// locks is a mutex per directory, kept while anybody wants it.
type locks struct {
	mu     sync.Mutex
	wanted map[lockKey]*dirLock
}

type lockKey struct{ dev, ino uint64 }

type dirLock struct {
	sync.Mutex
	users int // guarded by locks.mu
}

func (l *locks) lock(key lockKey) (unlock func()) {
	l.mu.Lock()
	if l.wanted == nil {
		l.wanted = make(map[lockKey]*dirLock)
	}
	d := l.wanted[key]
	if d == nil {
		d = new(dirLock)
		l.wanted[key] = d
	}
	d.users++
	l.mu.Unlock()

	d.Lock()
	return func() {
		d.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if d.users--; d.users == 0 {
			delete(l.wanted, key)
		}
	}
}
