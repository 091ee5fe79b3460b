package text

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"

	"dappco.re/go/cloche/userland/internal/tool"
)

// counts are lines, words, characters, bytes and the width of the longest line, in the order in which wc prints them.
type counts [5]int64

// Wc counts lines, words and bytes.
func Wc(e *tool.Env) int {
	f := e.Flags("[OPTION]... [FILE]...")
	shown := [5]*bool{
		f.Bool("l,lines", "print the newline counts"),
		f.Bool("w,words", "print the word counts"),
		f.Bool("m,chars", "print the character counts"),
		f.Bool("c,bytes", "print the byte counts"),
		f.Bool("L,max-line-length", "print the maximum display width"),
	}
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	columns := 0
	for _, on := range shown {
		if *on {
			columns++
		}
	}
	if columns == 0 {
		*shown[0], *shown[1], *shown[3] = true, true, true
		columns = 3
	}
	width := 1
	if len(names) > 1 || columns > 1 {
		width = wcWidth(e, names)
	}
	print := func(c counts, name string) {
		space := ""
		for i, on := range shown {
			if *on {
				e.Stdout.Printf("%s%*d", space, width, c[i])
				space = " "
			}
		}
		if name != "" {
			e.Stdout.WriteString(" " + name)
		}
		e.Stdout.WriteByte('\n')
	}
	var total counts
	linesOnly := !*shown[1] && !*shown[4]
	count := func(name, label string) {
		r, err := e.Open(name)
		if err != nil && !errors.Is(err, errIsDirectory) {
			e.FailPath(name, err)
			return
		}
		var c counts
		if err == nil {
			c, err = wcCount(r, linesOnly)
			r.Close()
		}
		if err != nil {
			e.FailPath(name, err)
		}
		print(c, label)
		for i := range 4 {
			total[i] += c[i]
		}
		total[4] = max(total[4], c[4])
	}
	if len(names) == 0 {
		count("-", "")
	}
	for _, name := range names {
		count(name, name)
	}
	if len(names) > 1 {
		print(total, "total")
	}
	return e.Status()
}

// wcWidth is the width of a column: that of the largest count possible, which is the size of all files together, and at least
// seven where a size is not known beforehand.
func wcWidth(e *tool.Env, names []string) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	var size int64
	least := 1
	for _, name := range names {
		info, err := os.Stat(name)
		if name == "-" {
			stdin, ok := e.Stdin.(*os.File)
			if !ok {
				least = 7
				continue
			}
			if _, err := stdin.Seek(0, io.SeekCurrent); err != nil {
				least = 7 // a pipe, whatever its mode says: WASI has no word for one
				continue
			}
			info, err = stdin.Stat()
		}
		switch {
		case err != nil:
		case info.Mode().IsRegular():
			size += info.Size()
		default:
			least = 7
		}
	}
	return max(least, len(strconv.FormatInt(size, 10)))
}

func wcCount(r io.Reader, linesOnly bool) (counts, error) {
	var c counts
	buf := make([]byte, 64<<10)
	inWord := false
	var width int64
	for {
		n, err := r.Read(buf)
		c[3] += int64(n)
		if linesOnly {
			c[0] += int64(bytes.Count(buf[:n], []byte{'\n'}))
		} else {
			for _, b := range buf[:n] {
				switch {
				case b == '\n':
					c[0]++
					fallthrough
				case b == '\r' || b == '\f':
					c[4] = max(c[4], width)
					width = 0
					inWord = false
				case b == '\t':
					width += 8 - width%8
					inWord = false
				case b == ' ':
					width++
					inWord = false
				case b == '\v':
					inWord = false
				case b > ' ' && b < 0x7f:
					width++
					if !inWord {
						c[1]++
					}
					inWord = true
				}
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			continue
		}
		c[2] = c[3]
		c[4] = max(c[4], width)
		return c, err
	}
}
