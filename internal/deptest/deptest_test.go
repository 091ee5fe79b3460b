package deptest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func TestTheModuleKeepsItsImportRules(t *testing.T) {
	t.Parallel()
	sources := parseAll(t, root)
	require.NotEmpty(t, sources)
	g := load(t, root, sources)
	require.Contains(t, g, "./core", "the graph is read")
	require.Contains(t, g["./core"].imports, "./fs", "the graph is read")

	broken := checkAll(g)
	for _, s := range sources {
		broken = append(broken, checkInit(s)...)
		broken = append(broken, checkIOFS(s)...)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

func checkAll(g graph) (broken []string) {
	for _, r := range allowed {
		broken = append(broken, r.check(g)...)
	}
	for _, r := range forbidden {
		broken = append(broken, r.check(g)...)
	}
	for _, r := range exclusive {
		broken = append(broken, r.check(g)...)
	}
	broken = append(broken, checkCgo(g)...)
	return append(broken, checkStale(g)...)
}

// complete is a tree as it should be.
func complete() graph {
	return graph{
		"./fs":                           {imports: list("os", "golang.org/x/sys/unix")},
		"./core":                         {imports: list("./fs", "context")},
		"./process":                      {imports: list("./core", "./fs")},
		"./process/processtest":          {imports: list("./process", "testing", "github.com/rogpeppe/go-internal/txtar")},
		"./process/supervise":            {imports: list("./process", "./fs", "net/http")},
		"./process/native":               {imports: list("./process", "os/exec", "github.com/creack/pty")},
		"./process/wasm":                 {imports: list("./process", "./process/wasm/internal/wasi", "github.com/tetratelabs/wazero")},
		"./process/wasm/internal/wasi":   {imports: list("./process/wasm/internal/kernel", "github.com/tetratelabs/wazero/api")},
		"./process/wasm/internal/kernel": {imports: list("./fs", "sync")},
		"./process/wasm/userland":        {imports: list("./process/wasm", "embed")},
		"./internal/cli":                 {imports: list("./process/native", "./process/wasm", "./process/wasm/userland", "./internal/hermetic")},
		"./internal/hermetic":            {imports: list("./fs", "./process", "./internal/reapi")},
		"./cmd/cloche":                   {imports: list("./internal/cli", "os")},
		"./internal/deptest":             {},
		"golang.org/x/sys/unix":          {imports: list("syscall")},
		"github.com/tetratelabs/wazero":  {},
		"github.com/creack/pty":          {imports: list("os/exec")},
		"os/exec":                        {standard: true},
		"net":                            {standard: true, cgo: true},
	}
}

func TestTheRulesLetTheTreeOfTheDesignPass(t *testing.T) {
	t.Parallel()
	assert.Empty(t, checkAll(complete()))
}

func TestTheRulesCatchAnImportThatBreaksThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, to, want string }{
		{"./core", "./process", "./core imports ./process, which is not on its list"},
		{"./core", "./process/native", "./core -> ./process/native: a Core"},
		{"./core", "github.com/tetratelabs/wazero", "./core -> github.com/tetratelabs/wazero: a Core"},
		{"./core", "os/exec", "./core -> os/exec: a Core"},
		{"./fs", "os/exec", "./core -> ./fs -> os/exec: a Core"},
		{"./fs", "github.com/google/uuid", "./fs imports github.com/google/uuid, which is not on its list"},
		{"golang.org/x/sys/unix", "os/exec", "./fs -> golang.org/x/sys/unix -> os/exec: the filesystem"},
		{"./process", "./process/wasm", "./process -> ./process/wasm: which backend"},
		{"./process", "github.com/tetratelabs/wazero/api", "./process imports github.com/tetratelabs/wazero/api, which is for"},
		{"./process/processtest", "./process/native", "./process/processtest -> ./process/native"},
		{"./process/supervise", "./process/native", "./process/supervise imports ./process/native, which is not on its list"},
		{"./process/native", "./process/wasm", "./process/native -> ./process/wasm: a program"},
		{"./process/native", "github.com/tetratelabs/wazero", "./process/native -> github.com/tetratelabs/wazero: a program"},
		{"./process/wasm", "./process/native", "./process/wasm -> ./process/native: a sandbox"},
		{"./internal/cli", "github.com/creack/pty", "./internal/cli imports github.com/creack/pty, which is for ./process/native/... alone"},
		{"./process/wasm/internal/wasi", "os/exec", "./process/wasm/internal/wasi imports os/exec, which is for ./process/native/... and"},
		{"github.com/tetratelabs/wazero", "os/exec", "./process/wasm -> github.com/tetratelabs/wazero -> os/exec: a sandbox"},
		{"./process/wasm", "./process/wasm/userland", "./process/wasm -> ./process/wasm/userland: only a program"},
		{"./process/wasm/internal/kernel", "github.com/tetratelabs/wazero/api", "./process/wasm/internal/kernel imports github.com/tetratelabs/wazero/api, which is not"},
		{"./internal/cli", "os/exec", "./internal/cli imports os/exec, which is for ./process/native/... and"},
		{"./cmd/cloche", "./process", "./cmd/cloche imports ./process, which is not on its list"},
		{"./process", "./internal/cli", "./process imports ./internal/cli, which is for ./cmd/cloche"},
		{"./fs", "testing", "./fs -> testing: users carry"},
		{"./core", "github.com/stretchr/testify/assert", "./core -> github.com/stretchr/testify/assert: users carry"},
		{"./process/wasm", "github.com/rogpeppe/go-internal/txtar", "./process/wasm -> github.com/rogpeppe/go-internal/txtar: users carry"},
		{"./fs", "C", "./fs uses cgo"},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			t.Parallel()
			g := complete()
			g.node(test.from).add(test.to)
			assert.True(t, hasPrefixed(checkAll(g), test.want), "%q", checkAll(g))
		})
	}
}

