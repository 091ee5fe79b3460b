// Package text holds the commands that read text line by line or byte by byte: cat, comm, cut, head, nl, sort, tac, tail, tee,
// tr, uniq and wc.
package text

import (
	"errors"
	"fmt"
	"io"

	"dappco.re/go/cloche/userland/internal/tool"
)

type catOptions struct {
	number, numberNonblank, squeeze, ends, tabs, visible bool
}

// Cat joins files.
func Cat(e *tool.Env) int {
	var o catOptions
	f := e.Flags("[OPTION]... [FILE]...")
	on := func(flags ...*bool) func(string) error {
		return func(string) error {
			for _, p := range flags {
				*p = true
			}
			return nil
		}
	}
	f.Call("A,show-all", "", "equivalent to -vET", on(&o.visible, &o.ends, &o.tabs))
	f.Call("b,number-nonblank", "", "number nonempty output lines, overrides -n", on(&o.number, &o.numberNonblank))
	f.Call("e,", "", "equivalent to -vE", on(&o.visible, &o.ends))
	f.Call("E,show-ends", "", "display $ at end of each line", on(&o.ends))
	f.Call("n,number", "", "number all output lines", on(&o.number))
	f.Call("s,squeeze-blank", "", "suppress repeated empty output lines", on(&o.squeeze))
	f.Call("t,", "", "equivalent to -vT", on(&o.visible, &o.tabs))
	f.Call("T,show-tabs", "", "display TAB characters as ^I", on(&o.tabs))
	f.Call("u,", "", "(ignored)", on())
	f.Call("v,show-nonprinting", "", "use ^ and M- notation, except for LFD and TAB", on(&o.visible))
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if o == (catOptions{}) {
		e.Each(names, func(_ string, r io.Reader) error { return copyThrough(e.Stdout, r) })
		return e.Status()
	}
	c := &catter{catOptions: o, out: e.Stdout, atStart: true}
	e.Each(names, func(_ string, r io.Reader) error { return c.file(r) })
	return e.Status()
}

// copyThrough copies r as it comes: nothing that was read waits for more to be read.
func copyThrough(out *tool.Output, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		out.Write(buf[:n])
		if out.Flush() != nil || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

type catter struct {
	catOptions
	out     *tool.Output
	line    int
	blanks  int
	atStart bool // the next byte begins a line
}

func (c *catter) file(r io.Reader) error {
	return tool.EachLine(r, '\n', func(line []byte, ended bool) bool {
		blank := c.atStart && len(line) == 0 && ended
		if !blank {
			c.blanks = 0
		} else if c.blanks++; c.squeeze && c.blanks > 1 {
			return true
		}
		if c.atStart && c.number && !(c.numberNonblank && blank) {
			c.line++
			c.out.Printf("%6d\t", c.line)
		}
		c.content(line, ended)
		c.atStart = ended
		return !c.out.Broken()
	})
}

func (c *catter) content(line []byte, ended bool) {
	carriage := c.ends && ended && !c.visible && len(line) > 0 && line[len(line)-1] == '\r'
	if carriage {
		line = line[:len(line)-1]
	}
	switch {
	case c.visible || c.tabs:
		for _, b := range line {
			c.byte(b)
		}
	default:
		c.out.Write(line)
	}
	if carriage {
		c.out.WriteString("^M")
	}
	if ended && c.ends {
		c.out.WriteByte('$')
	}
	if ended {
		c.out.WriteByte('\n')
	}
}

func (c *catter) byte(b byte) {
	switch {
	case b == '\t' && !c.tabs:
		c.out.WriteByte(b)
	case b == '\t':
		c.out.WriteString("^I")
	case !c.visible:
		c.out.WriteByte(b)
	default:
		c.out.WriteString(visible(b))
	}
}

func visible(b byte) string {
	prefix := ""
	if b >= 0x80 {
		prefix = "M-"
		b -= 0x80
	}
	switch {
	case b < ' ':
		return prefix + "^" + string(rune(b+'@'))
	case b == 0x7f:
		return prefix + "^?"
	}
	return prefix + string(rune(b))
}

// Tac prints files with their lines in reverse order.
func Tac(e *tool.Env) int {
	f := e.Flags("[FILE]...")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		r, err := e.Open(name)
		if err != nil {
			if errors.Is(err, errIsDirectory) {
				e.Fail("%s: read error: %s", tool.QuoteIfNeeded(name), tool.Reason(err))
				continue
			}
			e.Fail("failed to open %s for reading: %s", tool.Quote(name), tool.Reason(err))
			continue
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			e.FailPath(name, err)
		}
		reverseLines(e.Stdout, data)
	}
	return e.Status()
}

func reverseLines(out *tool.Output, data []byte) {
	end := len(data)
	for i := end - 2; i >= 0; i-- {
		if data[i] == '\n' {
			out.Write(data[i+1 : end])
			end = i + 1
		}
	}
	out.Write(data[:end])
}

// Nl numbers lines that are not empty.
func Nl(e *tool.Env) int {
	f := e.Flags("[OPTION]... [FILE]...")
	style := f.String("b,body-numbering", "STYLE", "t", "a numbers all lines, t nonempty lines, n none")
	width := f.String("w,number-width", "NUMBER", "6", "use NUMBER columns for line numbers")
	separator := f.String("s,number-separator", "STRING", "\t", "add STRING after line number")
	first := f.String("v,starting-line-number", "NUMBER", "1", "first line number")
	step := f.String("i,line-increment", "NUMBER", "1", "line number increment at each line")
	format := f.String("n,number-format", "FORMAT", "rn", "ln, rn or rz")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	var columns, number, increment int
	for _, arg := range []struct {
		text string
		to   *int
	}{{*width, &columns}, {*first, &number}, {*step, &increment}} {
		if n, err := fmt.Sscan(arg.text, arg.to); n != 1 || err != nil {
			return e.Fail("invalid number: %s", tool.Quote(arg.text))
		}
	}
	verb, known := map[string]string{"ln": "%-*d", "rn": "%*d", "rz": "%0*d"}[*format]
	if !known {
		return e.Misused("invalid line numbering format: %s", tool.Quote(*format))
	}
	if *style != "a" && *style != "t" && *style != "n" {
		return e.Misused("invalid body numbering style: %s", tool.Quote(*style))
	}
	e.Each(names, func(_ string, r io.Reader) error {
		return tool.EachLine(r, '\n', func(line []byte, _ bool) bool {
			if *style == "a" || *style == "t" && len(line) > 0 {
				e.Stdout.Printf(verb+"%s", columns, number, *separator)
				number += increment
			} else {
				e.Stdout.Printf("%*s", columns+len(*separator), "")
			}
			e.Stdout.Line(line, '\n')
			return !e.Stdout.Broken()
		})
	})
	return e.Status()
}
