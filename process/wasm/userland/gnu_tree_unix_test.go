//go:build unix

package userland_test

import (
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// tree is what every case runs on: names that end with a slash are directories, contents that begin with -> are links.
var tree = []struct{ name, content string }{
	{"text", "the quick brown fox\njumps over\nthe lazy dog\nThe End\nfoo bar foo\nfoobar\n\nlast line\n"},
	{"empty", ""},
	{"nonl", "first\nsecond\nno newline at end"},
	{"crlf", "one\r\ntwo\r\n\r\nthree\r\n"},
	{"binary", "text before\n\x00\x01\x02 foo\xff\xfe\nafter foo\n"},
	{"latin1", "caf\xe9\nna\xefve\nplain foo\n\xff\xfe\xfd\n"},
	{"utf8", "café\nnaïve ☃\nplain\n"},
	{"fields", "root:x:0:0:root:/root\nbin:x:1:1::/bin\nnobody:x:65534:65534:nobody:/\nno delimiter\n:lead\ntrail:\n"},
	{"columns", "b  2 x\na 10 y\n c 3 z\nd\t1\tw\na 9 y\n"},
	{"numbers", "10\n9\n-3\n2.5\n2.50\n1e3\n0x10\n\nabc\n007\n+5\n100000000000000000000\n-0\n .5\n"},
	{"human", "1K\n2M\n512\n1.5K\n3G\n1k\n0\n-1K\n"},
	{"months", "mar\nJan\nFEB 2\n dec\nfoo\nJune\n"},
	{"versions", "a1.10\na1.9\na1.2.tar.gz\na1.2\nb\na1.02\n~z\n.hid\nv1.0~rc1\nv1.0\n"},
	{"dups", "a\na\nb\nB\nb\n\n\nc 1\nd 1\nc 2\n"},
	{"sorted1", "a\nb\nd\ne\n"},
	{"sorted2", "b\nc\ne\nf"},
	{"blanks", "\n\n\nx\n\n\ny\n \n\t\n"},
	{"tabs", "a\tb\tc\n1\t\t3\n\tx\n"},
	{"pat", "foo\nlazy\n"},
	{"script.sed", "# comment\ns/foo/X/\n/lazy/{\n  s/lazy/energetic/\n  p\n}\n$a\\\nappended\\\ntwice\n"},
	{"prog.jq", "# names\n.users[] | select(.age > 20) | .name\n"},
	{"a.json", `{"users":[{"name":"ann","age":30},{"name":"bob","age":17,"tags":["x","y"]}],"n":1.5,"s":"h\u00e9 \"q\"","z":null}` + "\n"},
	{"stream.json", "1 \"two\" [3]\n{\"four\": 4}\nnull"},
	{"bad.json", "{\"a\": 1}\n{\"b\": \n"},
	{"sums", "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1e87c4c2bbf2a0a4d1b1  text\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\nnot a line\n"},
	{"goodsums", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *empty\n"},
	{"b64", "aGVsbG8gd29ybGQK\n"},
	{"b64bad", "aGVsb!G8=\n"},
	{"old.c", "int main(void)\n{\n\tint i;\n\n\tfor (i = 0; i < 10; i++) {\n\t\tprintf(\"a\");\n\t}\n\n\treturn 0;\n}\n\nvoid f(void)\n{\n}\n"},
	{"new.c", "#include <stdio.h>\n\nint main(void)\n{\n\tint i;\n\n\tfor (i = 0; i < 20; i++) {\n\t\tprintf(\"a\");\n\t\tprintf(\"b\");\n\t}\n\n\treturn  0;\n}\n\nvoid g(void)\n{\n}\n\nvoid f(void)\n{\n}"},
	{"upper", "THE QUICK BROWN FOX\nJUMPS  OVER\nTHE LAZY DOG\nThe End\n\nfoo bar foo\nfoobar\n\nlast line \n"},
	{"-dash", "dash\n"},
	{"sp ace", "space foo\n"},
	{"it's", "quote foo\n"},
	{".hidden", "hidden foo\n"},
	{"link", "->text"},
	{"broken", "->nowhere"},
	{"loop", "->loop"},
	{"dirlink", "->src"},
	{"src/", ""},
	{"src/main.go", "package main\n\n// foo is here\nfunc main() {\n\tfoo()\n}\n"},
	{"src/util.go", "package main\n\nfunc foo() {}\n\nfunc New() {}\n"},
	{"src/notes.txt", "foo\nbar\n"},
	{"src/sub/", ""},
	{"src/sub/deep.go", "package sub\n\nfunc NewDeep() string { return \"foo\" }\n"},
	{"src/sub/data.bin", "\x00foo\x00\n"},
	{"src/.git/", ""},
	{"src/.git/config", "foo = 1\n"},
	{"src/vendor/", ""},
	{"src/vendor/v.go", "package v // foo\n"},
	{"nothing/", ""},
	{"d1/", ""},
	{"d1/same", "same\n"},
	{"d1/differs", "one\ntwo\nthree\n"},
	{"d1/only1", "x\n"},
	{"d1/kind", "file\n"},
	{"d1/sub/", ""},
	{"d1/sub/f", "a\n"},
	{"d2/", ""},
	{"d2/same", "same\n"},
	{"d2/differs", "one\nzwei\nthree\n"},
	{"d2/only2", "y\n"},
	{"d2/kind/", ""},
	{"d2/sub/", ""},
	{"d2/sub/f", "b\n"},
	{"locked/", ""},
	{"locked/in", "secret\n"},
	{"unreadable", "secret foo\n"},
	{"run.sh", "#!/bin/sh\necho hi\n"},
}

var modes = map[string]os.FileMode{"unreadable": 0, "locked": 0, "run.sh": 0o755}

// newTree makes a copy of the tree, with times that count up from a fixed one. The large files are left out unless asked for.
func newTree(t testing.TB, large bool) string {
	dir := t.TempDir()
	at := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		target, link := strings.CutPrefix(content, "->")
		switch {
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.Mkdir(path, 0o755))
		case link:
			require.NoError(t, os.Symlink(target, path))
		default:
			require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
	for _, f := range tree {
		write(f.name, f.content)
	}
	if large {
		write("long", strings.Repeat("x", 1<<20)+"foo\nshort\n")
		write("many", many())
		write("sizes/", "")
		for i, size := range []int{0, 1, 511, 512, 513, 1023, 1024, 1025, 10240, 1 << 20} {
			write(fmt.Sprintf("sizes/%02d", i), strings.Repeat("s", size))
		}
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry iofs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			at = at.Add(time.Hour)
			stamp := unix.NsecToTimespec(at.UnixNano())
			err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW)
		}
		return err
	}))
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry iofs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chtimes(path, at, at)
		}
		return err
	}))
	for name, mode := range modes {
		require.NoError(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "locked"), 0o755) })
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

// many is a file of ten thousand lines.
func many() string {
	var b strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&b, "line %d of many, key %d\n", i+1, i*7919%1000)
	}
	return b.String()
}

// describe writes down a tree: names, kinds, contents, targets and, if asked, modes and the times that were set by hand.
func describe(t testing.TB, dir string, native bool) string {
	os.Chmod(filepath.Join(dir, "locked"), 0o755)
	var b strings.Builder
	inodes := map[uint64]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", name, info.Mode().Type())
		if native {
			fmt.Fprintf(&b, " %o", info.Mode().Perm())
		}
		if time.Since(info.ModTime()) > time.Hour {
			fmt.Fprintf(&b, " %s", info.ModTime().UTC())
		}
		switch {
		case entry.Type()&os.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			fmt.Fprintf(&b, " -> %s", target)
		case entry.Type().IsRegular():
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			data, err := io.ReadAll(file)
			file.Close()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d %x", len(data), hash(data))
		}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok && entry.Type().IsRegular() {
			if first, again := inodes[sys.Ino]; again {
				fmt.Fprintf(&b, " the same as %s", first)
			} else {
				inodes[sys.Ino] = name
			}
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}
