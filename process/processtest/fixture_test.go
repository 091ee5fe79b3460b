package processtest_test

import (
	iofs "io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestATreeIsWhatItsFixtureSays(t *testing.T) {
	t.Parallel()
	const archive = `-- "\n" --
a name that is a newline
-- dir/empty/ --
-- dir/file --
text
-- dir/link -> ../nowhere --
-- no newline (quoted) --
"half\n"
"a line"
-- none --
-- picture (quoted) --
"\x89PNG\r\n"
"\x1a\n"
-- quoted (quoted) --
"-- not a marker --\n"
`
	f := processtest.Fixture(t, archive)
	assert.Equal(t, archive, processtest.Tree(t, f))
	picture, err := f.Read("picture")
	require.NoError(t, err)
	assert.Equal(t, "\x89PNG\r\n\x1a\n", string(picture))
	assert.True(t, f.IsDir("dir/empty"))
	assert.True(t, f.Exists("\n"))
}

func TestAnyTreeSurvivesAsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := fs.Memory()
		defer f.Close()
		name := rapid.OneOf(
			rapid.StringMatching(`[ab]( -> | |"|/| \(quoted\)|\n|é|\.)?[ab]?( --| \(quoted\))?`),
			rapid.StringMatching(`[^/\x00]{1,20}`),
		).Filter(utf8.ValidString)
		content := rapid.OneOf(
			rapid.StringMatching(`(-- a --\n|line\n|\r|\t|>|\xff|")*`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		)
		d, err := f.Dir()
		require.NoError(rt, err)
		defer d.Close()
		for range rapid.IntRange(0, 8).Draw(rt, "entries") {
			path := name.Draw(rt, "name")
			switch rapid.IntRange(0, 2).Draw(rt, "kind") { // what cannot be made is left out
			case 0:
				_ = f.Write(path, []byte(content.Draw(rt, "content")))
			case 1:
				_ = f.EnsureDir(path)
			case 2:
				if !strings.Contains(path, "/") && path != "." && path != ".." {
					_ = d.Symlink(content.Filter(utf8.ValidString).Draw(rt, "target"), path) // by which a file may be made
				}
			}
		}
		text := processtest.Tree(t, f)
		again := processtest.Fixture(t, text)
		require.Equal(rt, text, processtest.Tree(t, again))
		require.Equal(rt, contents(rt, f), contents(rt, again))
	})
}

// contents describes f without a word of the archive format.
func contents(t require.TestingT, f *fs.Fs) map[string]string {
	found, root := make(map[string]string), f.IOFS()
	require.NoError(t, iofs.WalkDir(root, ".", func(path string, d iofs.DirEntry, err error) error {
		require.NoError(t, err)
		content := ""
		switch d.Type() {
		case iofs.ModeSymlink:
			content, err = iofs.ReadLink(root, path)
		case 0:
			var data []byte
			data, err = iofs.ReadFile(root, path)
			content = string(data)
		}
		found[path] = d.Type().String() + content
		return err
	}))
	return found
}

func TestAFixtureThatIsNoneSaysWhy(t *testing.T) {
	t.Parallel()
	for archive, want := range map[string]string{
		"-- a --\n-- a --\n":         "the fixture: -- a --: it is there twice\n",
		"-- a (quoted) --\nword\n":   "the fixture: -- a (quoted) --: word is not a Go string\n",
		"-- a/ --\ntext\n":           "the fixture: -- a/ --: a directory has no content\n",
		"-- \"a --\n":                "the fixture: -- \"a --: the path is not a Go string\n",
		"-- \"a\" and more --\n":     "the fixture: -- \"a\" and more --: what is \" and more\"?\n",
		"-- a --\ntext\n-- a/b --\n": "the fixture: mkdir a: not a directory",
	} {
		t.Run(archive, func(t *testing.T) {
			t.Parallel()
			said := failing(t, func(t testing.TB) { processtest.Fixture(t, archive) })
			assert.Contains(t, said, want)
			t.Log(said)
		})
	}
}
