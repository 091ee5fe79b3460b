package tool

import (
	"bufio"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"syscall"
)

// Open opens a file for reading; "-" is standard input. A directory is refused here, with the same error on every system,
// instead of at the first read.
func (e *Env) Open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.Stdin), nil
	}
	if name == "" {
		return nil, syscall.ENOENT // WASI would say EINVAL
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, &iofs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	return file, nil
}

// Each calls do with every file named, or with standard input when there is none. A file that cannot be opened or
// read is reported and does not stop the rest.
func (e *Env) Each(names []string, do func(name string, r io.Reader) error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if e.Stdout.Broken() {
			return
		}
		if err := e.one(name, do); err != nil {
			e.FailPath(name, err)
		}
	}
}

func (e *Env) one(name string, do func(name string, r io.Reader) error) error {
	r, err := e.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	return do(name, r)
}

// Lines reads lines of any length.
type Lines struct {
	r     *bufio.Reader
	delim byte
	long  []byte
}

// NewLines returns the lines of r, which end with delim.
func NewLines(r io.Reader, delim byte) *Lines {
	return &Lines{r: bufio.NewReaderSize(r, 64<<10), delim: delim}
}

// Next returns the next line without its delimiter, and whether it had one: only the last line may not. The bytes are
// valid until the next call. At the end it returns io.EOF and no line.
func (l *Lines) Next() (line []byte, ended bool, err error) {
	line, err = l.r.ReadSlice(l.delim)
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.r.ReadSlice(l.delim)
			l.long = append(l.long, line...)
		}
		line = l.long
	}
	if err == nil {
		return line[:len(line)-1], true, nil
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, false, nil
	}
	return nil, false, err
}

// EachLine calls do with every line of r until it returns false.
func EachLine(r io.Reader, delim byte, do func(line []byte, ended bool) bool) error {
	lines := NewLines(r, delim)
	for {
		line, ended, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !do(line, ended) {
			return nil
		}
	}
}

// Ahead returns what was read but not yet returned, after reading something if there was nothing.
func (l *Lines) Ahead() []byte {
	l.r.Peek(1)
	ahead, _ := l.r.Peek(l.r.Buffered())
	return ahead
}
