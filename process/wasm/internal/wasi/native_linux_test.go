package wasi_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// twin is a call by a guest and the same call to the host's system.
type twin struct {
	name   string
	guest  func(w *world, path string) int
	native func(dir int, path string) error
}

// ofOnePath are the calls that take one path, or one that matters.
var ofOnePath = []twin{
	{"mkdir",
		func(w *world, p string) int { return w.do("path_create_directory", fdRoot, p) },
		func(d int, p string) error { return unix.Mkdirat(d, p, 0o777) }},
	{"rmdir",
		func(w *world, p string) int { return w.do("path_remove_directory", fdRoot, p) },
		func(d int, p string) error { return unix.Unlinkat(d, p, unix.AT_REMOVEDIR) }},
	{"unlink",
		func(w *world, p string) int { return w.do("path_unlink_file", fdRoot, p) },
		func(d int, p string) error { return unix.Unlinkat(d, p, 0) }},
	{"lstat",
		func(w *world, p string) int { return w.do("path_filestat_get", fdRoot, 0, p, res) },
		func(d int, p string) error { return unix.Fstatat(d, p, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW) }},
	{"stat",
		func(w *world, p string) int { return w.do("path_filestat_get", fdRoot, follow, p, res) },
		func(d int, p string) error { return unix.Fstatat(d, p, new(unix.Stat_t), 0) }},
	{"lutimes",
		func(w *world, p string) int { return w.do("path_filestat_set_times", fdRoot, 0, p, 1, 2, 5) },
		func(d int, p string) error {
			return unix.UtimesNanoAt(d, p, make([]unix.Timespec, 2), unix.AT_SYMLINK_NOFOLLOW)
		}},
	{"utimes",
		func(w *world, p string) int { return w.do("path_filestat_set_times", fdRoot, follow, p, 1, 2, 5) },
		func(d int, p string) error { return unix.UtimesNanoAt(d, p, make([]unix.Timespec, 2), 0) }},
	{"readlink",
		func(w *world, p string) int { return w.do("path_readlink", fdRoot, p, area(64), res) },
		func(d int, p string) error {
			_, err := unix.Readlinkat(d, p, make([]byte, 64))
			return err
		}},
	{"symlink",
		func(w *world, p string) int { return w.do("path_symlink", "target", fdRoot, p) },
		func(d int, p string) error { return unix.Symlinkat("target", d, p) }},
	opening("read", kernel.RightRead, 0, 0, unix.O_RDONLY|unix.O_NOFOLLOW),
	opening("read followed", kernel.RightRead, follow, 0, unix.O_RDONLY),
	opening("write", kernel.RightRead|kernel.RightWrite, follow, 0, unix.O_RDWR),
	opening("directory", kernel.RightReaddir, follow, oDir, unix.O_RDONLY|unix.O_DIRECTORY),
	opening("truncate", kernel.RightWrite, follow, oTrunc, unix.O_WRONLY|unix.O_TRUNC),
	opening("create", kernel.RightWrite, follow, oCreat, unix.O_WRONLY|unix.O_CREAT),
	opening("create to read", kernel.RightRead, follow, oCreat, unix.O_RDONLY|unix.O_CREAT),
	opening("create, no follow", kernel.RightWrite, 0, oCreat, unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW),
	opening("create anew", kernel.RightWrite, follow, oCreat|oExcl, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL),
}

func opening(name string, rights kernel.Rights, lookup, oflags, flags int) twin {
	return twin{"open to " + name,
		func(w *world, p string) int {
			errno := w.do("path_open", fdRoot, lookup, p, oflags, rights, 0, 0, res)
			if errno == success {
				w.must("fd_close", int(w.u32(res)))
			}
			return errno
		},
		func(d int, p string) error {
			fd, err := unix.Openat(d, p, flags|unix.O_CLOEXEC, 0o666)
			if err == nil {
				err = unix.Close(fd)
			}
			return err
		}}
}

