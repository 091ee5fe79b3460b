package kernel

import (
	"sync"
	"syscall"
	"time"

	"dappco.re/go/cloche/fs"
)

// maxNumbered is how many files a steady process can tell apart, for which the host
// keeps some 64 MiB.
const maxNumbered = 1 << 20

// steady makes files look the same at every run and on every host, if they hold the
// same. They are on one device and numbered as the process comes across them,
// directories have no size, whatever there is has one name, and all times are that
// at which the process began. A nil steady shows files as they are.
type steady struct {
	at time.Time

	mu    sync.Mutex
	files map[identity]uint64
}

// identity is what makes two names those of one file.
type identity struct{ dev, ino uint64 }

func newSteady(at time.Time) *steady {
	return &steady{at: at, files: make(map[identity]uint64)}
}

func (s *steady) stat(st fs.Stat) (fs.Stat, error) {
	if s == nil {
		return st, nil
	}
	ino, err := s.number(st)
	if err != nil {
		return fs.Stat{}, err
	}
	st.Dev, st.Ino = 1, ino
	if st.Mode.IsDir() {
		st.Size = 0
	}
	st.Nlink = 1
	st.Atime, st.Mtime, st.Ctime = s.at, s.at, s.at
	return st, nil
}

// number numbers a file. One that its filesystem has no number for stays without.
func (s *steady) number(st fs.Stat) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := identity{st.Dev, st.Ino}
	switch n := s.files[file]; {
	case n != 0 || st.Ino == 0:
		return n, nil
	case len(s.files) == maxNumbered:
		return 0, syscall.ENOMEM
	}
	s.files[file] = uint64(len(s.files)) + 1
	return s.files[file], nil
}

// list numbers the entries of dir. An entry may be on another device than the
// directory, so that each has to be looked up.
func (s *steady) list(dir fs.Dir, entries []fs.Entry) error {
	if s == nil {
		return nil
	}
	for i := range entries {
		entries[i].Ino = 0 // it may be gone by now
		st, err := dir.Lookup(entries[i].Name)
		if err != nil {
			continue
		}
		if entries[i].Ino, err = s.number(st); err != nil {
			return err
		}
	}
	return nil
}
