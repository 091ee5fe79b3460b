package kernel

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

func TestZeroConfigGrantsNothing(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	assert.Empty(t, p.Args())
	assert.Empty(t, p.Env())
	got, err := read(p, 0, 10)
	assert.NoError(t, err)
	assert.Empty(t, got)
	n, err := p.Write(1, bufs("discarded"))
	assert.NoError(t, err)
	assert.Equal(t, 9, n)
	_, err = p.Preopen(root)
	assert.Equal(t, syscall.EBADF, err)
	_, err = p.Open(root, OpenRequest{Path: "x"})
	assert.Equal(t, syscall.EBADF, err)
}

func TestPreopensAreTheRootThenTheGivenThenTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"src/a": "", "desk/b": ""})
	p := start(t, Config{Root: f, Cwd: "/desk/", Preopens: []string{"/src"}, Env: []string{"A=1"}})
	for i, want := range []string{"/", "/src", "."} {
		got, err := p.Preopen(root + FD(i))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := p.PathStat(root+2, "b", false)
	assert.NoError(t, err)
	assert.Equal(t, []string{"A=1", "PWD=/desk"}, p.Env())
}

func TestPWDOfTheCallerStays(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"desk/": ""})
	p := start(t, Config{Root: f, Cwd: "/desk", Env: []string{"PWD=/mine"}})
	assert.Equal(t, []string{"PWD=/mine"}, p.Env())
}

func TestConfigErrorsNameTheCulprit(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"file": ""})
	for name, tt := range map[string]struct {
		cfg   Config
		field string
		err   error
	}{
		"NUL in an argument":           {Config{Args: []string{"a\x00b"}}, "args", syscall.EINVAL},
		"NUL in the environment":       {Config{Env: []string{"A=\x00"}}, "env", syscall.EINVAL},
		"relative working directory":   {Config{Root: f, Cwd: "desk"}, "dir", syscall.EINVAL},
		"no such working directory":    {Config{Root: f, Cwd: "/none"}, "dir", syscall.ENOENT},
		"working directory is a file":  {Config{Root: f, Cwd: "/file"}, "dir", syscall.ENOTDIR},
		"working directory of no tree": {Config{Cwd: "/desk"}, "dir", syscall.ENOENT},
		"relative preopen":             {Config{Root: f, Preopens: []string{"src"}}, "mounts", syscall.EINVAL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := stdin(t)
			tt.cfg.Stdin = r
			_, err := New(t.Context(), tt.cfg)
			var bad *ConfigError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, tt.field, bad.Field)
			assert.ErrorIs(t, err, tt.err)
			_, err = r.Read(make([]byte, 1))
			assert.Error(t, err, "stdin was taken over, so it must be closed")
		})
	}
}

func TestExitKeepsTheFirstCode(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	_, ok := p.Exited()
	assert.False(t, ok)
	p.Exit(0)
	p.Exit(7)
	code, ok := p.Exited()
	assert.True(t, ok)
	assert.Zero(t, code)
}

func TestCloseIsIdempotentAndClosesEveryDescriptor(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"file": "x"})
	p := start(t, Config{Root: f})
	fd := open(t, p, root, OpenRequest{Path: "file"})
	p.Close()
	p.Close()
	for _, fd := range []FD{0, 1, 2, root, fd} {
		assert.Equal(t, syscall.EBADF, p.Check(fd))
	}
}

func TestRandomComesFromTheGivenSource(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Entropy: strings.NewReader("seed")})
	b := make([]byte, 4)
	require.NoError(t, p.Random(b))
	assert.Equal(t, "seed", string(b))
	assert.Error(t, p.Random(b), "the source is exhausted")
}

func TestRandomFillsMoreThanOneChunk(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	b := make([]byte, entropyChunk+100)
	require.NoError(t, p.Random(b))
	assert.False(t, bytes.Equal(b[entropyChunk:], make([]byte, 100)))
}

func TestRandomStopsWithTheProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := New(ctx, Config{})
	require.NoError(t, err)
	defer p.Close()
	cancel()
	assert.True(t, p.Stopped())
	assert.Equal(t, ErrStopped, p.Random(make([]byte, 1)))
}

func TestRefusalIsToldOnceWithTheGuestsPath(t *testing.T) {
	t.Parallel()
	var seen refusals
	f, dir := tree(t, map[string]string{"a/out": "->../../etc/passwd", "b/": ""})
	p := start(t, Config{Root: f, Denied: seen.add})
	a := openDir(t, p, root, "a")
	for _, tt := range []struct {
		fd         FD
		path, want string
	}{
		{root, "a/out", "/a/out"},
		{a, "out", "/a/out"},
		{a, "../b", "/a/../b"},
		{a, "/etc/passwd", "/etc/passwd"},
	} {
		seen.list = nil
		_, err := p.Open(tt.fd, OpenRequest{Path: tt.path, Follow: true, Base: RightRead})
		var denied *fs.DeniedError
		require.ErrorAs(t, err, &denied, tt.path)
		require.Len(t, seen.list, 1, tt.path)
		assert.Equal(t, tt.want, seen.list[0].Path)
		assert.Equal(t, "open", seen.list[0].Op)
		assert.NotEmpty(t, seen.list[0].Rule)
		assert.NotContains(t, seen.list[0].Error(), dir)
	}
}

func TestAbsenceIsNoRefusal(t *testing.T) {
	t.Parallel()
	var seen refusals
	f, _ := tree(t, nil)
	p := start(t, Config{Root: f, Denied: seen.add})
	_, err := p.PathStat(root, "none", false)
	assert.ErrorIs(t, err, syscall.ENOENT)
	assert.Empty(t, seen.list)
}
