package kernel

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/fs"
)

// limited makes a process on a tree of files, within limits.
func limited(t testing.TB, files map[string]string, l Limits) (*Process, *refusals, string) {
	var seen refusals
	f, dir := tree(t, files)
	return start(t, Config{Root: f, Account: NewAccount(l), Denied: seen.add}), &seen, dir
}

// only is the one refusal that was told, which must be a limit's.
func (r *refusals) only(t testing.TB, limit Limit, max int64) *fs.DeniedError {
	t.Helper()
	require.Len(t, r.list, 1)
	d := r.list[0]
	r.list = nil
	assert.Equal(t, fs.RuleLimit, d.Rule)
	e, ok := errors.AsType[*LimitError](d)
	require.True(t, ok)
	assert.Equal(t, LimitError{limit, max}, *e)
	return d
}

func sizeOf(t testing.TB, path ...string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(path...))
	require.NoError(t, err)
	return info.Size()
}

func TestOpenDescriptorsAreLimitedAndComeBackWhenClosed(t *testing.T) {
	t.Parallel()
	p, seen, dir := limited(t, map[string]string{"file": ""}, Limits{Descriptors: 6})
	a := open(t, p, root, OpenRequest{Path: "file"})
	b := open(t, p, root, OpenRequest{Path: "file"})
	_, err := p.Open(root, OpenRequest{Path: "new", How: OpenCreate})
	assert.ErrorIs(t, err, syscall.EMFILE)
	assert.NoFileExists(t, filepath.Join(dir, "new"))
	d := seen.only(t, LimitDescriptors, 6)
	assert.Equal(t, "open", d.Op)
	assert.Equal(t, "/new", d.Path)

	require.NoError(t, p.Renumber(a, b))
	a = open(t, p, root, OpenRequest{Path: "file"})
	require.NoError(t, p.CloseFD(a))
	for range 10 {
		_, err := p.Open(root, OpenRequest{Path: "absent"})
		assert.Equal(t, syscall.ENOENT, err, "what fails takes none")
	}
	open(t, p, root, OpenRequest{Path: "file"})
	assert.Empty(t, seen.list)
}

func TestWhatAProcessStartsWithIsNeverRefused(t *testing.T) {
	t.Parallel()
	p, seen, _ := limited(t, map[string]string{"file": ""}, Limits{Descriptors: 1})
	for fd := range root + 1 {
		require.NoError(t, p.Check(fd))
	}
	_, err := p.Open(root, OpenRequest{Path: "file"})
	assert.ErrorIs(t, err, syscall.EMFILE)
	seen.only(t, LimitDescriptors, 1)
	for fd := range root {
		require.NoError(t, p.CloseFD(fd))
	}
	_, err = p.Open(root, OpenRequest{Path: "file"})
	assert.ErrorIs(t, err, syscall.EMFILE, "the root alone is one")
	require.NoError(t, p.CloseFD(root))
}

