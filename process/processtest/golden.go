package processtest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// Golden compares got with the file at path, which is relative to the package's
// directory, and fails the test with what differs. With update it writes got there
// instead. A flag is the usual way to ask for that; it belongs to the test:
//
//	var update = flag.Bool("update", false, "write the golden files anew")
func Golden(t testing.TB, update bool, path string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(want, got):
	case update:
		if err := writeHostFile(path, got); err != nil {
			t.Fatalf("writing the golden file: %v", err)
		}
		t.Logf("%s was written", path)
	case err != nil:
		t.Errorf("reading the golden file: %v; call Golden with update to write it", err)
	default:
		t.Errorf("the output differs from the golden file; if it is right, call Golden with update\n%s",
			compare(path, string(want), "got", string(got)))
	}
}

func writeHostFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// compare is a unified diff. What is not lines of text is compared as Go strings.
func compare(nameA, a, nameB, b string) []byte {
	if !legible(a) || !legible(b) {
		a, b = quoteLines(a), quoteLines(b)
	}
	return diff.Diff(nameA, []byte(a), nameB, []byte(b))
}
