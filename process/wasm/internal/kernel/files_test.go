package kernel

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestDescriptorsTakeTheLowestFreeNumber(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"file": ""})
	p := start(t, Config{Root: f})
	for want := FD(4); want < 8; want++ {
		assert.Equal(t, want, open(t, p, root, OpenRequest{Path: "file"}))
	}
	require.NoError(t, p.CloseFD(6))
	require.NoError(t, p.CloseFD(0))
	assert.Equal(t, FD(0), open(t, p, root, OpenRequest{Path: "file"}))
	assert.Equal(t, FD(6), open(t, p, root, OpenRequest{Path: "file"}))
	assert.Equal(t, FD(8), open(t, p, root, OpenRequest{Path: "file"}))
}

func TestDescriptorsAreBounded(t *testing.T) {
	t.Parallel()
	f, dir := tree(t, map[string]string{"file": ""})
	p := start(t, Config{Root: f})
	for range MaxDescriptors - 4 {
		open(t, p, root, OpenRequest{Path: "file", Base: RightRead})
	}
	_, err := p.Open(root, OpenRequest{Path: "new", How: OpenCreate})
	assert.ErrorIs(t, err, syscall.EMFILE)
	assert.NoFileExists(t, filepath.Join(dir, "new"))
}

func TestRenumberMovesAndCloses(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"a": "A", "b": "B"})
	p := start(t, Config{Root: f})
	a := open(t, p, root, OpenRequest{Path: "a"})
	b := open(t, p, root, OpenRequest{Path: "b"})
	require.NoError(t, p.Renumber(a, b))
	assert.Equal(t, syscall.EBADF, p.Check(a))
	got, err := read(p, b, 9)
	require.NoError(t, err)
	assert.Equal(t, "A", got)
	require.NoError(t, p.Renumber(b, b))
	assert.Equal(t, syscall.EBADF, p.Renumber(b, a))
	assert.Equal(t, syscall.EBADF, p.Renumber(a, b))
}

func TestFileOffsetsAndVectors(t *testing.T) {
	t.Parallel()
	f, dir := tree(t, nil)
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f", How: OpenCreate})
	n, err := p.Write(fd, bufs("ab", "", "cd"))
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	_, err = p.WriteAt(fd, bufs("X", "Y"), 1)
	require.NoError(t, err)
	off, err := p.Seek(fd, 0, SeekCur)
	require.NoError(t, err)
	assert.EqualValues(t, 4, off, "a positioned write does not move the offset")
	_, err = p.Seek(fd, -3, SeekEnd)
	require.NoError(t, err)
	a, b := make([]byte, 1), make([]byte, 9)
	n, err = p.Read(fd, [][]byte{a, b})
	require.NoError(t, err)
	assert.Equal(t, "XYd", string(a)+string(b[:n-1]))
	raw, err := os.ReadFile(filepath.Join(dir, "f"))
	require.NoError(t, err)
	assert.Equal(t, "aXYd", string(raw))
}

// slowNode gives a byte at a time, as a file on a network may, and cannot be read
// in another way.
type slowNode struct{ fs.Node }

func (slowNode) ReadOnce(p []byte, off int64) (int, error) {
	return copy(p[:min(len(p), 1)], "abc"[min(off, 3):]), nil
}

func TestAShortReadIsGivenToTheGuestAsItIs(t *testing.T) {
	t.Parallel()
	d := newDescription(newFile(slowNode{}, false, label{}), 0)
	b := bufs("--", "--")
	for i, want := range []int{1, 1, 1, 0} {
		n, err := d.read(nil, d.obj.(*file), b)
		require.NoError(t, err)
		assert.Equal(t, want, n)
		assert.EqualValues(t, min(i+1, 3), d.offset)
	}
	assert.Equal(t, bufs("c-", "--"), b)
}

// endless is a file that takes and gives anything, and counts how often it is asked.
type endless struct {
	fs.Node
	asked func()
}

func (e endless) ReadAt(p []byte, _ int64) (int, error)  { e.asked(); return len(p), nil }
func (e endless) WriteAt(p []byte, _ int64) (int, error) { e.asked(); return len(p), nil }
func (e endless) Append(p []byte) (int, int64, error)    { e.asked(); return len(p), int64(len(p)), nil }

