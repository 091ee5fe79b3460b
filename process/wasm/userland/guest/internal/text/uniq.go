package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"dappco.re/go/cloche/userland/internal/tool"
)

type uniq struct {
	count, repeated, unique, all, fold bool
	fields, chars, width               int
	delim                              byte
}

// Uniq joins equal lines that follow each other.
func Uniq(e *tool.Env) int {
	u := &uniq{delim: '\n', width: -1}
	f := e.Flags("[OPTION]... [INPUT [OUTPUT]]")
	number := func(p *int, what string) func(string) error {
		return func(v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return fmt.Errorf("%s: invalid number of %s", tool.QuoteIfNeeded(v), what)
			}
			*p = n
			return nil
		}
	}
	on := func(p *bool) func(string) error { return func(string) error { *p = true; return nil } }
	f.Call("c,count", "", "prefix lines by the number of occurrences", on(&u.count))
	f.Call("d,repeated", "", "only print duplicate lines, one for each group", on(&u.repeated))
	f.Call("D,all-repeated", "", "print all duplicate lines", on(&u.all))
	f.Call("u,unique", "", "only print unique lines", on(&u.unique))
	f.Call("i,ignore-case", "", "ignore differences in case when comparing", on(&u.fold))
	f.Call("f,skip-fields", "N", "avoid comparing the first N fields", number(&u.fields, "fields to skip"))
	f.Call("s,skip-chars", "N", "avoid comparing the first N characters", number(&u.chars, "bytes to skip"))
	f.Call("w,check-chars", "N", "compare no more than N characters in lines", number(&u.width, "bytes to compare"))
	f.Call("z,zero-terminated", "", "line delimiter is NUL, not newline", func(string) error { u.delim = 0; return nil })
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) > 2 {
		return e.Misused("extra operand %s", tool.Quote(names[2]))
	}
	if u.count && u.all {
		return e.Misused("printing all duplicated lines and repeat counts is meaningless")
	}
	input := "-"
	if len(names) > 0 {
		input = names[0]
	}
	r, err := e.Open(input)
	if errors.Is(err, errIsDirectory) {
		return e.Fail("error reading %s", tool.Quote(input))
	}
	if err != nil {
		return e.FailPath(input, err)
	}
	defer r.Close()
	out := e.Stdout
	if len(names) == 2 && names[1] != "-" {
		file, err := os.Create(names[1])
		if err != nil {
			return e.FailPath(names[1], err)
		}
		defer file.Close()
		out = tool.NewOutput(file)
	}
	if err := u.run(out, tool.NewLines(r, u.delim)); err != nil {
		e.Fail("error reading %s", tool.Quote(input))
	}
	if out != e.Stdout {
		if err := out.Flush(); err != nil {
			e.FailPath(names[1], err)
		}
	}
	return e.Status()
}

func (u *uniq) run(out *tool.Output, lines *tool.Lines) error {
	var group []byte
	count := 0
	for {
		line, _, err := lines.Next()
		if err != nil || out.Broken() {
			u.group(out, group, count)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		same := count > 0 && u.equal(group, line)
		if u.all && same {
			if count == 1 {
				out.Line(group, u.delim)
			}
			out.Line(line, u.delim)
		}
		if same {
			count++
			continue
		}
		u.group(out, group, count)
		group = append(group[:0], line...)
		count = 1
	}
}

func (u *uniq) group(out *tool.Output, line []byte, count int) {
	if count == 0 || u.all || u.repeated && count == 1 || u.unique && count > 1 {
		return
	}
	if u.count {
		out.Printf("%7d ", count)
	}
	out.Line(line, u.delim)
}

func (u *uniq) equal(a, b []byte) bool {
	a, b = u.compared(a), u.compared(b)
	if u.fold {
		a, b = lower(a), lower(b)
	}
	return bytes.Equal(a, b)
}

func (u *uniq) compared(line []byte) []byte {
	for range u.fields {
		line = line[blanks(line):]
		line = line[nonBlanks(line):]
	}
	line = line[min(u.chars, len(line)):]
	if u.width >= 0 {
		line = line[:min(u.width, len(line))]
	}
	return line
}

func lower(s []byte) []byte {
	low := bytes.Clone(s)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 0x20
		}
	}
	return low
}
