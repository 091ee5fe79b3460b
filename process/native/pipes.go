package native

import (
	"errors"
	"io"
	"os"
	"reflect"
	"syscall"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// pipes are the process's standard streams: its own ends, and the goroutines
// that copy at ours.
type pipes struct {
	theirs  [3]*os.File
	input   *input
	outputs []*output // one when both streams are one
}

func openPipes(fsys *fs.Fs, s process.Spec) (*pipes, error) {
	p := &pipes{}
	if err := p.open(fsys, s); err != nil {
		p.closeTheirs()
		p.closeOurs()
		return nil, err
	}
	return p, nil
}

func (p *pipes) open(fsys *fs.Fs, s process.Spec) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p.theirs[0], p.input = r, &input{from: s.Stdin, to: w, done: make(chan struct{})}
	if s.OutputFile != "" {
		p.theirs[1], err = openOutput(fsys, s.OutputFile)
		p.theirs[2] = p.theirs[1]
		return err
	}
	if p.theirs[1], err = p.output(s.Stdout); err != nil {
		return err
	}
	if same(s.Stdout, s.Stderr) {
		p.theirs[2] = p.theirs[1]
		return nil
	}
	p.theirs[2], err = p.output(s.Stderr)
	return err
}

func (p *pipes) output(to io.Writer) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.outputs = append(p.outputs, &output{from: r, to: to, rest: standing, done: make(chan struct{})})
	return w, nil
}

func same(a, b io.Writer) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		f.Close() // twice for a shared one, which is harmless, as is nil
	}
}

func (p *pipes) files() []*os.File { return p.theirs[:] }

func (p *pipes) attach(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

func (p *pipes) terminal() []string { return nil }

func (p *pipes) resize(process.Terminal) error { return errors.ErrUnsupported }

// closeOurs is for a process that did not start.
func (p *pipes) closeOurs() {
	if p.input != nil {
		p.input.to.Close()
	}
	for _, o := range p.outputs {
		o.from.Close()
	}
}

// copy starts the goroutines; fail is called when a writer failed.
func (p *pipes) copy(fail func()) {
	go p.input.copy()
	for _, o := range p.outputs {
		go o.copy(fail)
	}
}

// finish returns when all is delivered that was written before, with the error
// of the writer that failed. It may be called when nobody is left who matters.
func (p *pipes) finish() error {
	p.input.stop()
	for _, o := range p.outputs {
		o.from.SetReadDeadline(time.Unix(1, 0)) // wakes copy; on Windows it cannot, and EOF must
	}
	var errs []error
	for _, o := range p.outputs {
		<-o.done
		errs = append(errs, o.err)
	}
	return errors.Join(errs...)
}

// input copies what the caller gives until the process no longer takes it.
type input struct {
	from io.Reader // and io.Closer, the seam promises
	to   *os.File
	done chan struct{}
}

// copy ignores what ends it. A process may stop reading when it likes (EPIPE),
// and a reader that fails is its owner's concern; either way the process has to
// see EOF.
func (i *input) copy() {
	defer close(i.done)
	defer i.to.Close()
	io.Copy(onlyWriter{i.to}, i.from)
}

// onlyWriter hides ReadFrom, whose splice(2) would call the reader's file, if it
// is one, in ways that Close does not interrupt.
type onlyWriter struct{ io.Writer }

func (i *input) stop() {
	if c, ok := i.from.(io.Closer); ok {
		c.Close() // frees a blocked Read
	}
	i.to.Close() // frees a blocked Write
	<-i.done
}

// output copies what the process writes.
type output struct {
	from *os.File
	to   io.Writer
	rest func(from *os.File) io.Reader // what stands in from, and no more
	done chan struct{}
	err  error // the writer's; after done
}

// copy reads until EOF, or until finish wakes it: then it takes what stands in
// it, which is never more than it can hold, and leaves.
func (o *output) copy(fail func()) {
	defer close(o.done)
	defer o.from.Close()
	err := o.transfer(o.from)
	if o.err == nil && errors.Is(err, os.ErrDeadlineExceeded) {
		o.from.SetReadDeadline(time.Time{})
		o.transfer(o.rest(o.from))
	}
	if o.err != nil {
		fail()
	}
}

// standing reads what stands in a pipe.
func standing(pipe *os.File) io.Reader { return io.LimitReader(pipe, unread(pipe)) }

// transfer returns the reader's error; the writer's goes to o.err.
func (o *output) transfer(from io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if o.err = writeAll(o.to, buf[:n]); o.err != nil {
				return o.err
			}
		}
		if err != nil {
			return err
		}
	}
}

func writeAll(to io.Writer, p []byte) error {
	n, err := to.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}
