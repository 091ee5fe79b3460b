package deptest

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table "Old mistakes" of CONTRIBUTING.md names tests that are there: test
// functions, or cases of process/processtest.
func TestEveryOldMistakeHasItsTest(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\n## Old mistakes\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")

	known := make(map[string]bool)
	for _, s := range parseAll(t, root) {
		for _, name := range testsIn(s) {
			known[name] = true
		}
	}
	names := regexp.MustCompile("`([A-Z][A-Za-z0-9]+)`[,| ]").FindAllStringSubmatch(lastColumns(table), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.True(t, known[name[1]], "no test is named %s", name[1])
	}
}

// lastColumns leaves out what the mistakes are.
func lastColumns(table string) string {
	var b strings.Builder
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			b.WriteString(cells[2] + "|\n")
		}
	}
	return b.String()
}

func testsIn(s source) (names []string) {
	if s.pkg != "./process/processtest" && !s.test {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name.Name)
		case *ast.CompositeLit:
			if len(n.Elts) == 2 {
				if lit, ok := n.Elts[0].(*ast.BasicLit); ok {
					name, _ := strconv.Unquote(lit.Value)
					names = append(names, name)
				}
			}
		}
		return true
	})
	return names
}