// What a guest can ask for in one call may take the host many seconds.
func TestMovingManyBytesEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	part := make([]byte, MaxStep)
	many := [][]byte{part, part, part}
	for name, move := range map[string]func(stopper, *file) (int, error){
		"read":  func(s stopper, f *file) (int, error) { return f.readAt(s, many, 0) },
		"write": func(s stopper, f *file) (int, error) { return f.writeAt(s, many, 0) },
		"append": func(s stopper, f *file) (int, error) {
			n, _, err := f.append(s, many)
			return n, err
		},
	} {
		stop, times := make(chan struct{}), 0
		f := newFile(endless{asked: func() {
			if times++; times == 2 {
				close(stop)
			}
		}}, true, label{})
		n, err := move(stop, f)
		assert.Equal(t, ErrStopped, err, name)
		assert.Equal(t, 2*MaxStep, n, name)
	}
}

func TestAppendWritesAtTheEndAndPositionedWritesDoNot(t *testing.T) {
	t.Parallel()
	f, dir := tree(t, map[string]string{"f": "12"})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f", Flags: FlagAppend | FlagSync})
	_, err := p.Write(fd, bufs("3", "4"))
	require.NoError(t, err)
	off, err := p.Seek(fd, 0, SeekCur)
	require.NoError(t, err)
	assert.EqualValues(t, 4, off)
	_, err = p.WriteAt(fd, bufs("x"), 0)
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(dir, "f"))
	require.NoError(t, err)
	assert.Equal(t, "x234", string(raw))
}

func TestSeekBounds(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": "12"})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f"})
	off, err := p.Seek(fd, math.MaxInt64, SeekSet)
	require.NoError(t, err)
	assert.EqualValues(t, math.MaxInt64, off)
	_, err = p.Seek(fd, 1, SeekCur)
	assert.Equal(t, syscall.EOVERFLOW, err)
	_, err = p.Write(fd, bufs("x"))
	assert.Equal(t, syscall.EFBIG, err)
	_, err = p.Seek(fd, -1, SeekSet)
	assert.Equal(t, syscall.EINVAL, err)
	_, err = p.Seek(fd, 0, 9)
	assert.Equal(t, syscall.EINVAL, err)
	_, err = p.ReadAt(fd, bufs("x"), math.MaxUint64)
	assert.Equal(t, syscall.EINVAL, err)
	assert.Equal(t, syscall.EINVAL, p.SetSize(fd, math.MaxUint64))
}

func TestSetSizeNeedsAFileOpenForWriting(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": "12"})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f", Base: RightRead | RightFilestatSetSize})
	assert.Equal(t, syscall.EINVAL, p.SetSize(fd, 1))
}

func TestFileStaysReadableAfterItsNameIsGone(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": "12"})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f"})
	require.NoError(t, p.Unlink(root, "f"))
	got, err := read(p, fd, 9)
	require.NoError(t, err)
	assert.Equal(t, "12", got)
}

func TestDirectoryHandleStaysRightAfterARename(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"old/f": "12", "other/": ""})
	p := start(t, Config{Root: f})
	d := openDir(t, p, root, "old")
	require.NoError(t, p.Rename(root, "old", root, "other/new"))
	require.NoError(t, p.Mkdir(root, "old"))
	_, err := p.PathStat(d, "f", false)
	assert.NoError(t, err)
}

func TestRightsAreOnlyEverGivenUp(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"d/f": "12"})
	p := start(t, Config{Root: f})
	d, err := p.Open(root, OpenRequest{Path: "d", How: OpenDirectory, Base: RightPathOpen, Inheriting: RightRead})
	require.NoError(t, err)
	_, err = p.Open(d, OpenRequest{Path: "f", Base: RightRead | RightWrite})
	assert.Equal(t, ErrNotCapable, err)
	_, err = p.Open(d, OpenRequest{Path: "f", Base: RightRead, Flags: FlagSync})
	assert.Equal(t, ErrNotCapable, err)
	_, err = p.Open(d, OpenRequest{Path: "new", How: OpenCreate})
	assert.Equal(t, ErrNotCapable, err)
	assert.Equal(t, ErrNotCapable, p.Unlink(d, "f"))
	assert.Equal(t, ErrNotCapable, p.SetRights(d, RightPathOpen|RightReaddir, 0))
	fd, err := p.Open(d, OpenRequest{Path: "f", Base: RightRead})
	require.NoError(t, err)
	_, err = p.Write(fd, bufs("x"))
	assert.Equal(t, syscall.EBADF, err)
	require.NoError(t, p.SetRights(d, 0, 0))
	_, err = p.Open(d, OpenRequest{Path: "f"})
	assert.Equal(t, ErrNotCapable, err)
}

