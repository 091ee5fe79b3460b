package realprograms

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
)

const (
	untidy = "#!/bin/sh\nif true ;then\necho  \"$1\"   # say it\nfi\ncase $x in a) b ;; esac\n"
	tidy   = "#!/bin/sh\nif true; then\n  echo \"$1\" # say it\nfi\ncase $x in a) b ;; esac\n"
	broken = "#!/bin/sh\nif true; then\n"
)

func TestShfmtAnswersAsItsNativeTwin(t *testing.T) {
	t.Parallel()
	tree := map[string]string{
		"a.sh": untidy, "b.sh": tidy, "deep/er/c.bash": untidy, "deep/tool": untidy, "notes.txt": "if then",
	}
	shfmt.build(t).compare(t, []call{
		{name: "formats its input", stdin: untidy},
		{name: "takes options", stdin: untidy, args: []string{"-i", "2", "-ci", "-bn"}},
		{name: "prints a file", files: tree, args: []string{"a.sh"}},
		{name: "walks a tree", files: tree, args: []string{"--find", "."}},
		{name: "walks a tree from a folder in it", files: tree, dir: "deep", args: []string{"--find", "."}},
		{name: "reads a configuration file above", dir: "deep", args: []string{"tool"},
			files: map[string]string{".editorconfig": "root = true\n[*]\nindent_style = space\nindent_size = 8\n", "deep/tool": untidy}},
		{name: "writes a syntax tree", stdin: untidy, args: []string{"--to-json"}},
		{name: "writes in place", files: tree, args: []string{"-w", "-i", "2", "."}},
		{name: "lists what is untidy and exits 1", files: tree, args: []string{"-l", "-i", "2", "."}, code: 1},
		{name: "shows a diff and exits 1", files: tree, args: []string{"-d", "-i", "2", "a.sh"}, code: 1},
		{name: "refuses a broken script with 1", stdin: broken, code: 1},
		{name: "refuses a broken file with 1 and leaves it alone", files: map[string]string{"x.sh": broken}, args: []string{"-w", "x.sh"}, code: 1},
		{name: "refuses a missing file with 1", args: []string{"absent.sh"}, code: 1},
		{name: "refuses an unknown option with 2", args: []string{"--nonsense"}, code: 2},
	})
}

func TestShfmtFormatsTheFilesOfTheCore(t *testing.T) {
	t.Parallel()
	p := shfmt.build(t)
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"src/a.sh": untidy})
	c := newSandbox(t, dir, p.name, p.module)

	assert.Equal(t, tidy, text(t, c.Process().RunIn(t.Context(), "src", "shfmt", "-i", "2", "a.sh")))
	text(t, c.Process().RunIn(t.Context(), "src", "shfmt", "-w", "-i", "2", "a.sh"))
	assert.Equal(t, tidy, readFile(t, filepath.Join(dir, "src/a.sh")))

	writeTree(t, dir, map[string]string{"bad.sh": broken})
	exit := failure(t, c.Process().Run(t.Context(), "shfmt", "bad.sh"))
	assert.Equal(t, 1, exit.Exit.Code)
	assert.Contains(t, string(exit.Stdout), "bad.sh:2:1")
}

func TestShfmtSeesNothingOutside(t *testing.T) {
	t.Parallel()
	p := shfmt.build(t)
	outside, inside := secret(t), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "link.sh")))
	c := newSandbox(t, inside, p.name, p.module)
	for _, path := range escapes(outside, "link.sh") {
		got := run(t, c, process.Spec{Command: "shfmt", Args: []string{"-w", path}})
		assert.Equal(t, 1, got.Code, path)
		assert.NotContains(t, got.Stdout+got.Stderr, secretText, path)
	}
	assert.Equal(t, secretScript, readFile(t, outside))
}
