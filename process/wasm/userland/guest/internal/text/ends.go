package text

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"dappco.re/go/cloche/userland/internal/tool"
)

const errIsDirectory = syscall.EISDIR

// portion says how much of a file head and tail print.
type portion struct {
	count   int64
	bytes   bool
	inverse bool // head: all but the last count; tail: from number count on
}

// parsePortion reads the value of -n or -c. The sign is what makes it inverse: - for head, + for tail.
func parsePortion(text string, inBytes bool, sign byte) (portion, error) {
	p := portion{bytes: inBytes}
	if text != "" && (text[0] == '-' || text[0] == '+') {
		p.inverse = text[0] == sign
		text = text[1:]
	}
	var err error
	p.count, err = tool.Count(text)
	return p, err
}

type invalidCount struct {
	bytes bool
	text  string
}

func (i invalidCount) Error() string {
	unit := "lines"
	if i.bytes {
		unit = "bytes"
	}
	return "invalid number of " + unit + ": " + tool.Quote(i.text)
}

// ends is what head and tail have in common.
type ends struct {
	env            *tool.Env
	what           portion
	quiet, verbose bool
	delim          byte
	headers        int // printed so far
}

// parse reads the options that both commands have, and those that more adds.
func (s *ends) parse(e *tool.Env, sign byte, more func(*tool.Flags)) ([]string, *tool.Flags, bool) {
	s.env, s.what, s.delim = e, portion{count: 10}, '\n'
	f := e.Flags("[OPTION]... [FILE]...")
	set := func(inBytes bool) func(string) error {
		return func(text string) error {
			p, err := parsePortion(text, inBytes, sign)
			if err != nil {
				return invalidCount{inBytes, text}
			}
			s.what = p
			return nil
		}
	}
	f.Call("n,lines", "NUM", "count lines; the sign inverts the choice", set(false))
	f.Call("c,bytes", "NUM", "count bytes; the sign inverts the choice", set(true))
	f.Call("q,quiet", "", "never print headers giving file names", func(string) error { s.quiet, s.verbose = true, false; return nil })
	f.Call(",silent", "", "the same as --quiet", func(string) error { s.quiet, s.verbose = true, false; return nil })
	f.Call("v,verbose", "", "always print headers giving file names", func(string) error { s.verbose, s.quiet = true, false; return nil })
	f.Call("z,zero-terminated", "", "line delimiter is NUL, not newline", func(string) error { s.delim = 0; return nil })
	f.Digits = set(false)
	more(f)
	names, ok := f.Parse()
	if len(names) == 0 {
		names = []string{"-"}
	}
	return names, f, ok
}

func (s *ends) header(name string) {
	if name == "-" {
		name = "standard input"
	}
	if s.headers++; s.headers > 1 {
		s.env.Stdout.WriteByte('\n')
	}
	s.env.Stdout.Printf("==> %s <==\n", name)
}

// each opens every file, prints its header if there is to be one, and calls print.
func (s *ends) each(names []string, print func(io.Reader) error) {
	for _, name := range names {
		r, err := s.env.Open(name)
		if err != nil && !errors.Is(err, errIsDirectory) {
			s.env.Fail("cannot open %s for reading: %s", tool.Quote(name), tool.Reason(err))
			continue
		}
		if s.verbose || len(names) > 1 && !s.quiet {
			s.header(name)
		}
		if err == nil {
			err = print(r)
			r.Close()
		}
		if err != nil {
			s.env.Fail("error reading %s: %s", tool.Quote(name), tool.Reason(err))
		}
	}
}

// Head prints the first part of files.
func Head(e *tool.Env) int {
	var s ends
	names, f, ok := s.parse(e, '-', func(*tool.Flags) {})
	if !ok {
		return f.Code()
	}
	s.each(names, func(r io.Reader) error {
		switch {
		case s.what.bytes && s.what.inverse:
			return allButBytes(e.Stdout, r, s.what.count)
		case s.what.bytes:
			_, err := io.CopyN(e.Stdout, r, s.what.count)
			if errors.Is(err, io.EOF) || e.Stdout.Broken() {
				return nil
			}
			return err
		case s.what.inverse:
			return allButLines(e.Stdout, r, s.what.count, s.delim)
		}
		return firstLines(e.Stdout, r, s.what.count, s.delim)
	})
	return e.Status()
}