func TestWrittenBytesAreLimitedByWhicheverWay(t *testing.T) {
	t.Parallel()
	type write func(p *Process, fd FD, s ...string) (int, error)
	for name, do := range map[string]write{
		"write":    func(p *Process, fd FD, s ...string) (int, error) { return p.Write(fd, bufs(s...)) },
		"write at": func(p *Process, fd FD, s ...string) (int, error) { return p.WriteAt(fd, bufs(s...), 3) },
		"append": func(p *Process, fd FD, s ...string) (int, error) {
			if err := p.SetFlags(fd, FlagAppend); err != nil {
				return 0, err
			}
			return p.Write(fd, bufs(s...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, seen, _ := limited(t, nil, Limits{Written: 10})
			fd := open(t, p, root, OpenRequest{Path: "f", How: OpenCreate})
			n, err := do(p, fd, "1234", "", "567")
			require.NoError(t, err)
			assert.Equal(t, 7, n)
			n, err = do(p, fd, "8", "9abc", "def")
			require.NoError(t, err, "a write ends at the limit")
			assert.Equal(t, 3, n)
			n, err = do(p, fd, "")
			require.NoError(t, err, "nothing fits")
			assert.Zero(t, n)
			assert.Empty(t, seen.list)
			n, err = do(p, fd, "x")
			assert.ErrorIs(t, err, syscall.EDQUOT)
			assert.Zero(t, n)
			d := seen.only(t, LimitWritten, 10)
			assert.Equal(t, "write", d.Op)
			assert.Equal(t, "/f", d.Path)
		})
	}
}

func TestAWriteThatFailsCountsForNothing(t *testing.T) {
	t.Parallel()
	p, seen, _ := limited(t, map[string]string{"f": "12"}, Limits{Written: 10})
	fd := open(t, p, root, OpenRequest{Path: "f"})
	for range 5 {
		_, err := p.WriteAt(fd, bufs("12345"), math.MaxInt64)
		require.ErrorIs(t, err, syscall.EFBIG)
	}
	assert.Empty(t, seen.list, "that is the largest offset's, and no limit's")
	n, err := p.Write(fd, bufs("0123456789"))
	require.NoError(t, err)
	assert.Equal(t, 10, n)
}

func TestAWriteEndsAtTheLargestSizeAndTheNextFails(t *testing.T) {
	t.Parallel()
	p, seen, dir := limited(t, map[string]string{"long": strings.Repeat("x", 20)}, Limits{FileSize: 10})
	fd := open(t, p, root, OpenRequest{Path: "f", How: OpenCreate})
	n, err := p.Write(fd, bufs("12345", "67890", "rest"))
	require.NoError(t, err)
	assert.Equal(t, 10, n)
	_, err = p.Write(fd, bufs("x"))
	assert.ErrorIs(t, err, syscall.EFBIG)
	assert.Equal(t, "/f", seen.only(t, LimitFileSize, 10).Path)
	n, err = p.WriteAt(fd, bufs("abc"), 8)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	_, err = p.WriteAt(fd, bufs("abc"), 10)
	assert.ErrorIs(t, err, syscall.EFBIG)
	seen.only(t, LimitFileSize, 10)
	require.NoError(t, p.SetFlags(fd, FlagAppend))
	_, err = p.Write(fd, bufs("x"))
	assert.ErrorIs(t, err, syscall.EFBIG)
	seen.only(t, LimitFileSize, 10)
	require.NoError(t, p.SetSize(fd, 7))
	n, err = p.Write(fd, bufs("AB", "CDE"))
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	raw, err := os.ReadFile(filepath.Join(dir, "f"))
	require.NoError(t, err)
	assert.Equal(t, "1234567ABC", string(raw))

	fd = open(t, p, root, OpenRequest{Path: "long"})
	_, err = p.WriteAt(fd, bufs("y"), 15)
	assert.ErrorIs(t, err, syscall.EFBIG, "as Linux has it under RLIMIT_FSIZE")
	seen.only(t, LimitFileSize, 10)
	_, err = p.WriteAt(fd, bufs("y"), 5)
	assert.NoError(t, err)
}

func TestAFileIsMadeLongerOnlyToTheLargestSizeAndShorterAlways(t *testing.T) {
	t.Parallel()
	p, seen, dir := limited(t, map[string]string{"f": "12", "long": strings.Repeat("x", 20)}, Limits{FileSize: 10, Written: 5})
	fd := open(t, p, root, OpenRequest{Path: "f"})
	assert.NoError(t, p.SetSize(fd, 10), "a hole is not written")
	assert.ErrorIs(t, p.SetSize(fd, 11), syscall.EFBIG)
	assert.Equal(t, "truncate", seen.only(t, LimitFileSize, 10).Op)
	assert.EqualValues(t, 10, sizeOf(t, dir, "f"))
	fd = open(t, p, root, OpenRequest{Path: "long"})
	assert.NoError(t, p.SetSize(fd, 20))
	assert.NoError(t, p.SetSize(fd, 15))
	assert.ErrorIs(t, p.SetSize(fd, 16), syscall.EFBIG)
	seen.only(t, LimitFileSize, 10)
	assert.NoError(t, p.SetSize(fd, 3))
	assert.EqualValues(t, 3, sizeOf(t, dir, "long"))
}

// roomy is a file that room can be allocated in.
type roomy struct {
	fs.Node
	size int64
	err  error
}

func (r *roomy) Stat() (fs.Stat, error) { return fs.Stat{Size: r.size}, nil }
func (r *roomy) Allocate(off, size int64) error {
	if r.err == nil {
		r.size = max(r.size, off+size)
	}
	return r.err
}

func TestAllocatedRoomCountsAsWrittenUnlessItFails(t *testing.T) {
	t.Parallel()
	a := NewAccount(Limits{Written: 10, FileSize: 20})
	node := &roomy{err: syscall.ENOSPC}
	f := newFile(node, false, label{})
	for range 3 {
		assert.ErrorIs(t, a.allocate(f, 0, 10), syscall.ENOSPC)
	}
	node.err = nil
	assert.ErrorIs(t, a.allocate(f, 0, 11), syscall.EDQUOT, "all or nothing")
	assert.ErrorIs(t, a.allocate(f, 15, 6), syscall.EFBIG)
	assert.NoError(t, a.allocate(f, 12, 8))
	assert.EqualValues(t, 20, node.size)
	assert.ErrorIs(t, a.allocate(f, 0, 3), syscall.EDQUOT)
	assert.NoError(t, a.allocate(f, 0, 2))
}

func TestEverythingThatMakesANameIsCounted(t *testing.T) {
	t.Parallel()
	p, seen, dir := limited(t, map[string]string{"old": "12", "d/": ""}, Limits{Created: 5})
	for range 3 {
		_, err := p.Open(root, OpenRequest{Path: "old", How: OpenCreate | OpenTruncate, Base: RightWrite})
		require.NoError(t, err, "what is there is not made")
		assert.ErrorIs(t, p.Mkdir(root, "d"), syscall.EEXIST)
		assert.ErrorIs(t, p.Mkdir(root, "no/d"), syscall.ENOENT)
		_, err = p.Open(root, OpenRequest{Path: "old", How: OpenCreate | OpenExclusive})
		assert.ErrorIs(t, err, syscall.EEXIST)
	}
	open(t, p, root, OpenRequest{Path: "new", How: OpenCreate})
	open(t, p, root, OpenRequest{Path: "new2", How: OpenCreate | OpenExclusive})
	require.NoError(t, p.Mkdir(root, "dir"))
	require.NoError(t, p.Symlink("old", root, "sym"))
	require.NoError(t, p.Link(root, "old", false, root, "hard"))
	require.Empty(t, seen.list)

	make := map[string]func(name string) error{
		"open": func(name string) error {
			_, err := p.Open(root, OpenRequest{Path: name, How: OpenCreate, Base: RightWrite})
			return err
		},
		"mkdir":   func(name string) error { return p.Mkdir(root, name) },
		"symlink": func(name string) error { return p.Symlink("old", root, name) },
		"link":    func(name string) error { return p.Link(root, "old", false, root, name) },
	}
	for op, do := range make {
		assert.ErrorIs(t, do("more"), syscall.EDQUOT, op)
		d := seen.only(t, LimitCreated, 5)
		assert.Equal(t, op, d.Op)
		assert.Equal(t, "/more", d.Path)
		assert.NoFileExists(t, filepath.Join(dir, "more"))
		if op != "open" {
			assert.ErrorIs(t, do("old"), syscall.EEXIST, op)
		}
		assert.ErrorIs(t, do("no/more"), syscall.ENOENT, op)
	}
	_, err := p.Open(root, OpenRequest{Path: "old", How: OpenCreate})
	assert.NoError(t, err, "what is there can still be opened")
	require.NoError(t, p.Rename(root, "old", root, "renamed"))
	require.NoError(t, p.Unlink(root, "renamed"))
	assert.ErrorIs(t, p.Mkdir(root, "more"), syscall.EDQUOT, "what was removed is not forgotten")
	seen.only(t, LimitCreated, 5)
}

func TestNoDirectoryIsMadeOpenedOrMovedTooDeep(t *testing.T) {
	t.Parallel()
	p, seen, dir := limited(t, map[string]string{"a/b/c/f": "", "x/y/": "", "file": ""}, Limits{Depth: 2})
	tooDeep := func(path string, err error) {
		t.Helper()
		assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
		assert.Equal(t, path, seen.only(t, LimitDepth, 2).Path)
	}
	require.NoError(t, p.Mkdir(root, "a/new"))
	tooDeep("/a/b/new", p.Mkdir(root, "a/b/new"))
	assert.ErrorIs(t, p.Mkdir(root, "a/b/c"), syscall.EEXIST)
	open(t, p, root, OpenRequest{Path: "a/b/file", How: OpenCreate})
	_, err := p.Open(root, OpenRequest{Path: "a/b/c/f"})
	tooDeep("/a/b/c/f", err)
	_, err = p.Open(root, OpenRequest{Path: "a/b/c", How: OpenDirectory, Base: directoryRights})
	tooDeep("/a/b/c", err)
	_, err = p.PathStat(root, "a/b/c", false)
	assert.NoError(t, err, "a look at it is not the way into it")
	_, err = p.PathStat(root, "a/b/c/..", false)
	assert.NoError(t, err, "what counts is where a path ends")

	tooDeep("/a/x", p.Rename(root, "x", root, "a/x")) // which has y in it
	assert.NoError(t, p.Rename(root, "x/y", root, "y"))
	assert.NoError(t, p.Rename(root, "x", root, "a/x"))
	assert.NoError(t, p.Rename(root, "file", root, "a/b/moved"))
	tooDeep("/a/b/y", p.Rename(root, "y", root, "a/b/y"))
	assert.DirExists(t, filepath.Join(dir, "y"))
	assert.NoError(t, p.Rename(root, "a/b", root, "b"), "up is no problem")
}

func TestADirectoryThatMovesTakesItsHandlesDepthAlong(t *testing.T) {
	t.Parallel()
	p, seen, _ := limited(t, map[string]string{"x/": "", "a/b/": ""}, Limits{Depth: 3})
	x := openDir(t, p, root, "x")
	require.NoError(t, p.Rename(root, "x", root, "a/b/x"))
	assert.ErrorIs(t, p.Mkdir(x, "y"), syscall.ENAMETOOLONG)
	assert.Equal(t, "/x/y", seen.only(t, LimitDepth, 3).Path, "as the guest gave it")
	require.NoError(t, p.Rename(root, "a", root, "z"))
	assert.ErrorIs(t, p.Mkdir(x, "y"), syscall.ENAMETOOLONG)
	seen.only(t, LimitDepth, 3)
	require.NoError(t, p.Rename(root, "z/b/x", root, "x"))
	assert.NoError(t, p.Mkdir(x, "y"))
}

// A guest that does its worst with handles, renames and new directories never has
// a directory that is too deep.
func TestNoSequenceOfCallsGoesTooDeep(t *testing.T) {
	t.Parallel()
	const most = 4
	rapid.Check(t, func(rt *rapid.T) {
		f, dir := tree(t, nil)
		p, err := New(t.Context(), Config{Root: f, Account: NewAccount(Limits{Depth: most})})
		require.NoError(rt, err)
		defer p.Close()
		dirs := []FD{root}
		elem := rapid.SampledFrom([]string{"a", "b", "..", "."})
		path := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(elem, 1, 4).Draw(t, "path"), "/")
		})
		for range 60 {
			at := rapid.SampledFrom(dirs)
			switch rapid.SampledFrom([]string{"mkdir", "mkdir", "rename", "open"}).Draw(rt, "op") {
			case "mkdir":
				_ = p.Mkdir(at.Draw(rt, "at"), path.Draw(rt, "name"))
			case "rename":
				_ = p.Rename(at.Draw(rt, "at"), path.Draw(rt, "from"), at.Draw(rt, "to"), path.Draw(rt, "name"))
			case "open":
				fd, err := p.Open(at.Draw(rt, "at"), OpenRequest{
					Path: path.Draw(rt, "name"), How: OpenDirectory, Base: directoryRights, Inheriting: everything,
				})
				if err == nil {
					dirs = append(dirs, fd)
				}
			}
		}
		assert.LessOrEqual(rt, deepest(t, dir), most)
	})
}

