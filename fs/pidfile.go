package fs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// PIDFile is a file that says which program does something, and that at most one
// does: whoever holds it. Being held is a lock and not the file's existence or
// content, so it ends with the program, however that ends, and is never left
// behind.
type PIDFile struct{ file *File }

// HeldError says that another program, or another part of this one, holds a
// PIDFile. PID is what the file says, 0 where it says nothing; it is for people to
// read, and not to be signalled.
type HeldError struct {
	Path string
	PID  int
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is held by another program", e.Path)
	}
	return fmt.Sprintf("%s is held by process %d", e.Path, e.PID)
}

// exclusiveNode is a Node that can be locked against all other handles on the
// file, in this program and in others, until it is closed.
type exclusiveNode interface {
	tryLock() (locked bool, err error)
}

// afterlife is how long a program's lock may outlive it: a child that it was
// starting has it until it is another program.
const afterlife = 100 * time.Millisecond

// PIDFile takes the file for this program, and writes its number there: flock(2),
// or LockFileEx on Windows. Somebody else's is a *HeldError, at most 100 ms later. A file that is no
// host's is errors.ErrUnsupported. Whoever removes the file, or replaces it, lets
// a second program in; PIDFile itself never does.
func (f *Fs) PIDFile(path string) (*PIDFile, error) {
	file, err := f.openFile("lock", path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	p := &PIDFile{file}
	if err := p.take(); err != nil {
		file.Close()
		return nil, err
	}
	return p, nil
}

func (p *PIDFile) take() error {
	node, ok := p.file.node.(exclusiveNode)
	if !ok {
		return pathError("lock", p.file.path, errors.ErrUnsupported)
	}
	for end := time.Now().Add(afterlife); ; time.Sleep(time.Millisecond) {
		locked, err := node.tryLock()
		switch {
		case err != nil:
			return pathError("lock", p.file.path, err)
		case locked:
			return p.write(strconv.Itoa(os.Getpid()) + "\n")
		case time.Now().After(end):
			return &HeldError{Path: p.file.path, PID: p.holder()}
		}
	}
}

func (p *PIDFile) write(text string) error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.WriteAt([]byte(text), 0)
	return err
}

func (p *PIDFile) holder() int {
	text := make([]byte, 32)
	n, _ := p.file.ReadAt(text, 0)
	pid, err := strconv.Atoi(string(bytes.TrimSpace(text[:n])))
	if err != nil {
		return 0
	}
	return pid
}

// Close empties the file and lets it go.
func (p *PIDFile) Close() error {
	return errors.Join(p.file.Truncate(0), p.file.Close())
}