func TestNonblockBelongsToTheDescriptorAndAppendToTheFile(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": ""})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "f", Flags: FlagNonblock | FlagAppend})
	st, err := p.FDStat(fd)
	require.NoError(t, err)
	assert.Equal(t, FlagNonblock|FlagAppend, st.Flags)
	require.NoError(t, p.SetFlags(fd, FlagDsync))
	st, err = p.FDStat(fd)
	require.NoError(t, err)
	assert.Equal(t, FlagDsync, st.Flags)
	assert.Equal(t, syscall.EINVAL, p.SetFlags(fd, 1<<5))
}

func TestReadDirCookiesStayRightWhileTheDirectoryChanges(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprintf("f%02d", i)] = ""
	}
	f, _ := tree(t, files)
	p := start(t, Config{Root: f})
	d := openDir(t, p, root, ".")
	first, err := p.ReadDir(d, 0)
	require.NoError(t, err)
	require.Len(t, first, 52)
	assert.Equal(t, []string{".", "..", "f00"}, []string{first[0].Name, first[1].Name, first[2].Name})
	assert.Equal(t, first[0].Ino, first[1].Ino, "the root is its own parent")
	require.NoError(t, p.Unlink(root, "f00"))
	open(t, p, root, OpenRequest{Path: "a", How: OpenCreate})
	rest, err := p.ReadDir(d, 10)
	require.NoError(t, err)
	assert.Equal(t, "f08", rest[0].Name)
	again, err := p.ReadDir(d, 0)
	require.NoError(t, err)
	assert.Equal(t, "a", again[2].Name)
	assert.Equal(t, "f01", again[3].Name)
	end, err := p.ReadDir(d, math.MaxUint64)
	require.NoError(t, err)
	assert.Empty(t, end)
}

func TestASymlinksTextIsToldAsItIsStored(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"abs": "->/somewhere/else", "up": "->../../x"})
	p := start(t, Config{Root: f})
	for name, want := range map[string]string{"abs": "/somewhere/else", "up": "../../x"} {
		text, err := p.Readlink(root, name)
		require.NoError(t, err)
		assert.Equal(t, want, text)
	}
}

func TestDotDotStaysAtTheRootAndIsRefusedBelow(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": "", "d/e/": ""})
	p := start(t, Config{Root: f})
	_, err := p.PathStat(root, "../../f", false)
	assert.NoError(t, err)
	again := openDir(t, p, root, "./..//.")
	_, err = p.PathStat(again, "../f", false)
	assert.NoError(t, err, "the root opened again is the root")
	d := openDir(t, p, root, "d")
	_, err = p.PathStat(d, "e/../../f", false)
	assert.ErrorIs(t, err, syscall.EPERM)
}

func TestWorkingDirectoryReachesTheRestOfTheTree(t *testing.T) {
	t.Parallel()
	var seen refusals
	f, _ := tree(t, map[string]string{"f": "", "desk/link": "->../f", "src/": ""})
	p := start(t, Config{Root: f, Cwd: "/desk", Preopens: []string{"/src"}, Denied: seen.add})
	const src, cwd = root + 1, root + 2
	for _, tt := range []struct {
		fd   FD
		path string
	}{{cwd, "../f"}, {cwd, "link"}, {src, "../desk/link"}, {cwd, "../../../f"}} {
		_, err := p.PathStat(tt.fd, tt.path, true)
		assert.NoError(t, err, tt.path)
	}
	assert.Empty(t, seen.list)
}

