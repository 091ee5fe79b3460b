package kernel

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASymlinkClimbsOutByItsTextAndItsPlace(t *testing.T) {
	t.Parallel()
	mounts := []string{"/", "/m", "/m/deep/inner"}
	for _, c := range []struct {
		dir, dest string
		want      bool
	}{
		{"/", "x", false},
		{"/", "..", true},
		{"/", "./../x", true},
		{"/", "a/../..", true},
		{"/", "a//b/../../x", false},
		{"/d", "../x", false},
		{"/d", "../../x", true},
		{"/d", "../d/../..", true},
		{"/m", "../x", true},
		{"/m/d", "../x", false},
		{"/m/d", "../../x", true},
		{"/mm", "../x", false},
		{"/m/deep/inner", "../x", true},
		{"/m/deep/inner/d", "../x", false},
		{"/m/deep/innermost", "../../x", false},
		{"/d", "a/..x/...", false},
		{"/", "/etc/passwd", false},
		{"/", strings.Repeat("d/", 300) + strings.Repeat("../", 300), false},
		{"/", strings.Repeat("d/", 300) + strings.Repeat("../", 301), true},
	} {
		assert.Equal(t, c.want, climbsOut(c.dir, mounts, c.dest), "%s -> %s", c.dir, c.dest)
	}
	assert.False(t, climbsOut("/m", nil, "../x"), "without mounts there is only the root")
}

func TestOutwardSymlinksOfTheGuestAreTold(t *testing.T) {
	t.Parallel()
	var seen []OutwardLink
	f, _ := tree(t, map[string]string{"d/e/": "", "d/host": "->../../above", "up": "->d/e", "abs": "->/d/e", "file": ""})
	p := start(t, Config{Root: f, Outward: func(l OutwardLink) { seen = append(seen, l) }})
	only := func(path, target string) {
		t.Helper()
		assert.Equal(t, []OutwardLink{{path, target}}, seen)
		seen = nil
	}
	require.NoError(t, p.Symlink("../../x", root, "d/e/in"))
	require.NoError(t, p.Symlink("../../x", root, "up/in2"), "what counts is where it is")
	require.NoError(t, p.Symlink("../../x", root, "abs/in3"))
	assert.Equal(t, syscall.EEXIST, p.Symlink("../../x", root, "d/host"))
	require.Empty(t, seen)
	require.NoError(t, p.Symlink("../../../x", root, "up/out"))
	only("/up/out", "../../../x")

	require.NoError(t, p.Rename(root, "d/e/in", root, "d/./in"))
	only("/d/./in", "../../x")
	require.NoError(t, p.Link(root, "d/e/in2", false, root, "hard"))
	only("/hard", "../../x")
	require.NoError(t, p.Rename(root, "file", root, "d/file"))
	require.NoError(t, p.Link(root, "d/file", false, root, "file"))
	assert.Empty(t, seen)

	d := openDir(t, p, root, "d/e")
	require.NoError(t, p.Rename(root, "d/e", root, "e"))
	assert.Empty(t, seen, "what moves along in a directory is not looked for")
	require.NoError(t, p.Symlink("../../x", d, "moved"))
	only("/d/e/moved", "../../x")
}

func TestOutwardIsOutOfTheMountToo(t *testing.T) {
	t.Parallel()
	var seen []OutwardLink
	f, _ := tree(t, map[string]string{"m/d/": ""})
	p := start(t, Config{Root: f, Mounts: []string{"/m"}, Outward: func(l OutwardLink) { seen = append(seen, l) }})
	require.NoError(t, p.Symlink("../x", root, "m/d/in"))
	require.Empty(t, seen)
	require.NoError(t, p.Symlink("../x", root, "m/out"))
	assert.Equal(t, []OutwardLink{{"/m/out", "../x"}}, seen)
}
