package userland

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

func TestTheEmbeddedModuleIsRebuiltByteForByte(t *testing.T) {
	if os.Getenv("CLOCHE_REBUILD") == "" {
		t.Skip("set CLOCHE_REBUILD=1 to build the module again, which takes a minute")
	}
	t.Parallel()
	out := filepath.Join(t.TempDir(), "userland.wasm.gz")
	said, err := exec.Command("go", "-C", "guest", "run", "./build", "-o", out).CombinedOutput()
	require.NoError(t, err, "%s", said)
	built, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, bytes.Equal(built, compressed), "the embedded module is not what its source makes: run go generate ./process/wasm/userland")
}
