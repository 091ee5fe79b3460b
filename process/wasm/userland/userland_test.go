package userland

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheNamesAreTheTableOfTheModule(t *testing.T) {
	t.Parallel()
	assert.Equal(t, commandsOf(t, "guest/main.go"), Names())
	assert.True(t, slices.IsSorted(Names()))
}

// commandsOf reads the first field of every row of the variable commands.
func commandsOf(t *testing.T, file string) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != "commands" {
			return true
		}
		for _, row := range v.Values[0].(*ast.CompositeLit).Elts {
			name, err := strconv.Unquote(row.(*ast.CompositeLit).Elts[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			names = append(names, name)
		}
		return false
	})
	require.NotEmpty(t, names)
	return names
}

func TestTheDigestIsThatOfTheModule(t *testing.T) {
	t.Parallel()
	b, err := Module()
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("%x/%d", sha256.Sum256(b), len(b)), Digest())
}

func TestTheEmbeddedModuleIsRebuiltByteForByte(t *testing.T) {
	if os.Getenv("CLOCHE_REBUILD") == "" {
		t.Skip("set CLOCHE_REBUILD=1 to build the module again, which takes a minute")
	}
	t.Parallel()
	dir := t.TempDir()
	guest := filepath.Join(dir, "guest") // elsewhere, since no path may show in the module
	require.NoError(t, os.CopyFS(guest, os.DirFS("guest")))
	said, err := exec.CommandContext(t.Context(), "go", "-C", guest, "run", "./build").CombinedOutput()
	require.NoError(t, err, "%s", said)
	built, err := os.ReadFile(filepath.Join(dir, "userland.wasm.gz"))
	require.NoError(t, err)
	named, err := os.ReadFile(filepath.Join(dir, "userland.wasm.digest"))
	require.NoError(t, err)
	require.Equal(t, digest, string(named))
	require.True(t, bytes.Equal(built, compressed), "the embedded module is not what its source makes: run go generate ./process/wasm/userland")
}

func TestNoticeHoldsTheLicenceOfEveryEmbeddedModule(t *testing.T) {
	t.Parallel()
	notice, err := os.ReadFile(filepath.Join("..", "..", "..", "NOTICE"))
	require.NoError(t, err)
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", ".")
	list.Dir = "guest"
	list.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off")
	out, err := list.Output()
	require.NoError(t, err)
	modules := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(modules)
	checked := 0
	for _, module := range slices.Compact(modules) {
		fields := strings.Fields(module)
		if len(fields) != 3 {
			continue
		}
		licence, err := os.ReadFile(filepath.Join(fields[2], "LICENSE"))
		require.NoError(t, err, "%s has no LICENSE where it is expected", fields[0])
		assert.Contains(t, string(notice), fields[0]+" "+fields[1], "NOTICE must name it and its version")
		assert.Contains(t, string(notice), strings.TrimSpace(string(licence)), "NOTICE must hold the licence of %s", fields[0])
		checked++
	}
	assert.Positive(t, checked)
	assert.Contains(t, string(notice), "The Go standard library and runtime")
}