// deepest is the depth of the deepest directory below dir.
func deepest(t testing.TB, dir string) (n int) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			n = max(n, depth("/"+filepath.ToSlash(rel)))
		}
		return err
	}))
	return n
}

func TestPathsAreLimitedAndSoAreTargetsOfSymlinks(t *testing.T) {
	t.Parallel()
	p, seen, _ := limited(t, map[string]string{"d/": ""}, Limits{PathLength: 5})
	d := openDir(t, p, root, "d")
	_, err := p.Open(d, OpenRequest{Path: "12345", How: OpenCreate})
	require.NoError(t, err)
	_, err = p.PathStat(d, "123456", false)
	assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
	refused := seen.only(t, LimitPathLength, 5)
	assert.Equal(t, "/d/123456", refused.Path)
	assert.Equal(t, "stat", refused.Op)
	assert.ErrorIs(t, p.Symlink("123456", d, "l"), syscall.ENAMETOOLONG)
	assert.Equal(t, "/d/l", seen.only(t, LimitPathLength, 5).Path)
	_, err = p.PathStat(d, strings.Repeat("x", 5000), false)
	assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
	assert.Empty(t, seen.list, "that no system takes such a path is not a rule of ours")
}

func TestWhatIsToldOfAPathIsBounded(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, nil)
	var seen refusals
	p := start(t, Config{Root: f, Denied: seen.add})
	d := root
	for range 20 {
		d = openDir(t, p, d, strings.Repeat("./", 2000))
	}
	_, err := p.PathStat(openDir(t, p, d, "."), "/"+strings.Repeat("é", 2000), false)
	assert.ErrorIs(t, err, syscall.EPERM)
	_, err = p.PathStat(d, "/"+strings.Repeat("é", 5000000), false)
	assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
	assert.ErrorIs(t, p.Symlink("/abs", d, "l"), syscall.EPERM)
	require.Len(t, seen.list, 2)
	for _, r := range seen.list {
		assert.LessOrEqual(t, len(r.Path), maxPath+len("…"))
	}
}