func firstLines(out *tool.Output, r io.Reader, count int64, delim byte) error {
	if count == 0 {
		return nil
	}
	return tool.EachLine(r, delim, func(line []byte, ended bool) bool {
		out.Write(line)
		if ended {
			out.WriteByte(delim)
		}
		count--
		return count > 0 && !out.Broken()
	})
}

func allButLines(out *tool.Output, r io.Reader, count int64, delim byte) error {
	var held [][]byte // at most count lines, oldest first
	return tool.EachLine(r, delim, func(line []byte, ended bool) bool {
		kept := bytes.Clone(line)
		if ended {
			kept = append(kept, delim)
		}
		held = append(held, kept)
		if int64(len(held)) > count {
			out.Write(held[0])
			held = held[1:]
		}
		return !out.Broken()
	})
}

func allButBytes(out *tool.Output, r io.Reader, count int64) error {
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		held = append(held, buf[:n]...)
		if extra := int64(len(held)) - count; extra > 0 {
			out.Write(held[:extra])
			held = append(held[:0], held[extra:]...)
		}
		if errors.Is(err, io.EOF) || out.Broken() {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Tail prints the last part of files.
func Tail(e *tool.Env) int {
	var s ends
	follow := false
	pause := time.Second
	names, f, ok := s.parse(e, '+', func(f *tool.Flags) {
		f.Call("f,follow", "[HOW]", "output appended data as the file grows", func(string) error { follow = true; return nil })
		f.Call("s,sleep-interval", "N", "with -f, sleep for N seconds between iterations", func(v string) error {
			d, err := time.ParseDuration(v + "s")
			pause = d
			return err
		})
	})
	if !ok {
		return f.Code()
	}
	var followed []*growing
	s.each(names, func(r io.Reader) error {
		err := s.tail(r)
		if file, ok := r.(*os.File); ok && follow && err == nil {
			if again, err := os.Open(file.Name()); err == nil {
				end, _ := file.Seek(0, io.SeekCurrent)
				again.Seek(end, io.SeekStart)
				followed = append(followed, &growing{name: file.Name(), file: again})
			}
		}
		return err
	})
	if len(followed) > 0 {
		s.follow(followed, pause)
	}
	return e.Status()
}

func (s *ends) tail(r io.Reader) error {
	out := s.env.Stdout
	n := s.what.count
	switch {
	case s.what.inverse && s.what.bytes:
		_, err := io.CopyN(io.Discard, r, max(n-1, 0))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		return copyThrough(out, r)
	case s.what.inverse:
		skip := n - 1
		return tool.EachLine(r, s.delim, func(line []byte, ended bool) bool {
			if skip--; skip >= 0 {
				return true
			}
			out.Write(line)
			if ended {
				out.WriteByte(s.delim)
			}
			return !out.Broken()
		})
	case s.what.bytes:
		return lastBytes(out, r, n)
	}
	return lastLines(out, r, n, s.delim)
}

func lastBytes(out *tool.Output, r io.Reader, count int64) error {
	if file, ok := r.(*os.File); ok {
		if size, err := file.Seek(0, io.SeekEnd); err == nil {
			file.Seek(max(size-count, 0), io.SeekStart)
			return copyThrough(out, r)
		}
	}
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		held = append(held, buf[:n]...)
		if extra := int64(len(held)) - count; extra > 0 {
			held = append(held[:0], held[extra:]...)
		}
		if errors.Is(err, io.EOF) {
			out.Write(held)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// lastLines keeps the last lines while it reads. In a file that can seek it first looks backwards for where they begin.
func lastLines(out *tool.Output, r io.Reader, count int64, delim byte) error {
	if file, ok := r.(*os.File); ok {
		if start, err := lastLinesStart(file, count, delim); err == nil {
			if _, err := file.Seek(start, io.SeekStart); err == nil {
				return copyThrough(out, r)
			}
		}
	}
	var held [][]byte
	err := tool.EachLine(r, delim, func(line []byte, ended bool) bool {
		kept := bytes.Clone(line)
		if ended {
			kept = append(kept, delim)
		}
		held = append(held, kept)
		if int64(len(held)) > count {
			held = held[1:]
		}
		return true
	})
	for _, line := range held {
		out.Write(line)
	}
	return err
}

func lastLinesStart(file *os.File, count int64, delim byte) (int64, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || count == 0 {
		return end, err
	}
	buf := make([]byte, 16<<10)
	for last := end - 1; end > 0; {
		start := max(end-int64(len(buf)), 0)
		part := buf[:end-start]
		if _, err := file.ReadAt(part, start); err != nil {
			return 0, err
		}
		for i := len(part) - 1; i >= 0; i-- {
			// The delimiter that ends the file begins no further line.
			if part[i] != delim || start+int64(i) == last {
				continue
			}
			if count--; count == 0 {
				return start + int64(i) + 1, nil
			}
		}
		end = start
	}
	return 0, nil
}

type growing struct {
	name string
	file *os.File
}

// follow copies what is appended to the files until the output breaks. Nothing tells a guest of a change, so it looks from time to
// time.
func (s *ends) follow(files []*growing, pause time.Duration) {
	out := s.env.Stdout
	last := files[len(files)-1]
	for out.Flush() == nil {
		for _, g := range files {
			data, _ := io.ReadAll(g.file)
			if len(data) == 0 {
				continue
			}
			if g != last && (len(files) > 1 || s.verbose) && !s.quiet {
				s.header(g.name)
			}
			last = g
			out.Write(data)
		}
		if out.Flush() != nil {
			return
		}
		time.Sleep(pause)
	}
}

// Tee copies standard input to files and to standard output.
func Tee(e *tool.Env) int {
	f := e.Flags("[OPTION]... [FILE]...")
	appending := f.Bool("a,append", "append to the given FILEs, do not overwrite")
	f.Bool("i,ignore-interrupts", "(ignored: no interrupt reaches a guest)")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if *appending {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	t := &tee{env: e}
	for _, name := range names {
		file, err := os.OpenFile(name, mode, 0o666)
		if err != nil {
			e.FailPath(name, err)
			continue
		}
		defer file.Close()
		t.files = append(t.files, file)
	}
	if err := copyTo(t, e.Stdin); err != nil {
		e.Fail("read error: %s", tool.Reason(err))
	}
	return e.Status()
}

// tee writes to all its files and drops one that fails.
type tee struct {
	env   *tool.Env
	files []*os.File
}

func (t *tee) Write(data []byte) (int, error) {
	t.env.Stdout.Write(data)
	err := t.env.Stdout.Flush()
	var working []*os.File
	for _, file := range t.files {
		if _, err := file.Write(data); err != nil {
			t.env.FailPath(file.Name(), err)
			continue
		}
		working = append(working, file)
	}
	t.files = working
	if err != nil && len(working) == 0 || errors.Is(err, syscall.EPIPE) {
		return 0, err
	}
	return len(data), nil
}

func copyTo(w io.Writer, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return nil // the writer has told
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Comm compares two sorted files line by line.
func Comm(e *tool.Env) int {
	f := e.Flags("[OPTION]... FILE1 FILE2")
	no1 := f.Bool("1,", "suppress column 1 (lines unique to FILE1)")
	no2 := f.Bool("2,", "suppress column 2 (lines unique to FILE2)")
	no3 := f.Bool("3,", "suppress column 3 (lines that appear in both files)")
	names, ok := f.Parse()
	switch {
	case !ok:
		return f.Code()
	case len(names) == 0:
		return e.Misused("missing operand")
	case len(names) == 1:
		return e.Misused("missing operand after %s", tool.Quote(names[0]))
	case len(names) > 2:
		return e.Misused("extra operand %s", tool.Quote(names[2]))
	}
	var sides [2]*tool.Lines
	for i, name := range names {
		r, err := e.Open(name)
		if err != nil {
			return e.FailPath(name, err)
		}
		defer r.Close()
		sides[i] = tool.NewLines(r, '\n')
	}
	column := [3]string{"", "\t", "\t\t"}
	if *no1 {
		column = [3]string{"", "", "\t"}
	}
	if *no2 {
		column[2] = strings.TrimPrefix(column[2], "\t")
	}
	print := func(which int, line []byte) {
		if ![]bool{*no1, *no2, *no3}[which] {
			e.Stdout.WriteString(column[which])
			e.Stdout.Line(line, '\n')
		}
	}
	a, _, errA := sides[0].Next()
	b, _, errB := sides[1].Next()
	for errA == nil || errB == nil {
		order := 0
		switch {
		case errA != nil:
			order = 1
		case errB != nil:
			order = -1
		default:
			order = bytes.Compare(a, b)
		}
		switch {
		case order < 0:
			print(0, a)
		case order > 0:
			print(1, b)
		default:
			print(2, a)
		}
		if order <= 0 {
			a, _, errA = sides[0].Next()
		}
		if order >= 0 {
			b, _, errB = sides[1].Next()
		}
	}
	return e.Status()
}
