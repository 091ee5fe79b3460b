package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// span is a range of positions, from 1, both ends included.
type span struct{ lo, hi int }

type cutter struct {
	spans      []span
	complement bool
	onlyCut    bool // leave out lines without a delimiter
	delim      byte
	output     string
	outputSet  bool
	newline    byte
}

// Cut prints parts of lines.
func Cut(e *tool.Env) int {
	c := &cutter{delim: '\t', newline: '\n'}
	f := e.Flags("OPTION... [FILE]...")
	var list, kind string
	choose := func(letter string) func(string) error {
		return func(v string) error {
			if kind != "" {
				return tool.Usage("only one list may be specified")
			}
			kind, list = letter, v
			return nil
		}
	}
	delimGiven := false
	f.Call("b,bytes", "LIST", "select only these bytes", choose("b"))
	f.Call("c,characters", "LIST", "select only these characters", choose("c"))
	f.Call("f,fields", "LIST", "select only these fields", choose("f"))
	f.Call("d,delimiter", "DELIM", "use DELIM instead of TAB for field delimiter", func(v string) error {
		if len(v) > 1 {
			return tool.Usage("the delimiter must be a single character")
		}
		c.delim, delimGiven = append([]byte(v), 0)[0], true
		return nil
	})
	f.Call(",output-delimiter", "STRING", "use STRING as the output delimiter", func(v string) error {
		c.output, c.outputSet = v, true
		if v == "" {
			c.output = "\x00" // as in GNU cut
		}
		return nil
	})
	f.Call("s,only-delimited", "", "do not print lines not containing delimiters", func(string) error { c.onlyCut = true; return nil })
	f.Call(",complement", "", "complement the set of selected bytes or fields", func(string) error { c.complement = true; return nil })
	f.Call("z,zero-terminated", "", "line delimiter is NUL, not newline", func(string) error { c.newline = 0; return nil })
	f.Bool("n,", "(ignored)")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	switch {
	case kind == "":
		return e.Misused("you must specify a list of bytes, characters, or fields")
	case kind != "f" && delimGiven:
		return e.Misused("an input delimiter may be specified only when operating on fields")
	case kind != "f" && c.onlyCut:
		return e.Misused("suppressing non-delimited lines makes sense\n\tonly when operating on fields")
	}
	if err := c.parse(list, kind == "f"); err != nil {
		return e.Misused("%s", err)
	}
	if !c.outputSet && kind == "f" {
		c.output = string(c.delim)
	}
	e.Each(names, func(_ string, r io.Reader) error {
		return tool.EachLine(r, c.newline, func(line []byte, _ bool) bool {
			if kind == "f" {
				c.fields(e.Stdout, line)
			} else {
				c.bytes(e.Stdout, line)
			}
			return !e.Stdout.Broken()
		})
	})
	return e.Status()
}

func (c *cutter) parse(list string, fields bool) error {
	kind := "byte/character position"
	zero := errors.New("byte/character positions are numbered from 1")
	if fields {
		kind, zero = "field", errors.New("fields are numbered from 1")
	}
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		low, high, ranged := strings.Cut(part, "-")
		invalid := fmt.Errorf("invalid %s %s", kind, tool.Quote(part))
		if fields {
			invalid = fmt.Errorf("invalid field value %s", tool.Quote(part))
		}
		if ranged && low == "" && high == "" {
			return errors.New("invalid range with no endpoint: -")
		}
		s := span{1, math.MaxInt}
		for _, end := range []struct {
			text string
			to   *int
		}{{low, &s.lo}, {high, &s.hi}} {
			if end.text == "" {
				continue
			}
			n, err := strconv.Atoi(end.text)
			if err != nil || n < 0 {
				return invalid
			}
			if n == 0 {
				return zero
			}
			*end.to = n
		}
		if !ranged {
			s.hi = s.lo
		}
		if s.hi < s.lo {
			return errors.New("invalid decreasing range")
		}
		c.spans = append(c.spans, s)
	}
	if len(c.spans) == 0 {
		return zero
	}
	return nil
}

func (c *cutter) has(position int) bool {
	for _, s := range c.spans {
		if s.lo <= position && position <= s.hi {
			return !c.complement
		}
	}
	return c.complement
}

// starts tells whether a span given begins at position: that is where an output delimiter goes between bytes.
func (c *cutter) starts(position int) bool {
	if !c.complement {
		for _, s := range c.spans {
			if s.lo < position && position <= s.hi {
				return false
			}
		}
		return true
	}
	return !c.has(position - 1)
}

func (c *cutter) bytes(out *tool.Output, line []byte) {
	printed := false
	for i, b := range line {
		if !c.has(i + 1) {
			continue
		}
		if printed && c.outputSet && c.starts(i+1) {
			out.WriteString(c.output)
		}
		out.WriteByte(b)
		printed = true
	}
	out.WriteByte(c.newline)
}

func (c *cutter) fields(out *tool.Output, line []byte) {
	if bytes.IndexByte(line, c.delim) < 0 {
		if !c.onlyCut {
			out.Line(line, c.newline)
		}
		return
	}
	printed := false
	for number, rest, more := 1, line, true; more; number++ {
		var field []byte
		field, rest, more = bytes.Cut(rest, []byte{c.delim})
		if !c.has(number) {
			continue
		}
		if printed {
			out.WriteString(c.output)
		}
		out.Write(field)
		printed = true
	}
	out.WriteByte(c.newline)
}