// ofTwoPaths are the calls that take two, here with one held fast.
func ofTwoPaths(from string) []twin {
	return []twin{
		{"rename " + from + " to",
			func(w *world, p string) int { return w.do("path_rename", fdRoot, from, fdRoot, p) },
			func(d int, p string) error { return unix.Renameat(d, from, d, p) }},
		{"link " + from + " to",
			func(w *world, p string) int { return w.do("path_link", fdRoot, 0, from, fdRoot, p) },
			func(d int, p string) error { return unix.Linkat(d, from, d, p, 0) }},
		{"link what is at " + from + " to",
			func(w *world, p string) int { return w.do("path_link", fdRoot, follow, from, fdRoot, p) },
			func(d int, p string) error { return unix.Linkat(d, from, d, p, unix.AT_SYMLINK_FOLLOW) }},
	}
}

// spellings of every kind of place in the tree of plant. None climbs out of it.
func spellings() (all []string) {
	for _, base := range []string{
		"f", "d", "empty", "lf", "ld", "dangling", "loop", "new",
		"d/x", "d/sub", "d/new", "ld/x", "ld/sub", "ld/new", "./f", "d/../f", "empty//..//d",
	} {
		for _, end := range []string{"", "/", "//", "/.", "/./", "/.."} {
			all = append(all, base+end)
		}
	}
	return append(all, ".", "./", "f/x", "lf/x", "dangling/x", "loop/x", "new/x")
}

// places are those of the spellings that matter for pairs.
var places = []string{
	"f", "g", "d", "empty", "lf", "ld", "dangling", "loop", "new", "d/x", "d/sub", "d/new", "d/sub/new", "ld/x",
	"f/", "d/", "empty/", "lf/", "ld/", "dangling/", "new/", "empty/.", "d/sub/..", ".", "f/x", "new/x",
}

// TestPathCallsAnswerAsTheHost makes every call with every path, by a guest and by
// the system itself, in trees that are alike. The answers must be the same, and so
// must be what is left of the trees.
func TestPathCallsAnswerAsTheHost(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	t.Run("one path", func(t *testing.T) {
		t.Parallel()
		compare(t, h, ofOnePath, spellings())
	})
	places := places
	if testing.Short() {
		places = places[:8]
	}
	for _, from := range places {
		t.Run("from "+strings.ReplaceAll(from, "/", "|"), func(t *testing.T) {
			t.Parallel()
			compare(t, h, ofTwoPaths(from), places)
		})
	}
}

func compare(t *testing.T, h *host, twins []twin, paths []string) {
	var w *world
	var native string
	var untouched []string
	for _, twin := range twins {
		for _, path := range paths {
			if w == nil {
				w = newWorld(t, h)
				native = filepath.Join(scratch(t), "root")
				plant(t, native)
				untouched = described(t, native)
			}
			w.reset()
			errno := twin.guest(w, path)
			err := twin.nativeIn(t, native, path)
			call := fmt.Sprintf("%s %q", twin.name, path)
			if !assert.Equal(t, number(err), errno, "%s: %v", call, err) {
				w = nil
				continue
			}
			if errno == success {
				now := described(t, native)
				assert.Equal(t, now, described(t, w.root), call)
				w.unharmed()
				if !slices.Equal(now, untouched) {
					w = nil
				}
			}
		}
	}
}

func (c twin) nativeIn(t *testing.T, root, path string) error {
	dir, err := unix.Open(root, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(dir)
	return c.native(dir, path)
}

// number is $errno for one of the host's.
func number(err error) int {
	for host, n := range map[syscall.Errno]int{
		syscall.EBUSY: busy, syscall.EEXIST: exist, syscall.EINVAL: inval, syscall.EISDIR: isdir, syscall.ELOOP: loop,
		syscall.ENOENT: noent, syscall.ENOTDIR: notdir, syscall.ENOTEMPTY: notempty, syscall.EPERM: perm,
	} {
		if err == host {
			return n
		}
	}
	if err == nil {
		return success
	}
	return -1
}
