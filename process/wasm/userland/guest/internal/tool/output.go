package tool

import (
	"bufio"
	"fmt"
	"io"
)

// Output is buffered standard output. The first error of the stream below sticks to it: a command that could write for ever
// asks Broken, all others may ignore errors, since Run looks at the end.
type Output struct{ *bufio.Writer }

// NewOutput returns an Output that writes to w.
func NewOutput(w io.Writer) *Output { return &Output{bufio.NewWriterSize(w, 32<<10)} }

// Printf formats to the output.
func (o *Output) Printf(format string, args ...any) { fmt.Fprintf(o, format, args...) }

// Line writes the line and a delimiter.
func (o *Output) Line(line []byte, delim byte) {
	o.Write(line)
	o.WriteByte(delim)
}

// Broken tells that a write has failed, so that more writing is in vain.
func (o *Output) Broken() bool {
	_, err := o.Write(nil)
	return err != nil
}