// Many processes of one tree race for the last of everything.
func TestRacedLimitsAreNeverExceededAndUsedUpToTheLast(t *testing.T) {
	t.Parallel()
	const guests, written, created, size, descriptors = 8, 10_000, 50, 300, 60
	f, dir := tree(t, map[string]string{"shared": ""})
	account := NewAccount(Limits{Written: written, Created: created, FileSize: size, Descriptors: descriptors})
	var processes []*Process
	var shared []FD
	for range guests {
		p := start(t, Config{Root: f, Account: account})
		processes = append(processes, p)
		shared = append(shared, open(t, p, root, OpenRequest{Path: "shared", Flags: FlagAppend}))
	}
	const left = descriptors - guests*5
	var sum, opened atomic.Int64
	var all sync.WaitGroup
	for g, p := range processes {
		all.Go(func() {
			for i := range 200 {
				n, err := p.Write(shared[g], bufs("12345", "67"))
				sum.Add(int64(n))
				if err != nil && !errors.Is(err, syscall.EFBIG) {
					assert.ErrorIs(t, err, syscall.EDQUOT)
				}
				_ = p.SetSize(shared[g], uint64(i))
				path := fmt.Sprint("f", g, "-", i)
				fd, err := p.Open(root, OpenRequest{Path: path, How: OpenCreate, Base: fileRights})
				if err != nil {
					continue
				}
				assert.LessOrEqual(t, opened.Add(1), int64(left))
				n, _ = p.Write(fd, bufs(strings.Repeat("x", 97)))
				sum.Add(int64(n))
				if i%2 == 0 {
					opened.Add(-1)
					assert.NoError(t, p.CloseFD(fd))
				}
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, sum.Load(), int64(written))
	assert.EqualValues(t, written, sum.Load()+account.written.take(math.MaxInt64), "nothing of it was lost")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(entries)-1, created)
	assert.LessOrEqual(t, sizeOf(t, dir, "shared"), int64(size))
}

func TestRacedTakersNeverTakeMoreThanThereIs(t *testing.T) {
	t.Parallel()
	const most = 100_000_003
	left := tally{max: most}
	var sum atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			taken := int64(0)
			for n := left.take(3); n > 0; n = left.take(3) {
				taken += n
				if n == 3 && taken%7 == 0 {
					left.giveBack(1)
					taken--
				}
			}
			sum.Add(taken)
		})
	}
	all.Wait()
	assert.EqualValues(t, most, sum.Load()+left.take(most))
}

