package processtest

import (
	"strings"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var fileCases = []testCase{
	{"RelativePathsStartInDir", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.EnsureDir("a/b"))
		require.NoError(t, b.Fs.Write("a/above", []byte("up")))
		for _, dir := range []string{"a/b", "/a/b", "/a/./b/", "a/../a/b"} {
			got := succeed(t, b, process.Spec{
				Args: []string{"files", "write:here:" + dir, "read:../above", "list:."},
				Dir:  dir,
			})
			assert.Equal(t, "write here: done\nread ../above: \"up\"\nlist .: here\n", got)
			written, err := b.Fs.Read("a/b/here")
			require.NoError(t, err)
			assert.Equal(t, dir, string(written))
		}
	}},
	{"DirDefaultsToTheRoot", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.Write("atroot", []byte("x")))
		got := succeed(t, b, process.Spec{Args: []string{"files", "read:atroot"}})
		assert.Equal(t, "read atroot: \"x\"\n", got)
	}},
	{"DirThroughASymlinkIsWhereItLeads", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.EnsureDir("real"))
		assert.Equal(t, "symlink short: done\n", succeed(t, b, process.Spec{Args: []string{"files", "symlink:short:real"}}))
		succeed(t, b, process.Spec{Args: []string{"files", "write:f:x"}, Dir: "short"})
		assert.True(t, b.Fs.IsFile("real/f"))
	}},
	{"FilesDoWhatFilesDo", func(t *testing.T, b Backend) {
		for _, step := range fileSteps {
			op, want, _ := strings.Cut(step, " => ")
			got := succeed(t, b, process.Spec{Args: []string{"files", op}})
			_, answer, _ := strings.Cut(got, ": ")
			assert.Equal(t, want, strings.TrimSuffix(answer, "\n"), op)
		}
	}},
}

// fileSteps build on each other: "operation => answer".
var fileSteps = []string{
	`list:. => `,
	`write:f:hello => done`,
	`stat:f => file of 5`,
	`append:f:, world => done`,
	`read:f => "hello, world"`,
	`patch:f:7=W => done`,
	`cut:f:8 => done`,
	`read:f => "hello, W"`,
	`patch:f:10=! => done`,
	`read:f => "hello, W\x00\x00!"`,
	`write:f:new => done`,
	`read:f => "new"`,
	`mkdir:d => done`,
	`mkdir:d => exists`,
	`stat:d => directory`,
	`mkdir:no/d => does not exist`,
	`rename:f:d/g => done`,
	`read:f => does not exist`,
	`read:d/g => "new"`,
	`symlink:s:d/g => done`,
	`read:s => "new"`,
	`stat:s => file of 3`,
	`lstat:s => symlink`,
	`symlink:s:other => exists`,
	`symlink:t:s => done`,
	`append:t:er => done`,
	`read:d/g => "newer"`,
	`symlink:dangling:nowhere => done`,
	`read:dangling => does not exist`,
	`lstat:dangling => symlink`,
	`symlink:loop:loop => done`,
	`read:loop => failed`,
	`link:hard:d/g => done`,
	`append:hard:! => done`,
	`read:d/g => "newer!"`,
	`list:. => d dangling hard loop s t`,
	`list:d => g`,
	`list:s => failed`,
	`remove:d => exists`,
	`remove:absent => does not exist`,
	`write:o:over => done`,
	`rename:o:hard => done`,
	`read:hard => "over"`,
	`read:d/g => "newer!"`,
	`rename:d:e => done`,
	`read:s => does not exist`,
	`read:e/g => "newer!"`,
	`remove:e/g => done`,
	`remove:e => done`,
	`remove:t => done`,
	`list:. => dangling hard loop s`,
	`write:é日本:unicode => done`,
	`list:. => dangling hard loop s é日本`,
	`read:é日本 => "unicode"`,
}
