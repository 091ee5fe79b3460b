package fs

import (
	"bytes"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"strings"

	"dappco.re/go/cloche/fs/internal/linediff"
)

const (
	patchContext = 3       // lines around a change, as diff -u has
	maxText      = 8 << 20 // bytes of a file that is still shown line by line
)

// Patch writes the Diff as a patch in the extended format of git-diff(1), which
// "git apply" and "patch -p1" take. What it cannot hold is told by a line that
// both pass over: files that are not text or too long, and directories without
// anything in them.
func (l *Layer) Patch(w io.Writer) error {
	return l.with(func(base, own Dir) error {
		changes, err := diff(base, own)
		if err != nil {
			return err
		}
		p := patcher{base, own}
		for i, c := range changes {
			if c.isDir() && i+1 < len(changes) && strings.HasPrefix(changes[i+1].Path, c.Path+"/") {
				continue // what is in it speaks for it
			}
			text, err := p.change(c)
			if err != nil {
				return pathError("patch", c.Path, err)
			}
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c Change) isDir() bool { return c.Old.Mode.IsDir() || c.New.Mode.IsDir() }

type patcher struct{ base, own Dir }

func (p patcher) change(c Change) (string, error) {
	var none string
	old, new := &none, &none
	var err error
	if c.Kind != Added {
		if old, err = text(p.base, c.Path, c.Old, c.OldTarget); err != nil {
			return "", err
		}
	}
	if c.Kind != Removed {
		if new, err = text(p.own, c.Path, c.New, c.Target); err != nil {
			return "", err
		}
	}
	if old == nil || new == nil {
		return fmt.Sprintf("cloche: %s %s %s\n", kindOf(c), quote(c.Path), c.Kind), nil
	}
	a, b := quote("a/"+c.Path), quote("b/"+c.Path)
	var out strings.Builder
	fmt.Fprintf(&out, "diff --git %s %s\n", a, b)
	switch {
	case c.Kind == Added:
		fmt.Fprintf(&out, "new file mode %s\n", gitMode(c.New.Mode))
		a = "/dev/null"
	case c.Kind == Removed:
		fmt.Fprintf(&out, "deleted file mode %s\n", gitMode(c.Old.Mode))
		b = "/dev/null"
	case gitMode(c.Old.Mode) != gitMode(c.New.Mode):
		fmt.Fprintf(&out, "old mode %s\nnew mode %s\n", gitMode(c.Old.Mode), gitMode(c.New.Mode))
	}
	if hunks := unified(lines(*old), lines(*new)); hunks != "" {
		fmt.Fprintf(&out, "--- %s\n+++ %s\n%s", ended(a), ended(b), hunks)
	}
	return out.String(), nil
}

// text is what a patch shows of an entry: a file's content or a symlink's target;
// nil for what it cannot show.
func text(root Dir, path string, st Stat, target string) (*string, error) {
	switch {
	case st.Mode&iofs.ModeSymlink != 0:
		return &target, nil
	case !st.Mode.IsRegular() || st.Size > maxText:
		return nil, nil
	}
	var data []byte
	err := within(root, path, func(dir Dir, name string) error {
		n, err := dir.OpenFile(name, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer n.Close()
		data, err = readAll(n)
		return err
	})
	if err != nil || bytes.IndexByte(data, 0) >= 0 {
		return nil, err
	}
	s := string(data)
	return &s, nil
}

func kindOf(c Change) string {
	switch mode := c.Old.Mode | c.New.Mode; {
	case mode.IsDir():
		return "directory"
	case mode.IsRegular():
		return "binary file"
	}
	return "special file"
}

// gitMode is the only modes that git knows.
func gitMode(m iofs.FileMode) string {
	switch {
	case m&iofs.ModeSymlink != 0:
		return "120000"
	case m&0o111 != 0:
		return "100755"
	}
	return "100644"
}

// lines keeps each line's end, so that a missing one counts as a difference.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	l := strings.SplitAfter(s, "\n")
	if l[len(l)-1] == "" {
		l = l[:len(l)-1]
	}
	return l
}

// unified writes hunks, as POSIX's diff -u does.
func unified(a, b []string) string {
	var out strings.Builder
	edits := linediff.Edits(a, b)
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].A0-edits[n-1].A1 <= 2*patchContext {
			n++
		}
		hunk(&out, a, b, edits[:n])
		edits = edits[n:]
	}
	return out.String()
}

func hunk(out *strings.Builder, a, b []string, edits []linediff.Edit) {
	first, last := edits[0], edits[len(edits)-1]
	before := min(patchContext, first.A0)
	after := min(patchContext, len(a)-last.A1)
	fmt.Fprintf(out, "@@ -%s +%s @@\n",
		span(first.A0-before, last.A1+after), span(first.B0-before, last.B1+after))
	at := first.A0 - before
	for _, e := range edits {
		mark(out, " ", a[at:e.A0])
		mark(out, "-", a[e.A0:e.A1])
		mark(out, "+", b[e.B0:e.B1])
		at = e.A1
	}
	mark(out, " ", a[at:at+after])
}

// span is a range of lines: an empty one is named by the line before it.
func span(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func mark(out *strings.Builder, sign string, lines []string) {
	for _, l := range lines {
		out.WriteString(sign)
		out.WriteString(l)
		if !strings.HasSuffix(l, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// ended puts a tab behind a name with a space in it, which would end it otherwise.
func ended(name string) string {
	if strings.Contains(name, " ") {
		return name + "\t"
	}
	return name
}

// quote writes a name as git-config(1) says under core.quotePath: in C's way
// where it holds anything beside plain characters. It keeps a guest's file names
// from speaking to a terminal, too.
func quote(name string) string {
	var out strings.Builder
	plain := true
	for i := range len(name) {
		c := name[i]
		if esc, ok := escapes[c]; ok {
			out.WriteString(esc)
		} else if c < ' ' || c >= 0x7f {
			fmt.Fprintf(&out, `\%03o`, c)
		} else {
			out.WriteByte(c)
			continue
		}
		plain = false
	}
	if plain {
		return name
	}
	return `"` + out.String() + `"`
}

var escapes = map[byte]string{
	'\a': `\a`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`,
}