// growing is a file whose size is old news by the time that it is told.
type growing struct {
	fs.Node
	mu   sync.Mutex
	size int64
}

func (g *growing) Stat() (fs.Stat, error) {
	g.mu.Lock()
	st := fs.Stat{Size: g.size}
	g.mu.Unlock()
	runtime.Gosched()
	return st, nil
}

func (g *growing) Append(p []byte) (int, int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size += int64(len(p))
	return len(p), g.size, nil
}

func (g *growing) WriteAt(p []byte, off int64) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size = max(g.size, off+int64(len(p)))
	return len(p), nil
}

func (g *growing) Truncate(size int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size = size
	return nil
}

func TestRacedAppendsNeverMakeAFileLargerThanItMayBe(t *testing.T) {
	t.Parallel()
	const most = 1000
	account := NewAccount(Limits{FileSize: most})
	node := &growing{}
	f := newFile(node, false, label{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				switch {
				case g == 0:
					_ = account.truncate(f, int64(i%most))
				case g == 1:
					_, _ = account.writeAt(nil, f, bufs("0123456789"), int64(i%most))
				default:
					_, _, _ = account.append(nil, f, bufs("0123456789", "x"))
				}
				node.mu.Lock()
				assert.LessOrEqual(t, node.size, int64(most))
				node.mu.Unlock()
			}
		})
	}
	all.Wait()
}

