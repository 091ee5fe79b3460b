package deptest

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is one Go file.
type source struct {
	pkg  string // of this module, as in "./fs"
	name string
	test bool
	file *ast.File
}

// parseAll reads all Go files of the module, but not those of modules inside it
// nor of folders that the go command passes over.
func parseAll(t *testing.T, root string) (files []source) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && isPassedOver(path, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		if err == nil && !s.isIgnored() {
			files = append(files, s)
		}
		return err
	})
	require.NoError(t, err)
	return files
}

func isPassedOver(path, name string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func parse(name, text string) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	pkg := "./" + filepath.ToSlash(filepath.Dir(name))
	return source{pkg: pkg, name: name, test: strings.HasSuffix(name, "_test.go"), file: file}, err
}

// isIgnored tells whether the tag "ignore" keeps the file out of every build.
func (s source) isIgnored() bool {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			expr, err := constraint.Parse(c.Text)
			if c.Pos() < s.file.Package && err == nil && mentionsIgnore(expr) {
				return true
			}
		}
	}
	return false
}

func mentionsIgnore(expr constraint.Expr) (found bool) {
	expr.Eval(func(tag string) bool {
		found = found || tag == "ignore"
		return true
	})
	return found
}

// imports returns what the file imports, nothing for a test file.
func (s source) imports() (paths []string) {
	if s.test {
		return nil
	}
	for _, spec := range s.file.Imports {
		paths = append(paths, importPath(spec))
	}
	return paths
}

func importPath(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
	return path
}

// checkInit finds functions that run without being called.
func checkInit(s source) (broken []string) {
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv == nil && f.Name.Name == "init" && !s.test {
			broken = append(broken, s.name+" has an init function: importing a package must do nothing, what is wanted is registered by hand")
		}
	}
	return broken
}

// checkIOFS finds io/fs under its own name, which here is that of our package.
func checkIOFS(s source) (broken []string) {
	for _, spec := range s.file.Imports {
		if importPath(spec) == "io/fs" && (spec.Name == nil || spec.Name.Name != "iofs") {
			broken = append(broken, fmt.Sprintf("%s imports io/fs without the name iofs: fs is our own package", s.name))
		}
	}
	return broken
}