func TestTheRulesCatchCgoInADependency(t *testing.T) {
	t.Parallel()
	g := complete()
	g["golang.org/x/sys/unix"].cgo = true
	assert.True(t, hasPrefixed(checkAll(g), "golang.org/x/sys/unix uses cgo"))
}

func TestARuleAboutAMissingPackageIsStaleOnlyInACompleteTree(t *testing.T) {
	t.Parallel()
	g := complete()
	delete(g, "./process/native")
	assert.Equal(t, []string{"a rule names ./process/native/..., but there is no such package"}, checkAll(g))
	delete(g, "./cmd/cloche")
	assert.Empty(t, checkAll(g))
}

func TestEveryRowHasAReason(t *testing.T) {
	t.Parallel()
	for _, r := range allowed {
		assert.NotEmpty(t, r.reason, r.pkgs)
	}
	for _, r := range forbidden {
		assert.NotEmpty(t, r.reason, r.pkgs)
	}
	for _, r := range exclusive {
		assert.NotEmpty(t, r.reason, r.pkg)
	}
}

func TestTheRulesCatchWhatASourceFileMustNotHave(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, text  string
		init, iofs  int
		wantIgnored bool
	}{
		"init":              {"fs/x.go", "package fs\nfunc init() {}\nfunc init() {}", 2, 0, false},
		"method init":       {"fs/x.go", "package fs\ntype t int\nfunc (t) init() {}", 0, 0, false},
		"init in a test":    {"fs/x_test.go", "package fs\nfunc init() {}", 0, 0, false},
		"plain io/fs":       {"fs/x.go", "package fs\nimport \"io/fs\"\nvar _ fs.FS", 0, 1, false},
		"misnamed io/fs":    {"fs/x_test.go", "package fs\nimport stdfs \"io/fs\"\nvar _ stdfs.FS", 0, 1, false},
		"named io/fs":       {"fs/x.go", "package fs\nimport iofs \"io/fs\"\nvar _ iofs.FS", 0, 0, false},
		"ignored":           {"fs/x.go", "//go:build ignore\n\npackage main\nfunc init() {}", 1, 0, true},
		"ignored elsewhere": {"fs/x.go", "//go:build !linux || ignore\n\npackage fs", 0, 0, true},
		"other systems":     {"fs/x.go", "//go:build !linux\n\npackage fs", 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(test.file, test.text)
			require.NoError(t, err)
			assert.Equal(t, "./fs", s.pkg)
			assert.Len(t, checkInit(s), test.init)
			assert.Len(t, checkIOFS(s), test.iofs)
			assert.Equal(t, test.wantIgnored, s.isIgnored())
		})
	}
}

func TestImportsOfTestFilesDoNotCount(t *testing.T) {
	t.Parallel()
	const text = "package fs\nimport \"os/exec\"\nvar _ exec.Cmd"
	plain, err := parse("fs/x.go", text)
	require.NoError(t, err)
	test, err := parse("fs/x_test.go", text)
	require.NoError(t, err)
	assert.Equal(t, []string{"os/exec"}, plain.imports())
	assert.Empty(t, test.imports())
}

func hasPrefixed(lines []string, prefix string) bool {
	for _, line := range lines {
		if len(line) >= len(prefix) && line[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}
