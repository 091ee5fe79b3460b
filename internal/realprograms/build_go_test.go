package realprograms

import (
	"path/filepath"
	"runtime"
	"testing"
)

// goProgram is the main package of a published Go module.
type goProgram struct {
	name    string
	pkg     string
	version string
}

var (
	shfmt = goProgram{name: "shfmt", pkg: "mvdan.cc/sh/v3/cmd/shfmt", version: "v3.14.1"}
	gojq  = goProgram{name: "gojq", pkg: "github.com/itchyny/gojq/cmd/gojq", version: "v0.12.17"}
)

// build makes the module and its native twin, side by side.
func (p goProgram) build(t *testing.T) program {
	t.Helper()
	need{commands: []string{"go"}, install: "golang"}.demand(t)
	dir := built(t, key(p.name, p.version, runtime.Version(), p.pkg), p.compile)
	return program{name: p.name, module: filepath.Join(dir, p.name+".wasm"), folder: dir}
}

// compile works in a module of its own, because a cross-compiling "go install"
// takes no GOBIN.
func (p goProgram) compile(dir string) error {
	const workspaceOff = "GOWORK=off"
	commands := []struct {
		env  []string
		args []string
	}{
		{nil, []string{"mod", "init", "scratch"}},
		{nil, []string{"get", p.pkg + "@" + p.version}},
		{[]string{"GOOS=wasip1", "GOARCH=wasm"}, []string{"build", "-trimpath", "-o", p.name + ".wasm", p.pkg}},
		{[]string{"CGO_ENABLED=0"}, []string{"build", "-trimpath", "-o", p.name, p.pkg}},
	}
	for _, c := range commands {
		if _, err := tool(dir, append(c.env, workspaceOff, "GOFLAGS="), "go", c.args...); err != nil {
			return err
		}
	}
	return nil
}
