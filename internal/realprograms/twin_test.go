package realprograms

import (
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
)

// call is one run that the sandbox and the host must answer alike.
type call struct {
	name  string            // what it shows
	files map[string]string // that it finds, by path
	dir   string
	args  []string
	env   []string
	stdin string
	code  int // the exit code, so that two equal wrong answers are no success
}

// program is one program as a module, and as an executable of the host.
type program struct {
	name   string
	module string
	folder string // that holds the executable; "" for PATH
}

// compare runs each call in the sandbox and on the host, each over files of its
// own, and compares output, exit code and the files that are left.
func (p program) compare(t *testing.T, calls []call) {
	root := t.TempDir()
	sandbox := newSandbox(t, root, p.name, p.module)
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			inside, err := os.MkdirTemp(root, "")
			require.NoError(t, err)
			outside := t.TempDir()
			writeTree(t, inside, c.files)
			writeTree(t, outside, c.files)

			spec := process.Spec{Command: p.name, Args: c.args, Env: c.env, Dir: c.dir}
			spec.Stdin = strings.NewReader(c.stdin)
			want := run(t, newHost(t, outside, p.folder), spec)

			spec.Stdin = strings.NewReader(c.stdin)
			spec.Mounts = []process.Mount{{Source: filepath.Base(inside), Target: "/"}}
			got := run(t, sandbox, spec)

			assert.Equal(t, c.code, want.Code, "on the host: %s", want.Stderr)
			want.Stderr, got.Stderr = sameSpelling.Replace(want.Stderr), sameSpelling.Replace(got.Stderr)
			assert.Equal(t, want, got)
			assert.Equal(t, readTree(t, outside), readTree(t, inside))
		})
	}
}

// sameSpelling undoes what Go's own tables of errno texts differ in between
// Linux and WASI.
var sameSpelling = strings.NewReplacer("No such file or directory", "no such file or directory")

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			files[name+"/"] = ""
			return nil
		}
		b, err := os.ReadFile(path)
		files[name] = string(b)
		return err
	}))
	return files
}
