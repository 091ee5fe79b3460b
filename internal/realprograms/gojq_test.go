package realprograms

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
)

func TestGojqAnswersAsItsNativeTwin(t *testing.T) {
	t.Parallel()
	people := `[{"name":"Ada","born":1815},{"name":"Émilie","born":1706},{"name":"Grace","born":1906}]`
	files := map[string]string{
		"people.json":     people,
		"deep/query.jq":   "map(select(.born < $before) | .name)",
		"deep/lib.jq":     "def twice: . * 2;",
		"deep/lines.json": "1\n2\n3\n",
		"bad.json":        "{\"a\": [1, 2\n",
	}
	gojq.build(t).compare(t, []call{
		{name: "filters its input", stdin: people, args: []string{"map(.born) | add / length"}},
		{name: "filters a file", files: files, args: []string{"-c", "sort_by(.born)[]", "people.json"}},
		{name: "reads a query and arguments", files: files, dir: "deep", args: []string{"--argjson", "before", "1900", "-f", "query.jq", "../people.json"}},
		{name: "loads a module from a folder", files: files, args: []string{"-L", "deep", `include "lib"; twice`, "deep/lines.json"}},
		{name: "slurps many files", files: files, args: []string{"-s", "-c", ".", "deep/lines.json", "people.json"}},
		{name: "sees the environment that was given and no other", args: []string{"-n", "$ENV"}, env: []string{"GREETING=höi", "EMPTY=", "LINES=a\nb"}},
		{name: "prints raw text", stdin: `["a\nb","\u0000","ü"]`, args: []string{"-j", ".[]"}},
		{name: "exits 1 for a false answer", stdin: "false", args: []string{"-e", "."}, code: 1},
		{name: "exits 4 for no answer", stdin: "1", args: []string{"-e", "empty"}, code: 4},
		{name: "exits with the code the query says", args: []string{"-n", `"bye\n" | halt_error(77)`}, code: 77},
		{name: "exits 255", args: []string{"-n", `"" | halt_error(255)`}, code: 255},
		{name: "exits 5 for an error in the query", stdin: `{"a":1}`, args: []string{".a | keys"}, code: 5},
		{name: "exits 5 for broken JSON", files: files, args: []string{".", "bad.json"}, code: 5},
		{name: "exits 5 for a missing file", args: []string{".", "absent.json"}, code: 5},
		{name: "exits 3 for a broken query", args: []string{".a["}, code: 3},
		{name: "exits 2 for an unknown option", args: []string{"--nonsense"}, code: 2},
	})
}

func TestGojqDigestsTwentyMegabytes(t *testing.T) {
	t.Parallel()
	p := gojq.build(t)
	inside, outside := t.TempDir(), t.TempDir()
	big := bigJSON(20 << 20)
	for _, dir := range []string{inside, outside} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "big.json"), big, 0o600))
	}
	spec := process.Spec{Command: "gojq", Args: []string{"-c",
		"[length, (map(.n) | add), (map(.tags[1]) | unique), (map(select(.n % 50000 == 7) | .text[0:10]))]", "big.json"}}
	want := run(t, newHost(t, outside, p.folder), spec)
	require.Zero(t, want.Code)
	c := newSandbox(t, inside, p.name, p.module)
	assert.Equal(t, want, run(t, c, spec), "from a file")

	spec.Args = spec.Args[:2]
	spec.Stdin = bytes.NewReader(big)
	assert.Equal(t, want, run(t, c, spec), "from its input")
}

// bigJSON is an array of objects, of at least size bytes.
func bigJSON(size int) []byte {
	b := []byte("[")
	for n := 0; len(b) < size; n++ {
		if n > 0 {
			b = append(b, ",\n"...)
		}
		b = fmt.Appendf(b, `{"n": %d, "tags": ["even", "t%d"], "text": "row %d of many, long enough to weigh something: %0100d"}`, n, n%7, n, n)
	}
	return append(b, ']')
}

func TestGojqRunsThroughTheCore(t *testing.T) {
	t.Parallel()
	p := gojq.build(t)
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"data/a.json": `{"a": {"b": [1, 2, 3]}}`})
	c := newSandbox(t, dir, p.name, p.module)

	assert.Equal(t, "[1,2,3]\n", text(t, c.Process().RunIn(t.Context(), "data", "gojq", "-c", ".a.b", "a.json")))
	assert.Equal(t, "\"42\"\n", text(t, c.Process().RunWithEnv(t.Context(), "", []string{"ANSWER=42"}, "gojq", "-n", "env.ANSWER")))
	assert.Equal(t, "6\n", text(t, c.Action("process.run").Run(t.Context(), core.NewOptions(
		core.Option{Key: "command", Value: "gojq"},
		core.Option{Key: "args", Value: []string{"add"}},
		core.Option{Key: "stdin", Value: "[1,2,3]"},
	))))

	exit := failure(t, c.Process().Run(t.Context(), "gojq", "-n", `"why\n" | halt_error(3)`))
	assert.Equal(t, 3, exit.Exit.Code)
	assert.Equal(t, "why\n", string(exit.Stdout)) // process.run merges both streams
}

func TestGojqSeesNothingOutside(t *testing.T) {
	t.Parallel()
	p := gojq.build(t)
	outside, inside := secret(t), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "link")))
	c := newSandbox(t, inside, p.name, p.module)
	for _, path := range escapes(outside, "link") {
		got := run(t, c, process.Spec{Command: "gojq", Args: []string{"-R", ".", path}})
		assert.Equal(t, 5, got.Code, path)
		assert.NotContains(t, got.Stdout+got.Stderr, secretText, path)
	}
}
