package wasi_test

import (
	"math"
	"os"
	"strings"

	"github.com/stretchr/testify/assert"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// Flags of path_open and $lookupflags.
const (
	follow   = 1
	oCreat   = 1
	oDir     = 2
	oExcl    = 4
	oTrunc   = 8
	oAll     = 15
	dirReads = int(kernel.RightReaddir | kernel.RightPathOpen)
)

// onPaths is what every function answers that takes a path from a descriptor.
var onPaths = descriptors{0, badf, notdir, notdir, notdir, success}

func onPathsAt(param int) descriptors { d := onPaths; d.param = param; return d }

// pathConduct is of the functions that take a path. The paths themselves are
// compared with the host's in TestPathCallsAnswerAsTheHost.
func pathConduct() []conduct {
	return []conduct{
		{
			fn: "path_create_directory", call: []any{fdDir, "new"},
			pointers: []pointer{text(1)},
			fds:      []descriptors{onPaths},
			rights:   []right{{0, kernel.RightPathCreateDirectory, notcapable}},
			rows: pathRows(func(p string) []any { return []any{fdRoot, p} }, row{
				name: "in a directory that was removed", args: []any{7, "new"}, want: noent, setup: openThenRemove,
			}),
		},
		{
			fn: "path_filestat_get", call: []any{fdDir, 0, ".", res},
			pointers: []pointer{text(2), to(4, 64)},
			fds:      []descriptors{onPaths},
			rights:   []right{{0, kernel.RightPathFilestatGet, notcapable}},
			flags:    []flagBits{{1, 2}},
			rows: pathRows(func(p string) []any { return []any{fdRoot, 0, p, res} },
				row{
					name: "a symlink as itself", args: []any{fdRoot, 0, "lf", res},
					effect: func(w *world) {
						assert.EqualValues(w.t, 7, w.bytes(res+16, 1)[0])
						assert.EqualValues(w.t, 1, w.u64(res+32), "the length of what it points to")
					},
				},
				row{
					name: "what a symlink points to", args: []any{fdRoot, follow, "lf", res},
					effect: func(w *world) { assert.EqualValues(w.t, 10, w.u64(res+32)) },
				},
				row{name: "what a symlink outside points to", args: []any{fdRoot, follow, "up", res}, want: perm},
				row{name: "a symlink outside as itself", args: []any{fdRoot, 0, "up", res}},
			),
		},
		{
			fn: "path_filestat_set_times", call: []any{fdDir, 0, ".", 1, 2, 5},
			pointers: []pointer{text(2)},
			fds:      []descriptors{onPaths},
			rights:   []right{{0, kernel.RightPathFilestatSetTimes, notcapable}},
			flags:    []flagBits{{1, 2}, {6, 16}},
			rows: append(pathRows(func(p string) []any { return []any{fdRoot, 0, p, 1, 2, 5} },
				row{
					name: "of a symlink itself", args: []any{fdRoot, 0, "lf", stamp, stamp, 5},
					effect: func(w *world) {
						w.must("path_filestat_get", fdRoot, 0, "f", res)
						assert.NotEqualValues(w.t, stamp, w.u64(res+48))
						w.must("path_filestat_get", fdRoot, 0, "lf", res)
						assert.EqualValues(w.t, stamp, w.u64(res+48))
					},
				},
				row{
					name: "of what a symlink points to", args: []any{fdRoot, follow, "lf", stamp, stamp, 5},
					effect: func(w *world) {
						w.must("path_filestat_get", fdRoot, 0, "f", res)
						assert.EqualValues(w.t, stamp, w.u64(res+48))
					},
				},
				row{name: "of what is outside", args: []any{fdRoot, follow, "up", stamp, stamp, 5}, want: perm},
			), timesRows(func(flags int) []any { return []any{fdRoot, 0, "d", stamp, stamp + 7, flags} }, "d")...),
		},
		{
			fn: "path_link", call: []any{fdDir, 0, "x", fdDir, "new"},
			pointers: []pointer{text(2), text(5)},
			fds:      []descriptors{{0, badf, notdir, notdir, notdir, success}, onPathsAt(4)},
			rights:   []right{{0, kernel.RightPathLinkSource, notcapable}, {4, kernel.RightPathLinkTarget, notcapable}},
			flags:    []flagBits{{1, 2}},
			rows: append(pathRows(func(p string) []any { return []any{fdRoot, 0, p, fdRoot, "new"} },
				row{
					name: "is the same file", args: []any{fdRoot, 0, "f", fdDir, "new"},
					effect: func(w *world) {
						w.must("path_filestat_get", fdRoot, 0, "d/new", res)
						assert.EqualValues(w.t, 2, w.u64(res+24), "links")
						w.must("fd_write", fdFile, iov{3}, res)
						assert.Equal(w.t, "abc3456789", w.content("d/new"))
					},
				},
				row{
					name: "of a symlink itself", args: []any{fdRoot, 0, "lf", fdRoot, "new"},
					effect: func(w *world) {
						target, _ := os.Readlink(w.host("new"))
						assert.Equal(w.t, "f", target)
					},
				},
				row{
					name: "of what a symlink points to", args: []any{fdRoot, follow, "lf", fdRoot, "new"},
					effect: func(w *world) { assert.Equal(w.t, "0123456789", w.content("new")) },
				},
				row{name: "of what is outside", args: []any{fdRoot, follow, "up", fdRoot, "new"}, want: perm},
				row{name: "of a directory", args: []any{fdRoot, 0, "d", fdRoot, "new"}, want: perm},
				row{name: "of a directory over a file", args: []any{fdRoot, 0, "d", fdRoot, "f"}, want: exist, effect: same("f")},
				row{name: "of a removed directory's", args: []any{fdRoot, 0, "f", 7, "new"}, want: noent, setup: openThenRemove},
			), pathRows(func(p string) []any { return []any{fdMount, 0, "x", fdRoot, p} })...),
		},
		{
			fn: "path_open", call: []any{fdDir, 0, ".", 0, dirReads, dirReads, 0, res},
			pointers: []pointer{text(2), to(8, 4)},
			fds:      []descriptors{onPaths},
			rights:   []right{{0, kernel.RightPathOpen, notcapable}},
			flags:    []flagBits{{1, 2}, {4, 16}, {7, 32}},
			rows:     openRows(),
		},
		{
			fn: "path_readlink", call: []any{fdRoot, "lf", area(1), res},
			pointers: []pointer{text(1), toEach(3, 1, 4), to(5, 4)},
			fds:      []descriptors{{0, badf, notdir, notdir, notdir, noent}},
			rights:   []right{{0, kernel.RightPathReadlink, notcapable}},
			rows: pathRows(func(p string) []any { return []any{fdRoot, p, area(64), res} },
				row{
					name: "cut off without a word", args: []any{fdRoot, "dangling", area(3), res},
					effect: func(w *world) {
						assert.EqualValues(w.t, 3, w.moved())
						assert.Equal(w.t, "nowd", w.buf(4))
					},
				},
				row{
					name: "no NUL at the end", args: []any{fdRoot, "dangling", area(64), res},
					effect: func(w *world) {
						assert.EqualValues(w.t, 7, w.moved())
						assert.Equal(w.t, "nowhereh", w.buf(8))
					},
				},
				row{name: "no room", args: []any{fdRoot, "lf", area(0), res}, effect: moves(0)},
				row{name: "one that leads outside", args: []any{fdRoot, "up", area(64), res}, effect: moves(len(outsider) + 3)},
				row{name: "a file", args: []any{fdRoot, "f", area(64), res}, want: inval},
				row{name: "a directory", args: []any{fdRoot, ".", area(64), res}, want: inval},
			),
		},
		{
			fn: "path_remove_directory", call: []any{fdRoot, "empty"},
			pointers: []pointer{text(1)},
			fds:      []descriptors{{0, badf, notdir, notdir, notdir, noent}},
			rights:   []right{{0, kernel.RightPathRemoveDirectory, notcapable}},
			rows: pathRows(func(p string) []any { return []any{fdRoot, p} },
				row{name: "not empty", args: []any{fdRoot, "d"}, want: notempty},
				row{name: "a preopen's", args: []any{fdMount, "sub"}},
			),
		},
		{
			fn: "path_rename", call: []any{fdDir, "x", fdDir, "new"},
			pointers: []pointer{text(1), text(4)},
			fds:      []descriptors{onPaths, onPathsAt(3)},
			rights:   []right{{0, kernel.RightPathRenameSource, notcapable}, {3, kernel.RightPathRenameTarget, notcapable}},
			rows: append(pathRows(func(p string) []any { return []any{fdRoot, p, fdRoot, "new"} },
				row{
					name: "a handle stays right", args: []any{fdRoot, "d", fdRoot, "e"},
					effect: func(w *world) {
						w.must("path_open", fdDir, 0, "x", 0, kernel.RightRead, 0, 0, res)
						w.must("path_create_directory", fdDir, "made")
						info, err := os.Stat(w.host("e/made"))
						assert.NoError(w.t, err)
						assert.True(w.t, info.IsDir())
						assert.Equal(w.t, perm, w.do("path_filestat_get", fdDir, 0, "../f", res), "its parent is still outside")
					},
				},
				row{
					name: "a parent of a handle", args: []any{fdRoot, "d", fdRoot, "empty"},
					setup: func(w *world) { w.openAs("d/sub", dirRights) },
					effect: func(w *world) {
						w.must("path_create_directory", 7, "made")
						_, err := os.Stat(w.host("empty/sub/made"))
						assert.NoError(w.t, err)
					},
				},
				row{
					name: "an open file", args: []any{fdRoot, "f", fdRoot, "g"},
					effect: func(w *world) {
						w.must("fd_write", fdFile, iov{1}, res)
						assert.Equal(w.t, "a123456789", w.content("g"))
					},
				},
				row{
					name: "over an open file", args: []any{fdRoot, "g", fdRoot, "f"},
					effect: func(w *world) {
						w.must("fd_pread", fdFile, iov{4}, 0, res)
						assert.Equal(w.t, "0123", w.buf(4), "the descriptor has the old file")
						assert.Equal(w.t, "other", w.content("f"))
					},
				},
				row{name: "between descriptors", args: []any{fdDir, "x", fdMount, "../new"}, effect: func(w *world) {
					assert.Equal(w.t, "x", w.content("new"))
				}},
				row{name: "out of a directory that was opened", args: []any{fdDir, "x", fdDir, "../new"}, want: perm},
				row{name: "into itself by another descriptor", args: []any{fdRoot, "d", fdDir, "sub/d"}, want: inval},
				row{name: "the root", args: []any{fdRoot, ".", fdRoot, "new"}, want: busy},
				row{name: "into a removed directory", args: []any{fdRoot, "f", 7, "new"}, want: noent, setup: openThenRemove},
			), pathRows(func(p string) []any { return []any{fdRoot, "f", fdRoot, p} })...),
		},
		{
			fn: "path_symlink", call: []any{"x", fdDir, "new"},
			pointers: []pointer{text(0), text(3)},
			fds:      []descriptors{onPathsAt(2)},
			rights:   []right{{2, kernel.RightPathSymlink, notcapable}},
			rows: pathRows(func(p string) []any { return []any{"f", fdRoot, p} },
				row{name: "to nothing", args: []any{"", fdRoot, "new"}, want: noent},
				row{name: "to what is not UTF-8", args: []any{"\xff", fdRoot, "new"}, want: ilseq},
				row{name: "to a NUL", args: []any{"a\x00b", fdRoot, "new"}, want: inval},
				row{name: "to a path too long", args: []any{strings.Repeat("a", 4096), fdRoot, "new"}, want: nametoolong},
				row{name: "to an absolute path", args: []any{"/f", fdRoot, "new"}, want: perm},
				row{name: "over a file", args: []any{"x", fdRoot, "f"}, want: exist, effect: same("f")},
				row{name: "over a symlink", args: []any{"x", fdRoot, "dangling"}, want: exist},
				row{
					name: "to the outside, which cannot be opened", args: []any{"../secret", fdRoot, "new"},
					effect: func(w *world) {
						assert.Equal(w.t, perm, w.do("path_open", fdRoot, follow, "new", 0, kernel.RightRead, 0, 0, res))
					},
				},
			),
		},
		{
			fn: "path_unlink_file", call: []any{fdDir, "x"},
			pointers: []pointer{text(1)},
			fds:      []descriptors{{0, badf, notdir, notdir, notdir, success}},
			rights:   []right{{0, kernel.RightPathUnlinkFile, notcapable}},
			rows: pathRows(func(p string) []any { return []any{fdRoot, p} },
				row{name: "a directory", args: []any{fdRoot, "empty"}, want: isdir},
				row{
					name: "a symlink, not what it points to", args: []any{fdRoot, "lf"},
					effect: same("f"),
				},
			),
		},
	}
}

// openThenRemove leaves descriptor 7 on a directory without a name.
func openThenRemove(w *world) {
	w.openAs("empty", dirRights)
	w.must("path_remove_directory", fdRoot, "empty")
}

// pathRows adds what every function answers to a path that leads nowhere, however
// it is used.
func pathRows(args func(path string) []any, rows ...row) []row {
	for _, r := range []struct {
		name, path string
		want       int
	}{
		{"empty", "", noent},
		{"absolute", "/f", perm},
		{"only a slash", "/", perm},
		{"with a NUL", "f\x00", inval},
		{"not UTF-8", "f\xff", ilseq},
		{"surrogate", "f\xed\xa0\x80", ilseq},
		{"longer than any path", strings.Repeat("./", 2048), nametoolong},
		{"name longer than any", strings.Repeat("n", 256), nametoolong},
		{"directory name longer than any", strings.Repeat("n", 256) + "/f", nametoolong},
		{"missing directory", "missing/f", noent},
		{"file as directory", "f/x", notdir},
		{"through a loop", "loop/f", loop},
		{"through a dangling symlink", "dangling/f", noent},
		{"through a symlink to a file", "lf/x", notdir},
		{"through a symlink outside", "up/x", perm},
	} {
		rows = append(rows, row{name: "path: " + r.name, args: args(r.path), want: r.want})
	}
	// From a directory that the guest opened, ".." is outside.
	for _, path := range []string{"..", "../f", "sub/../../f", "./../d/x"} {
		from := args(path)
		for i := range from {
			if from[i] == fdRoot {
				from[i] = fdDir
			}
		}
		rows = append(rows, row{name: "path above its directory: " + path, args: from, want: perm})
	}
	return rows
}

// openRows are the calls of path_open by flags and rights.
func openRows() []row {
	all := uint64(math.MaxUint64)
	read := kernel.RightRead
	open := func(path string, oflags int) []any {
		return []any{fdRoot, 0, path, oflags, allRights, allRights, 0, res}
	}
	rows := pathRows(func(p string) []any { return open(p, 0) },
		row{name: "every right there is", args: []any{fdRoot, 0, "f", 0, all, all, 0, res}},
		row{name: "no right", args: []any{fdRoot, 0, "f", 0, 0, 0, 0, res}},
		row{name: "a directory to write", args: []any{fdRoot, 0, "d", 0, kernel.RightWrite, 0, 0, res}, want: isdir},
		row{name: "a symlink itself", args: open("lf", 0), want: loop},
		row{name: "a symlink followed", args: []any{fdRoot, follow, "lf", 0, read, 0, 0, res}},
		row{name: "a loop followed", args: []any{fdRoot, follow, "loop", 0, read, 0, 0, res}, want: loop},
		row{name: "the outside followed", args: []any{fdRoot, follow, "up", 0, read, 0, 0, res}, want: perm},
		row{name: "the outside itself", args: []any{fdRoot, 0, "up", 0, read, 0, 0, res}, want: loop},
		row{
			name: "create through a dangling symlink", args: []any{fdRoot, follow, "dangling", oCreat, read, 0, 0, res},
			effect: func(w *world) { assert.Empty(w.t, w.content("nowhere")) },
		},
		row{name: "create a dangling symlink itself", args: open("dangling", oCreat), want: loop},
		row{name: "create the outside", args: []any{fdRoot, follow, "up", oCreat | oTrunc, all, all, 0, res}, want: perm},
		row{name: "create anew what is a symlink", args: []any{fdRoot, follow, "dangling", oCreat | oExcl, read, 0, 0, res}, want: exist},
		row{name: "up from a preopen", args: []any{fdMount, 0, "../f", 0, read, 0, 0, res}},
		row{name: "up from the root", args: []any{fdRoot, 0, "../../f", 0, read, 0, 0, res}},
		row{
			name: "create without the right", args: open("new", oCreat), want: notcapable,
			setup: func(w *world) { w.without(fdRoot, kernel.RightPathCreateFile) },
		},
		row{
			name: "truncate without the right", args: open("f", oTrunc), want: notcapable,
			setup:  func(w *world) { w.without(fdRoot, kernel.RightPathFilestatSetSize) },
			effect: same("f"),
		},
		row{
			name: "truncate beneath a directory where files may be made", args: []any{7, 0, "x", oTrunc, kernel.RightWrite, 0, 0, res},
			setup: func(w *world) {
				w.must("path_open", fdRoot, 0, "d", oDir, kernel.RightPathOpen|kernel.RightPathCreateFile, allRights, 0, res)
			},
			effect: func(w *world) { assert.Empty(w.t, w.content("d/x")) },
		},
		row{
			name: "truncate beneath a directory where none may be made", args: []any{7, 0, "x", oTrunc, kernel.RightWrite, 0, 0, res},
			want: notcapable,
			setup: func(w *world) {
				w.must("path_open", fdRoot, 0, "d", oDir, kernel.RightPathOpen, allRights, 0, res)
			},
		},
		row{
			name: "more than may be inherited", args: open("f", oTrunc), want: notcapable,
			setup: func(w *world) {
				w.must("fd_fdstat_set_rights", fdRoot, uint64(kernel.RightPathOpen|kernel.RightPathFilestatSetSize), uint64(read))
			},
			effect: same("f"),
		},
		row{
			name: "too many", args: open("f", oTrunc), want: mfile,
			setup: func(w *world) {
				for range kernel.MaxDescriptors - fdDir - 1 {
					w.must("path_open", fdRoot, 0, ".", 0, 0, 0, 0, res)
					w.reset()
				}
			},
			effect: same("f"),
		},
	)
	rows = append(rows, each(upTo(oAll), openFile)...)
	rows = append(rows, each(upTo(oAll), openMissing)...)
	rows = append(rows, each(upTo(oAll), openDirectory)...)
	return append(rows, each(upTo(fdAllFlags), func(flags int) row {
		return row{
			name: "fdflags", args: []any{fdRoot, 0, "f", 0, all, 0, flags, res},
			effect: func(w *world) {
				w.must("fd_fdstat_get", 7, res)
				assert.Equal(w.t, uint16(flags), le.Uint16(w.bytes(res+2, 2)))
				w.must("fd_write", 7, iov{1}, res)
				want := "a123456789"
				if flags&fdAppend != 0 {
					want = "0123456789a"
				}
				assert.Equal(w.t, want, w.content("f"))
			},
		}
	})...)
}

// openFile, openMissing and openDirectory say what each combination of $oflags
// means for a file, for nothing and for a directory.
func openFile(oflags int) row {
	r := row{name: "a file by oflags", args: []any{fdRoot, 0, "f", oflags, allRights, 0, 0, res}}
	switch {
	case oflags&oCreat != 0 && oflags&oDir != 0:
		r.want = inval
	case oflags&oCreat != 0 && oflags&oExcl != 0:
		r.want = exist
	case oflags&oDir != 0:
		r.want = notdir
	}
	r.effect = func(w *world) {
		if r.want == success && oflags&oTrunc != 0 {
			assert.Empty(w.t, w.content("f"))
		} else {
			same("f")(w)
		}
	}
	return r
}

func openMissing(oflags int) row {
	r := row{name: "nothing by oflags", args: []any{fdRoot, 0, "new", oflags, allRights, 0, 0, res}}
	switch {
	case oflags&oCreat != 0 && oflags&oDir != 0:
		r.want = inval
	case oflags&oCreat == 0:
		r.want = noent
	}
	r.effect = func(w *world) {
		_, err := os.Lstat(w.host("new"))
		assert.Equal(w.t, r.want == success, err == nil, "the file is there")
	}
	return r
}

func openDirectory(oflags int) row {
	r := row{name: "a directory by oflags", args: []any{fdRoot, 0, "d", oflags, dirReads, dirReads, 0, res}}
	switch {
	case oflags&oCreat != 0 && oflags&oDir != 0:
		r.want = inval
	case oflags&oCreat != 0 && oflags&oExcl != 0:
		r.want = exist
	case oflags&(oCreat|oTrunc) != 0:
		r.want = isdir
	case oflags&oExcl != 0:
		r.want = success // O_EXCL means nothing without O_CREAT
	}
	return r
}
