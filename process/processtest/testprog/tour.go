package main

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// tour uses the files of the current directory in the ways that package os has, and
// tells each answer in a line.
func tour([]string) {
	tourOfOffsets()
	tourOfDirectories()
	tourOfTimes()
	tourOfLinks()
	tourOfRoots()
	tourOfStreams()
}

// tell prints what a call answered. Errors are told by their number's name: their
// texts differ from system to system.
func tell(what string, v any, err error) {
	write(os.Stdout, what+": "+fmt.Sprint(v)+" "+errnoName(err)+"\n")
}

func errnoName(err error) string {
	if err == nil {
		return "ok"
	}
	for n, name := range map[syscall.Errno]string{
		syscall.EACCES: "EACCES", syscall.EBADF: "EBADF", syscall.EBUSY: "EBUSY", syscall.EEXIST: "EEXIST",
		syscall.EFBIG: "EFBIG", syscall.EINVAL: "EINVAL", syscall.EISDIR: "EISDIR", syscall.ELOOP: "ELOOP",
		syscall.ENAMETOOLONG: "ENAMETOOLONG", syscall.ENOENT: "ENOENT", syscall.ENOTDIR: "ENOTDIR",
		syscall.ENOTEMPTY: "ENOTEMPTY", syscall.EPERM: "EPERM", syscall.ESPIPE: "ESPIPE", syscall.EXDEV: "EXDEV",
	} {
		if number, ok := errors.AsType[syscall.Errno](err); ok && number == n {
			return name
		}
	}
	if errors.Is(err, io.EOF) {
		return "EOF"
	}
	return "another error"
}

func tourOfOffsets() {
	f, err := os.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	tell("create anew", "", err)
	_, err = os.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	tell("create anew what is there", "", err)
	n, err := f.WriteString("0123456789")
	tell("write", n, err)
	at, err := f.Seek(-4, io.SeekEnd)
	tell("seek from the end", at, err)
	_, err = f.Seek(-1, io.SeekStart)
	tell("seek before the start", "", err)
	buf := make([]byte, 8)
	n, err = f.Read(buf)
	tell("read the rest", string(buf[:n]), err)
	n, err = f.Read(buf)
	tell("read at the end", n, err)
	n, err = f.ReadAt(buf, 5)
	tell("read across the end", string(buf[:n]), err)
	n, err = f.WriteAt([]byte("AB"), 14)
	tell("write beyond the end", n, err)
	at, err = f.Seek(1<<33, io.SeekStart)
	tell("seek far", at, err)
	n, err = f.Read(buf)
	tell("read there", n, err)
	tell("truncate far", "", f.Truncate(1<<33))
	n, err = f.ReadAt(buf[:4], 1<<33-4)
	tell("read zeros", fmt.Sprint(buf[:n]), err)
	tell("truncate below zero", "", f.Truncate(-1))
	tell("truncate", "", f.Truncate(16))
	tell("sync", "", f.Sync())
	data, err := os.ReadFile("f")
	tell("all", fmt.Sprintf("%q", data), err)

	tell("unlink while open", "", os.Remove("f"))
	info, err := f.Stat()
	tell("its size", info.Size(), err)
	n, err = f.WriteAt([]byte("x"), 0)
	tell("write to it", n, err)
	tell("close", "", f.Close())

	reader, err := os.Open(".")
	tell("open a directory", "", err)
	_, err = reader.Read(buf)
	tell("read a directory", "", err)
	reader.Close()
	_, err = os.OpenFile(".", os.O_RDWR, 0)
	tell("write a directory", "", err)
}

func tourOfDirectories() {
	tell("make three", "", os.MkdirAll("d/e/g", 0o755))
	tell("make them again", "", os.MkdirAll("d/e/g", 0o755))
	for i := range 100 {
		must(os.WriteFile(fmt.Sprintf("d/file%03d", i), []byte(strings.Repeat("x", i)), 0o644))
	}
	tell("make beneath a file", "", os.MkdirAll("d/file000/x", 0o755))
	dir, err := os.Open("d")
	must(err)
	var names []string
	for {
		entries, err := dir.ReadDir(7)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if err != nil {
			tell("the end of the directory", len(entries), err)
			break
		}
	}
	slices.Sort(names)
	tell("entries by seven", strings.Join(names, " "), nil)
	_, err = dir.Seek(0, io.SeekStart)
	tell("rewind", "", err)
	again, err := dir.Readdirnames(-1)
	tell("entries after it", len(again), err)
	tell("rename it while open", "", os.Rename("d", "renamed"))
	info, err := dir.Stat()
	must(err)
	now, err := os.Stat("renamed")
	tell("it is the same", os.SameFile(info, now), err)
	dir.Close()

	size := int64(0)
	err = filepath.WalkDir("renamed", func(path string, d iofs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			info, err := d.Info()
			must(err)
			size += info.Size()
		}
		return err
	})
	tell("walk", size, err)
	tell("copy", "", os.CopyFS("copy", os.DirFS("renamed")))
	found, err := filepath.Glob("copy/file09?")
	tell("glob", found, err)
	tell("remove a full directory", "", os.Remove("copy"))
	tell("remove the copy", "", os.RemoveAll("copy"))
	tell("remove it again", "", os.RemoveAll("copy"))
	tell("remove the rest", "", os.RemoveAll("renamed"))
	made, err := os.MkdirTemp(".", "t*")
	tell("a directory of its own", "", err)
	tell("remove it", "", os.Remove(made))
}

