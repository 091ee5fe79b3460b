package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// files does one operation after the other, "OP:PATH" or "OP:PATH:VALUE", and
// prints what each of them answers.
func files(args []string) {
	wantErrors()
	for _, arg := range args {
		op, rest, _ := strings.Cut(arg, ":")
		path, value, _ := strings.Cut(rest, ":")
		do, ok := fileOps[op]
		if !ok {
			fail("no such operation: " + op)
		}
		answer, err := do(path, value)
		if err != nil {
			answer = nameOf(err)
		}
		write(os.Stdout, op+" "+path+": "+answer+"\n")
	}
}

var fileOps = map[string]func(path, value string) (string, error){
	"write":   writeFile,
	"append":  appendFile,
	"read":    readFile,
	"list":    list,
	"stat":    stat,
	"lstat":   lstat,
	"mkdir":   func(path, _ string) (string, error) { return "done", os.Mkdir(path, 0o755) },
	"rename":  func(path, value string) (string, error) { return "done", os.Rename(path, value) },
	"remove":  func(path, _ string) (string, error) { return "done", os.Remove(path) },
	"symlink": func(path, value string) (string, error) { return "done", os.Symlink(value, path) },
	"link":    func(path, value string) (string, error) { return "done", os.Link(value, path) },
	"cut":     cut,
	"fill":    fill,
	"hold":    hold,
	"patch":   patch,
}

// nameOf tells errors apart by what a program would do about them; their texts
// differ from system to system.
func nameOf(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "does not exist"
	case errors.Is(err, os.ErrExist):
		return "exists"
	case errors.Is(err, os.ErrPermission):
		return "not permitted"
	}
	for errno, name := range refusals {
		if errors.Is(err, errno) {
			return name
		}
	}
	return "failed"
}

// refusals are what limits and mounts answer.
var refusals = map[syscall.Errno]string{
	syscall.EROFS:        "read-only",
	syscall.EBUSY:        "busy",
	syscall.EDQUOT:       "over quota",
	syscall.EFBIG:        "too big",
	syscall.EMFILE:       "too many open",
	syscall.ENAMETOOLONG: "name too long",
}

func writeFile(path, value string) (string, error) {
	return "done", os.WriteFile(path, []byte(value), 0o644)
}

func appendFile(path, value string) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return "done", err
}

func readFile(path, _ string) (string, error) {
	data, err := os.ReadFile(path)
	return strconv.Quote(string(data)), err
}

func list(path, _ string) (string, error) {
	entries, err := os.ReadDir(path)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " "), err
}

func stat(path, _ string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return describe(info), nil
}

func lstat(path, _ string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	return describe(info), nil
}

// describe leaves out what a guest is not told: permissions and owners.
func describe(info os.FileInfo) string {
	switch {
	case info.IsDir():
		return "directory"
	case info.Mode()&os.ModeSymlink != 0:
		return "symlink"
	}
	return "file of " + strconv.FormatInt(info.Size(), 10)
}

func cut(path, value string) (string, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	must(err)
	return "done", os.Truncate(path, n)
}

// fill appends so many bytes, or as many as it may.
func fill(path, value string) (string, error) {
	n, err := strconv.Atoi(value)
	must(err)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer f.Close()
	n, err = f.Write(make([]byte, n))
	if err != nil {
		return strconv.Itoa(n) + " bytes, then " + nameOf(err), nil
	}
	return strconv.Itoa(n) + " bytes", nil
}

// hold opens a file so many times, or as often as it may.
func hold(path, value string) (string, error) {
	n, err := strconv.Atoi(value)
	must(err)
	for i := range n {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		n = i + 1
	}
	return strconv.Itoa(n) + " times", nil
}

// patch overwrites the middle of a file: "patch:PATH:OFFSET=TEXT".
func patch(path, value string) (string, error) {
	at, text, _ := strings.Cut(value, "=")
	offset, err := strconv.ParseInt(at, 10, 64)
	must(err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return "done", err
}
