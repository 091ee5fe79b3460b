package processtest

import (
	"testing"

	"dappco.re/go/cloche/fs"
)

// Fixture returns an Fs in memory that holds the files of a txtar archive, which
// ends with the test. Beside plain files, the archive may hold what Tree writes.
func Fixture(t testing.TB, archive string, opts ...fs.MemoryOption) *fs.Fs {
	t.Helper()
	f := fs.Memory(opts...)
	t.Cleanup(func() { _ = f.Close() })
	found, err := parseArchive([]byte(archive))
	if err == nil {
		err = found.addTo(f)
	}
	if err != nil {
		t.Fatalf("the fixture: %v", err)
	}
	return f
}

// Tree returns all that f holds as a txtar archive, sorted by path, for a test to
// compare. Fixture makes the same files of it. Modes and times are left out.
//
//	-- dir/file --
//	text that ends in a newline
//	-- picture (quoted) --
//	"any other content, as Go strings,\n"
//	"one for each line of it\xff"
//	-- link -> target --
//	-- empty directory/ --
//
// A path that could be taken for more than a path is written as a Go string. One
// that is not UTF-8 fails the test, as does what is neither file, directory nor
// symlink.
func Tree(t testing.TB, f *fs.Fs) string {
	t.Helper()
	found, err := readTree(f)
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	return string(found.condensed().format(""))
}
