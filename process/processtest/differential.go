package processtest

import (
	iofs "io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Differential runs the same Specs on two backends, each in a fresh Fs, and
// compares exit, stdout, stderr and the files that are left.
func Differential(t *testing.T, newA, newB func(t testing.TB) Backend) {
	for name, steps := range differentials() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newA(t), newB(t)
			for _, s := range steps {
				assert.Equal(t, observe(t, a, s), observe(t, b, s), "%q", s.Args)
			}
			assert.Equal(t, tree(t, a.Fs), tree(t, b.Fs))
		})
	}
}

// observed is what both backends must agree on.
type observed struct {
	code           int
	signal         process.Signal
	reason         error
	stdout, stderr string
}

func observe(t testing.TB, b Backend, s process.Spec) observed {
	t.Helper()
	if s.Stdin == nil {
		s.Stdin = input([]byte("the same input\r\n\x00\xff"))
	}
	exit, stdout, stderr := run(t, b, s)
	return observed{exit.Code, exit.Signal, exit.Reason, stdout, withoutTrace(stderr)}
}

// withoutTrace cuts the addresses off that follow a panic's message.
func withoutTrace(stderr string) string {
	said, _, _ := strings.Cut(stderr, "\n\ngoroutine ")
	return said
}

func differentials() map[string][]process.Spec {
	d := map[string][]process.Spec{
		"Streams": {
			{Args: []string{"cat"}},
			{Args: []string{"count"}},
			{Args: []string{"head", "3"}},
			{Args: []string{"head", "1000"}}, // more than there is
			{Args: []string{"pattern", "1000003"}},
			{Args: []string{"interleave", "50"}},
			{Args: []string{"interleave", "50"}, Merge: true},
			{Args: []string{"print", "out", "a\rb", "err", "\xff", "out", ""}},
		},
		"Arguments": {
			{Args: []string{"args", "", "a b", "\xfe\xff", "\n", "--flag=1"}},
			{Args: []string{"env"}},
			{Args: []string{"env"}, Env: []string{"B=2", "A=1", "A=3", "E="}},
			{Args: nil},
			{Args: []string{"no such command"}},
		},
		"Exits": {
			{Args: []string{"nothing"}},
			{Args: []string{"panic"}},
			{Args: []string{"exit", "not a number"}},
		},
		"Directories": {
			{Args: []string{"files", "mkdir:x", "mkdir:x/y"}},
			{Args: []string{"files", "write:../f:1", "list:..", "list:.", "read:../../f"}, Dir: "x/y"},
			{Args: []string{"files", "symlink:z:x/y", "write:z/g:2", "list:z"}},
			{Args: []string{"files", "list:.", "stat:g", "rename:g:../h"}, Dir: "z"},
		},
		"Mistakes": {
			{Args: []string{"files",
				"write:d/f:1", "mkdir:d", "write:d:1", "read:d", "list:absent", "remove:absent", "rename:absent:x",
				"write:f:1", "list:f", "mkdir:f/d", "read:f/x", "stat:f/", // not "": Go itself answers EINVAL for it on wasip1
				"rename:d:f", "rename:f:d", "rename:d:d/e", "link:l:d", "link:l:absent", "cut:absent:1", "cut:d:1", "cut:f:-1",
				"write:" + strings.Repeat("n", 256) + ":1", "write:" + strings.Repeat("n", 255) + ":1",
				"read:" + strings.Repeat("d/", 3000) + "f"}},
		},
	}
	d["Tour"] = []process.Spec{{Args: []string{"tour"}}}
	for _, step := range fileSteps {
		op, _, _ := strings.Cut(step, " => ")
		d["Files"] = append(d["Files"], process.Spec{Args: []string{"files", op}})
	}
	for code := range 256 {
		d["Exits"] = append(d["Exits"], process.Spec{Args: []string{"exit", strconv.Itoa(code)}})
	}
	return d
}

// tree describes every file of f, as the host sees it: its path, its type and what it holds.
func tree(t testing.TB, f *fs.Fs) []string {
	t.Helper()
	var found []string
	root := os.DirFS(f.Root())
	require.NoError(t, iofs.WalkDir(root, ".", func(path string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line := d.Type().String() + " " + path
		switch {
		case d.Type().IsRegular():
			data, err := iofs.ReadFile(root, path)
			require.NoError(t, err)
			line += " " + strconv.Quote(string(data))
		case d.Type()&iofs.ModeSymlink != 0:
			target, err := iofs.ReadLink(root, path)
			require.NoError(t, err)
			line += " -> " + target
		}
		found = append(found, line)
		return nil
	}))
	return found
}