func TestPathsThatNameADirectoryItself(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"d/f": "", "f": "", "l": "->d", "lf": "->f"})
	p := start(t, Config{Root: f})
	readlink := func(path string) error { _, err := p.Readlink(root, path); return err }
	openAs := func(path string, how OpenFlags, base Rights) error {
		_, err := p.Open(root, OpenRequest{Path: path, How: how, Base: base})
		return err
	}
	for name, tt := range map[string]struct{ got, want error }{
		"mkdir .":           {p.Mkdir(root, "."), syscall.EEXIST},
		"rmdir .":           {p.Rmdir(root, "d/."), syscall.EINVAL},
		"unlink .":          {p.Unlink(root, "d/."), syscall.EISDIR},
		"unlink dir":        {p.Unlink(root, "d"), syscall.EISDIR},
		"unlink dir/":       {p.Unlink(root, "d/"), syscall.EISDIR},
		"unlink file/":      {p.Unlink(root, "f/"), syscall.ENOTDIR},
		"unlink link/":      {p.Unlink(root, "l/"), syscall.ENOTDIR},
		"rename .":          {p.Rename(root, "d/.", root, "x"), syscall.EBUSY},
		"rename to .":       {p.Rename(root, "f", root, "d/."), syscall.EBUSY},
		"rename file/":      {p.Rename(root, "f/", root, "x"), syscall.ENOTDIR},
		"rename to file/":   {p.Rename(root, "f", root, "x/"), syscall.ENOTDIR},
		"symlink to new/":   {p.Symlink("f", root, "x/"), syscall.ENOENT},
		"symlink to .":      {p.Symlink("f", root, "d/."), syscall.EEXIST},
		"empty symlink":     {p.Symlink("", root, "x"), syscall.ENOENT},
		"symlink with NUL":  {p.Symlink("a\x00", root, "x"), syscall.EINVAL},
		"absolute symlink":  {p.Symlink("/f", root, "x"), syscall.EPERM},
		"link a directory":  {p.Link(root, "d", false, root, "x"), syscall.EPERM},
		"link file/":        {p.Link(root, "f/", false, root, "x"), syscall.ENOTDIR},
		"readlink .":        {readlink("."), syscall.EINVAL},
		"readlink file":     {readlink("f"), syscall.EINVAL},
		"readlink link/":    {readlink("l/"), syscall.EINVAL},
		"readlink link/ f":  {readlink("lf/"), syscall.ENOTDIR},
		"open file/":        {openAs("f/", 0, RightRead), syscall.ENOTDIR},
		"create new/":       {openAs("x/", OpenCreate, RightWrite), syscall.EISDIR},
		"create dir":        {openAs("d", OpenCreate|OpenExclusive, RightWrite), syscall.EEXIST},
		"create directory":  {openAs("d", OpenCreate|OpenDirectory, 0), syscall.EINVAL},
		"write dir":         {openAs("d", 0, RightWrite), syscall.EISDIR},
		"truncate dir":      {openAs("d", OpenTruncate, 0), syscall.EISDIR},
		"unknown flag":      {openAs("d", 1<<7, 0), syscall.EINVAL},
		"empty path":        {openAs("", 0, 0), syscall.ENOENT},
		"NUL in path":       {openAs("f\x00", 0, 0), syscall.EINVAL},
		"relative to stdin": {p.Mkdir(0, "x"), syscall.ENOTDIR},
	} {
		assert.ErrorIs(t, tt.got, tt.want, name)
	}
	for _, path := range []string{"l/", "d/", "."} {
		st, err := p.PathStat(root, path, false)
		require.NoError(t, err, path)
		assert.True(t, st.Mode.IsDir(), path)
	}
}

func TestDirectoriesAnswerFileCalls(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"f": ""})
	p := start(t, Config{Root: f})
	_, err := read(p, root, 1)
	assert.Equal(t, syscall.EISDIR, err)
	_, err = p.ReadAt(root, bufs("x"), 0)
	assert.Equal(t, syscall.EISDIR, err)
	_, err = p.Write(root, bufs("x"))
	assert.Equal(t, syscall.EBADF, err)
	assert.Equal(t, syscall.EBADF, p.Allocate(root, 0, 1))
	assert.NoError(t, p.Sync(root, true))
	file := open(t, p, root, OpenRequest{Path: "f"})
	_, err = p.ReadDir(file, 0)
	assert.Equal(t, syscall.ENOTDIR, err)
	assert.Equal(t, syscall.ENOTDIR, p.Mkdir(file, "x"))
	assert.Equal(t, syscall.EINVAL, p.Allocate(file, 0, 0))
	assert.Equal(t, syscall.EFBIG, p.Allocate(file, math.MaxInt64, 1))
}
