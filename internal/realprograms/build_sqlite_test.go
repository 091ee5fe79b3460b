package realprograms

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sqliteNeeds holds what turns Debian's source package into a module: clang with
// the C library and runtime for WASI, and what SQLite's own build asks for.
var sqliteNeeds = need{
	commands: []string{"apt-get", "dpkg-source", "dpkg-query", "clang", "wasm-ld", "make", "cc", "tclsh", "sqlite3"},
	files:    []string{"/usr/include/wasm32-wasi/stdio.h", "/usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a"},
	install:  "clang lld wasi-libc libclang-rt-14-dev-wasm32 dpkg-dev make gcc libc6-dev tcl sqlite3",
}

// sqliteFlags leave out what WASI does not have: threads, dlopen, child
// processes, and memory shared between processes, which the WAL needs. Locks are
// folders, made by mkdir, because WASI has no fcntl locks.
var sqliteFlags = []string{
	"-DSQLITE_THREADSAFE=0",
	"-DSQLITE_OMIT_LOAD_EXTENSION",
	"-DSQLITE_OMIT_POPEN",
	"-DSQLITE_NOHAVE_SYSTEM",
	"-DSQLITE_OMIT_WAL",
	"-DSQLITE_MAX_MMAP_SIZE=0",
	`-DSQLITE_DEFAULT_UNIX_VFS="unix-dotfile"`,
	"-DSQLITE_ENABLE_MATH_FUNCTIONS",
	"-DHAVE_USLEEP=1",
	"-D_WASI_EMULATED_SIGNAL",
	"-D_WASI_EMULATED_GETPID",
	"-D_WASI_EMULATED_PROCESS_CLOCKS",
}

var sqliteLibs = []string{"-lwasi-emulated-signal", "-lwasi-emulated-getpid", "-lwasi-emulated-process-clocks"}

// buildSqlite makes the module of SQLite's shell. Its native twin is Debian's own
// sqlite3.
func buildSqlite(t *testing.T) program {
	t.Helper()
	sqliteNeeds.demand(t)
	headers, err := filepath.Abs("testdata/wasi")
	require.NoError(t, err)
	recipe := append(slices.Concat(sqliteFlags, sqliteLibs), readFile(t, "testdata/wasi/posix.h"), readFile(t, "testdata/wasi/pwd.h"))
	version, err := tool("", nil, "dpkg-query", "-W", "-f", "${Version}", "sqlite3")
	require.NoError(t, err)
	dir := built(t, key("sqlite", version, recipe...), func(dir string) error {
		return compileSqlite(dir, version, headers)
	})
	return program{name: "sqlite3", module: filepath.Join(dir, "sqlite3.wasm")}
}

// compileSqlite takes the source of that very version, so that module and
// native twin differ in nothing but the machine.
func compileSqlite(dir, version, headers string) error {
	scratch, err := os.MkdirTemp("", "sqlite-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := fetchSource(scratch, "sqlite3", version); err != nil {
		return err
	}
	if _, err := tool(scratch, nil, "./source/configure", "--disable-tcl", "--disable-readline"); err != nil {
		return err
	}
	if _, err := tool(scratch, nil, "make", "sqlite3.c", "shell.c"); err != nil {
		return err
	}
	args := slices.Concat(
		[]string{"--target=wasm32-wasi", "-Os", "-isystem", headers, "-include", filepath.Join(headers, "posix.h")},
		sqliteFlags,
		[]string{"shell.c", "sqlite3.c", "-o", filepath.Join(dir, "sqlite3.wasm")},
		sqliteLibs)
	_, err = tool(scratch, nil, "clang", args...)
	return err
}

// fetchSource unpacks a Debian source package into dir/source. The machine's apt
// knows where the binary package comes from but seldom offers sources, so this
// asks the same places for sources, with lists and caches of its own: the machine
// stays as it is.
func fetchSource(dir, name, version string) error {
	places, err := packagePlaces(name, version)
	if err != nil {
		return err
	}
	for _, folder := range []string{"lists/partial", "cache/archives/partial", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, "apt", folder), 0o755); err != nil {
			return err
		}
	}
	list := filepath.Join(dir, "apt", "sources.list")
	if err := os.WriteFile(list, []byte(strings.Join(places, "\n")), 0o644); err != nil {
		return err
	}
	apt := func(args ...string) error {
		private := []string{
			"--quiet",
			"-o", "Dir::Etc::SourceList=" + list,
			"-o", "Dir::Etc::SourceParts=" + filepath.Join(dir, "apt", "parts"),
			"-o", "Dir::State::Lists=" + filepath.Join(dir, "apt", "lists"),
			"-o", "Dir::Cache=" + filepath.Join(dir, "apt", "cache"),
			"-o", "APT::Sandbox::User=", // apt's own user may not enter dir
		}
		_, err := tool(dir, nil, "apt-get", append(private, args...)...)
		return err
	}
	if err := apt("update"); err != nil {
		return err
	}
	// What apt downloads it checks against the signed lists.
	if err := apt("source", "--download-only", name+"="+version); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.dsc"))
	if err != nil || len(found) != 1 {
		return errors.Join(err, fmt.Errorf("source of %s: %d .dsc files", name, len(found)))
	}
	_, err = tool(dir, nil, "dpkg-source", "--no-check", "-x", found[0], "source")
	return err
}

// packagePlaces tells where apt would get that version of a package, as lines
// of sources.list(5) that ask for sources.
func packagePlaces(name, version string) ([]string, error) {
	table, err := tool("", nil, "apt-cache", "madison", name)
	if err != nil {
		return nil, err
	}
	var places []string
	for line := range strings.Lines(table) {
		column := strings.Split(line, "|") // name | version | URI suite/component architecture kind
		if len(column) != 3 || strings.TrimSpace(column[1]) != version {
			continue
		}
		place := strings.Fields(column[2])
		if len(place) < 2 {
			continue
		}
		suite, component, _ := strings.Cut(place[1], "/")
		places = append(places, fmt.Sprintf("deb-src %s %s %s\n", place[0], suite, component))
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("apt offers no %s %s; run: apt-get update && apt-get install %s", name, version, name)
	}
	slices.Sort(places)
	return slices.Compact(places), nil
}
