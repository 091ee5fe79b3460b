package hermetic

import (
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// memory is a filesystem of files by their paths.
func memory(t testing.TB, files map[string]string) *fs.Fs {
	t.Helper()
	f := fs.Memory()
	for name, content := range files {
		require.NoError(t, f.Write(name, []byte(content)))
	}
	return f
}

func mount(t testing.TB, target string, overlay bool, files map[string]string) Mount {
	t.Helper()
	f := memory(t, files)
	m, err := ReadMount(f, target, overlay)
	require.NoError(t, err)
	return m
}

func TestTheInputRootIsWhatTheGuestSees(t *testing.T) {
	t.Parallel()
	r := Run{Mounts: []Mount{
		mount(t, "/a/b", false, map[string]string{"in": "1"}),
		mount(t, "/", true, map[string]string{"f": "2"}),
	}}
	outer := memory(t, map[string]string{"f": "2"})
	require.NoError(t, outer.EnsureDir("a/b"))
	require.NoError(t, outer.Write("a/b/hidden", nil))
	var err error
	r.Mounts[1], err = ReadMount(outer, "/", true)
	require.NoError(t, err)

	seen := memory(t, map[string]string{"f": "2"})
	require.NoError(t, seen.EnsureDir("a/b"))
	require.NoError(t, seen.Write("a/b/in", []byte("1")))
	want, err := reapi.Read(seen)
	require.NoError(t, err)
	assert.Equal(t, want.Digest(), r.inputRoot().Digest())
}

func TestOutputPathsAreSeenFromTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	r := Run{Dir: "/d/sub", Mounts: []Mount{{Target: "/d", Overlay: true}, {Target: "/in"}, {Target: "/", Overlay: true}}}
	assert.Equal(t, []string{"../../d", "../.."}, r.command().OutputPaths)
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	for _, r := range []Run{{Args: []string{"\xff"}}, {Env: []string{"A=\xff"}}, {Dir: "/\xff"}, {Mounts: []Mount{{Target: "/\xff"}}}} {
		_, err := r.Action()
		assert.ErrorContains(t, err, "is not UTF-8")
	}
}
