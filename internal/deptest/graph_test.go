package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// graph is what imports what. Packages of this module have a path that starts
// with "./".
type graph map[string]*node

type node struct {
	imports  []string
	standard bool
	cgo      bool
}

func (n *node) add(imports ...string) {
	n.imports = append(n.imports, imports...)
	slices.Sort(n.imports)
	n.imports = slices.Compact(n.imports)
}

func (g graph) node(path string) *node {
	if g[path] == nil {
		g[path] = new(node)
	}
	return g[path]
}

// matching returns the packages that match the pattern, sorted.
func (g graph) matching(pattern string) []string {
	var found []string
	for path := range g {
		if matches(pattern, path) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return found
}

// way returns a shortest chain of imports from one package to one that matches
// the pattern, both ends included, or nil.
func (g graph) way(from, pattern string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && matches(pattern, at) {
			var way []string
			for ; at != ""; at = before[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
		if g[at] == nil {
			continue
		}
		for _, next := range g[at].imports {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// load reads the graph of the module at root.
func load(t *testing.T, root string, sources []source) graph {
	t.Helper()
	module := strings.TrimSpace(string(goList(t, root, "linux", "-m")))
	g := make(graph)
	for _, goos := range []string{"linux", "darwin", "windows"} {
		g.merge(t, module, goList(t, root, goos, "-e", "-deps", "-json=ImportPath,Standard,Imports,CgoFiles", "./..."))
	}
	for _, s := range sources {
		for _, path := range s.imports() {
			g.node(s.pkg).add(local(module, path))
		}
	}
	return g
}

func goList(t *testing.T, root, goos string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	// Cgo is on so that files that use it are not left out of sight.
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	return out
}

func (g graph) merge(t *testing.T, module string, listed []byte) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p struct {
			ImportPath string
			Standard   bool
			Imports    []string
			CgoFiles   []string
		}
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		n := g.node(local(module, p.ImportPath))
		n.standard = p.Standard
		n.cgo = n.cgo || len(p.CgoFiles) > 0
		for _, path := range p.Imports {
			n.add(local(module, path))
		}
	}
}

// local shortens the path of a package of this module.
func local(module, path string) string {
	if path == module {
		return "."
	}
	if inside, ok := strings.CutPrefix(path, module+"/"); ok {
		return "./" + inside
	}
	return path
}

// isStandard tells a package of the standard library by its name, as the go
// command does, for the fake graphs name only some.
func isStandard(g graph, path string) bool {
	if n := g[path]; n != nil && n.standard {
		return true
	}
	first, _, _ := strings.Cut(path, "/")
	return first != "." && !strings.Contains(first, ".")
}

type allowRule struct {
	pkgs    string
	imports []string
	reason  string
}

type forbidRule struct {
	pkgs   string
	except string
	reach  []string
	reason string
}

type exclusiveRule struct {
	pkg    string
	by     []string
	reason string
}

func (r allowRule) check(g graph) (broken []string) {
	for _, pkg := range g.matching(r.pkgs) {
		for _, path := range g[pkg].imports {
			if !isStandard(g, path) && !matchesAny(r.imports, path) {
				broken = append(broken, fmt.Sprintf("%s imports %s, which is not on its list: %s", pkg, path, r.reason))
			}
		}
	}
	return broken
}

func (r forbidRule) check(g graph) (broken []string) {
	for _, pkg := range g.matching(r.pkgs) {
		if r.except != "" && matches(r.except, pkg) {
			continue
		}
		for _, pattern := range r.reach {
			if way := g.way(pkg, pattern); way != nil {
				broken = append(broken, fmt.Sprintf("%s: %s", strings.Join(way, " -> "), r.reason))
			}
		}
	}
	return broken
}

func (r exclusiveRule) check(g graph) (broken []string) {
	for _, pkg := range g.matching("./...") {
		if matchesAny(r.by, pkg) || matches(r.pkg, pkg) {
			continue
		}
		for _, path := range g[pkg].imports {
			if matches(r.pkg, path) {
				broken = append(broken, fmt.Sprintf("%s imports %s, which is for %s alone: %s",
					pkg, path, strings.Join(r.by, " and "), r.reason))
			}
		}
	}
	return broken
}

// checkCgo finds cgo in this module and in all that it imports from elsewhere.
func checkCgo(g graph) (broken []string) {
	for path, n := range g {
		if !n.standard && (n.cgo || slices.Contains(n.imports, "C")) {
			broken = append(broken, path+" uses cgo: users build and cross-compile without a C compiler")
		}
	}
	slices.Sort(broken)
	return broken
}

// checkStale finds rules about packages that are not there, once the tree is
// complete, which it is when it has the command.
func checkStale(g graph) (stale []string) {
	if g["./cmd/cloche"] == nil {
		return nil
	}
	for _, pattern := range subjects() {
		if len(g.matching(pattern)) == 0 {
			stale = append(stale, "a rule names "+pattern+", but there is no such package")
		}
	}
	return stale
}

func subjects() (patterns []string) {
	for _, r := range allowed {
		patterns = append(patterns, r.pkgs)
	}
	for _, r := range forbidden {
		patterns = append(patterns, r.pkgs)
		if r.except != "" {
			patterns = append(patterns, r.except)
		}
	}
	for _, r := range exclusive {
		patterns = append(patterns, r.pkg)
		patterns = append(patterns, r.by...)
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}