func tourOfTimes() {
	must(os.WriteFile("f", nil, 0o644))
	long, short := time.Unix(1_000_000_000, 123_456_789), time.Unix(5, 0)
	tell("set times", "", os.Chtimes("f", long, short))
	info, err := os.Stat("f")
	tell("modified", info.ModTime().UnixNano(), err)
	tell("set one", "", os.Chtimes("f", short, time.Time{}))
	info, err = os.Stat("f")
	tell("modified", info.ModTime().UnixNano(), err)
	tell("set times of nothing", "", os.Chtimes("absent", long, long))
	must(os.Remove("f"))
	began := time.Now()
	time.Sleep(3 * time.Millisecond)
	tell("slept", time.Since(began) >= 3*time.Millisecond, nil)
	timer := time.NewTimer(time.Hour)
	tell("stop a timer", timer.Stop(), nil)
}

func tourOfLinks() {
	must(os.WriteFile("f", []byte("text"), 0o644))
	must(os.Mkdir("d", 0o755))
	for _, l := range [][2]string{{"f", "soft"}, {"absent", "dangling"}, {"d", "way"}, {"loop", "loop"}, {"../f", "d/up"}} {
		tell("symlink "+l[1], "", os.Symlink(l[0], l[1]))
		target, err := os.Readlink(l[1])
		tell("it points to", target, err)
	}
	tell("link", "", os.Link("f", "hard"))
	tell("link a directory", "", os.Link("d", "harddir"))
	for _, path := range []string{"f", "f/", "soft", "soft/", "dangling", "loop", "way", "way/", "way/up", "d/..", "d/../f", "hard", "f/x"} {
		info, err := os.Stat(path)
		link, lerr := os.Lstat(path)
		if err == nil {
			tell("stat "+path, fmt.Sprint(describe(info), " ", os.SameFile(info, link)), lerr)
		} else {
			tell("stat "+path, "", err)
			tell("lstat "+path, "", lerr)
		}
	}
	real, err := filepath.EvalSymlinks("way/up")
	tell("evaluate", real, err)
	for _, r := range [][2]string{
		{"f", "f"}, {"f", "hard"}, {"f", "d"}, {"d", "f"}, {"d", "d/e"}, {"way", "d"}, {"f", "new/"}, {"d", "new/"}, {"absent", "x"}, {"f", "new/f"},
	} {
		tell("rename "+r[0]+" to "+r[1], "", os.Rename(r[0], r[1]))
	}
	for _, path := range []string{"soft", "dangling", "way", "loop", "hard", "f", "new", "d"} {
		tell("remove all of "+path, "", os.RemoveAll(path))
	}
}

// tourOfRoots uses os.Root, whose calls are relative to a directory.
func tourOfRoots() {
	must(os.MkdirAll("r/s", 0o755))
	root, err := os.OpenRoot("r")
	must(err)
	defer root.Close()
	tell("write in a root", "", root.WriteFile("s/f", []byte("inside"), 0o644))
	must(os.Symlink("../../outside", "r/s/out"))
	must(os.Symlink("../s/f", "r/s/in"))
	data, err := root.ReadFile("s/in")
	tell("follow inside", string(data), err)
	_, err = root.Open("s/out")
	tell("follow outside", "", boolError(err != nil))
	_, err = root.Open("../f")
	tell("climb outside", "", boolError(err != nil))
	tell("rename the root's directory", "", os.Rename("r", "q"))
	data, err = root.ReadFile("s/f")
	tell("it is still there", string(data), err)
	tell("remove all in it", "", root.RemoveAll("s"))
	must(os.RemoveAll("q"))
}

// boolError tells that there was an error where systems differ in which.
func boolError(failed bool) error {
	if failed {
		return syscall.EPERM
	}
	return nil
}

func tourOfStreams() {
	_, err := os.Stdout.Seek(0, io.SeekCurrent)
	tell("seek in stdout", "", err)
	in, err := os.Stdin.Stat()
	must(err)
	out, err := os.Stdout.Stat()
	must(err)
	tell("stdout is a terminal", out.Mode()&os.ModeCharDevice != 0, nil)
	tell("stdin is stdout", os.SameFile(in, out), nil)
	_, err = os.Stdin.WriteString("x")
	tell("write to stdin", "", err)
	_, err = os.Stdout.Read(make([]byte, 1))
	tell("read from stdout", "", err)
}