func TestRacedRenamesNeverTakeADirectoryTooDeep(t *testing.T) {
	t.Parallel()
	f, dir := tree(t, map[string]string{"a/b/c/": "", "x/": ""})
	account := NewAccount(Limits{Depth: 4})
	check := func() { assert.NoDirExists(t, filepath.Join(dir, "a/b/c/x/d")) }
	done := make(chan struct{})
	mover := start(t, Config{Root: f, Account: account})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if mover.Rename(root, "x", root, "a/b/c/x") == nil {
				check()
				assert.NoError(t, mover.Rename(root, "a/b/c/x", root, "x"))
			}
		}
	})
	p := start(t, Config{Root: f, Account: account})
	for range 1000 {
		fd, err := p.Open(root, OpenRequest{Path: "x", How: OpenDirectory, Base: directoryRights, Inheriting: everything})
		if err != nil {
			continue
		}
		for range 5 {
			if p.Mkdir(fd, "d") == nil {
				check()
				assert.NoError(t, p.Rmdir(fd, "d"))
			}
		}
		assert.NoError(t, p.CloseFD(fd))
	}
	close(done)
	all.Wait()
	assert.Empty(t, belowRoot(account), "closed directories are forgotten")
}

// belowRoot lists the open directories that are not the root.
func belowRoot(a *Account) (paths []string) {
	a.atlas.mu.Lock()
	defer a.atlas.mu.Unlock()
	for d := range a.atlas.open {
		if !d.isRoot {
			paths = append(paths, d.where)
		}
	}
	return paths
}

// Not parallel: it counts allocations.
func TestLimitsCostAWriteNoAllocation(t *testing.T) {
	f, _ := tree(t, nil)
	for _, l := range []Limits{{}, {Written: 1 << 40, FileSize: 1 << 40}} {
		p := start(t, Config{Root: f, Account: NewAccount(l)})
		fd := open(t, p, root, OpenRequest{Path: "f", How: OpenCreate})
		data, vector := []byte("x"), make([][]byte, 1)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			vector[0] = data
			if _, err := p.WriteAt(fd, vector, 0); err != nil {
				t.Error(err)
			}
		}))
	}
}
