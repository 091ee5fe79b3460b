package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	heading = regexp.MustCompile(`(?m)^##+ (.*)$`)
	snippet = regexp.MustCompile("(?s)```go\n(.*?)```")
)

// afters are the "after" snippets by heading: the second one of two, or the only one.
func afters(page string) map[string]string {
	found := make(map[string]string)
	at := heading.FindAllStringSubmatchIndex(page, -1)
	for i, h := range at {
		end := len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if s := snippet.FindAllStringSubmatch(page[h[1]:end], -1); s != nil {
			found[page[h[2]:h[3]]] = s[len(s)-1][1]
		}
	}
	return found
}

// bodies are the Examples' by the heading that they are named after.
func bodies(t *testing.T, file string) map[string]string {
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if name, ok := strings.CutPrefix(f.Name.Name, "Example_"); ok {
			found[name] = string(source[set.Position(f.Body.Lbrace).Offset:set.Position(f.Body.Rbrace).Offset])
		}
	}
	return found
}

// exampleOf is the name of a heading's Example.
func exampleOf(heading string) string {
	words := strings.Fields(strings.ReplaceAll(heading, ",", ""))
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	if strings.ToUpper(words[0]) == words[0] {
		words[0] = strings.ToLower(words[0])
	} else {
		words[0] = strings.ToLower(words[0][:1]) + words[0][1:]
	}
	return strings.Join(words, "")
}

// flush leaves the indentation out, which differs.
func flush(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

func TestEveryAfterIsAnExampleThatCompiles(t *testing.T) {
	page, err := os.ReadFile("migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := bodies(t, "example_test.go")
	var seen []string
	for heading, after := range afters(string(page)) {
		name := exampleOf(heading)
		seen = append(seen, name)
		if body, ok := examples[name]; !ok {
			t.Errorf("%q has no Example_%s", heading, name)
		} else if !strings.Contains(flush(body), flush(after)) {
			t.Errorf("the code under %q is not that of Example_%s:\n%s", heading, name, after)
		}
	}
	for name := range examples {
		if !slices.Contains(seen, name) {
			t.Errorf("Example_%s is not in the page", name)
		}
	}
}
