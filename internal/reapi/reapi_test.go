package reapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dappco.re/go/cloche/fs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The wire format by hand: a byte for the field's number and kind, the length, the
// value.

func TestACommandIsEncodedAsTheAPIHasIt(t *testing.T) {
	t.Parallel()
	got, err := Command{
		Arguments:        []string{"sh", ""},
		Environment:      []Pair{{"B", ""}, {"A", "1"}},
		OutputPaths:      []string{"z", "o", "z"},
		WorkingDirectory: "src",
	}.Encode()
	require.NoError(t, err)
	assert.Equal(t, "\x0a\x02sh\x0a\x00"+
		"\x12\x06\x0a\x01A\x12\x011"+"\x12\x03\x0a\x01B"+
		"\x32\x03src"+
		"\x3a\x01o\x3a\x01z", string(got))
}

func TestAnActionIsEncodedAsTheAPIHasIt(t *testing.T) {
	t.Parallel()
	digest := func(d Digest, size string) string { return "\x0a\x40" + hex.EncodeToString(d.Hash[:]) + size }
	a := Action{
		Command: Sum([]byte("c")), InputRoot: Sum(nil),
		Timeout:  90*time.Second + 5,
		Salt:     "s",
		Platform: []Pair{{"n", "2"}, {"n", "1"}},
	}
	assert.Equal(t, "\x0a\x44"+digest(a.Command, "\x10\x01")+"\x12\x42"+digest(a.InputRoot, "")+
		"\x32\x04\x08\x5a\x10\x05"+"\x4a\x01s"+
		"\x52\x10\x0a\x06\x0a\x01n\x12\x011\x0a\x06\x0a\x01n\x12\x012", string(a.Encode()))
}

func TestADirectoryIsEncodedAsTheAPIHasIt(t *testing.T) {
	t.Parallel()
	f := tree(t)
	got, err := Read(f)
	require.NoError(t, err)
	content := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "\x0a\x40" + hex.EncodeToString(sum[:]) + "\x10" + string(rune(len(s)))
	}
	sub := "\x0a\x4d\x0a\x03run\x12\x44" + content("#!") + "\x20\x01"
	want := "\x0a\x49\x0a\x01a\x12\x44" + content("text") +
		"\x0a\x49\x0a\x01b\x12\x44" + content("text") +
		"\x12\x4b\x0a\x03bin\x12\x44" + content(sub) +
		"\x12\x4b\x0a\x05empty\x12\x42" + strings.TrimSuffix(content(""), "\x10\x00") +
		"\x1a\x0d\x0a\x04link\x12\x05bin/x"
	assert.Equal(t, Sum([]byte(want)), got.Digest())
}

func tree(t *testing.T) *fs.Fs {
	t.Helper()
	dir := t.TempDir()
	file := func(name, content string, perm os.FileMode) {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		require.NoError(t, os.Chmod(name, perm))
	}
	file("b", "text", 0o644)
	file("a", "text", 0o600)
	file("bin/run", "#!", 0o755)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	require.NoError(t, os.Symlink("bin/x", filepath.Join(dir, "link")))
	f, err := fs.New(dir)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestATreeIsReadWhole(t *testing.T) {
	t.Parallel()
	got, err := Read(tree(t))
	require.NoError(t, err)
	text, run := Sum([]byte("text")), Sum([]byte("#!"))
	assert.Equal(t, Tree{
		"a":       {Content: text, Perm: 0o600},
		"b":       {Content: text, Perm: 0o644},
		"bin":     {Type: iofs.ModeDir, Perm: 0o755},
		"bin/run": {Content: run, Executable: true, Perm: 0o755},
		"empty":   {Type: iofs.ModeDir, Perm: 0o755},
		"link":    {Type: iofs.ModeSymlink, Target: "bin/x", Perm: 0o777},
	}, got)

	text2 := got["a"]
	text2.Perm = 0o640
	before, perms := got.Digest(), got.Perms()
	got["a"] = text2
	assert.Equal(t, before, got.Digest(), "only the right to execute counts")
	assert.NotEqual(t, perms, got.Perms())
}

func TestATreeIsKeptAsText(t *testing.T) {
	t.Parallel()
	want, err := Read(tree(t))
	require.NoError(t, err)
	for p, e := range want {
		e.Perm = 0
		want[p] = e
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"bin/run":"`+Sum([]byte("#!")).String()+` x","empty":"dir","link":"-\u003e bin/x"`)
	var got Tree
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, want, got)
	for _, bad := range []string{"", "dirs", "/1", Sum(nil).String() + "0x", strings.TrimSuffix(Sum(nil).String(), "/0"), Sum(nil).String() + "/-1"} {
		assert.Error(t, new(Entry).UnmarshalText([]byte(bad)), bad)
	}
}

func TestWhatTheAPICannotTellIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Command{Arguments: []string{"a\xff"}}.Encode()
	assert.ErrorContains(t, err, `"a\xff" is not UTF-8`)

	f := fs.Memory()
	require.NoError(t, f.Write("\xfe", nil))
	_, err = Read(f)
	assert.ErrorContains(t, err, `"\xfe" is not UTF-8`)
}
