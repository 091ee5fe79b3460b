package jq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// inputs are the values of all files, one after the other. A file that cannot be read is reported and left out.
type inputs struct {
	*runner
	files  []string
	opened bool
	text   io.ReadCloser // the files joined
	values *json.Decoder
	lines  *tool.Lines
	failed int
	done   bool
}

// Next returns the next value, or an error in its place, after which there is none.
func (in *inputs) Next() (any, bool) {
	if in.done {
		return nil, false
	}
	in.open()
	value, err := in.next()
	switch {
	case errors.Is(err, io.EOF):
		in.done = true
		return nil, false
	case err != nil:
		in.done = true
		return describe(err), true
	}
	return value, true
}

func (in *inputs) open() {
	if in.opened {
		return
	}
	in.opened = true
	in.text = &joined{inputs: in}
	if len(in.files) == 0 {
		in.text = io.NopCloser(in.env.Stdin)
	}
	if in.rawInput {
		in.lines = tool.NewLines(in.text, '\n')
	} else {
		in.values = decoder(in.text)
	}
}

func (in *inputs) next() (any, error) {
	if in.lines != nil {
		line, _, err := in.lines.Next()
		return strings.ToValidUTF8(string(line), "\ufffd"), err
	}
	var value any
	err := in.values.Decode(&value)
	return value, err
}

// slurp returns all values as an array, or all text as one string.
func (in *inputs) slurp() (any, error) {
	in.open()
	if in.rawInput {
		var b bytes.Buffer
		in.done = true
		if err := tool.EachLine(in.text, '\n', func(line []byte, ended bool) bool {
			b.Write(line)
			if ended {
				b.WriteByte('\n')
			}
			return true
		}); err != nil {
			return nil, err
		}
		return strings.ToValidUTF8(b.String(), "\ufffd"), nil
	}
	values := []any{}
	for {
		value, more := in.Next()
		if !more {
			return values, nil
		}
		if err, bad := value.(error); bad {
			return nil, err
		}
		values = append(values, value)
	}
}

func (in *inputs) close() {
	if in.text != nil {
		in.text.Close()
	}
}

func describe(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("Unfinished JSON term at EOF")
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
}

// joined reads the files one after the other.
type joined struct {
	*inputs
	at   int
	file io.ReadCloser
}

func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.file == nil {
			if j.at == len(j.files) {
				return 0, io.EOF
			}
			name := j.files[j.at]
			j.at++
			file, err := j.env.Open(name)
			if err != nil {
				j.env.Warn("error: Could not open %s: %s", name, tool.Reason(err))
				j.failed = exitUsage
				continue
			}
			j.file = file
		}
		n, err := j.file.Read(p)
		if errors.Is(err, io.EOF) {
			j.Close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (j *joined) Close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}
