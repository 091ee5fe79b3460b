package processtest

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Program names of what Build makes.
const (
	testprog     = "testprog"
	testprogPath = "dappco.re/go/cloche/process/processtest/testprog"
)

// Build compiles the test program for the host and for wasip1, once per test
// run, and returns both files. It needs the go command. They stand in the user's
// cache folder under the digest of their source, so later runs find them there.
func Build(t testing.TB) (native, wasm string) {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatalf("building the test program: %v", err)
	}
	return filepath.Join(dir, nativeName()), filepath.Join(dir, testprog+".wasm")
}

func nativeName() string {
	if runtime.GOOS == "windows" {
		return testprog + ".exe"
	}
	return testprog
}

var build = sync.OnceValues(func() (string, error) {
	digest, err := sourceDigest()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "cloche-processtest", digest)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, buildInto(dir)
})

//go:embed testprog/*.go
var source embed.FS

// sourceDigest tells apart all that the programs are made from.
func sourceDigest() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	err := iofs.WalkDir(source, ".", func(path string, d iofs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := source.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:16]), err
}

// buildInto builds beside dir and renames, so that dir is never half done and
// test binaries that build at the same time do not meet.
func buildInto(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	err = errors.Join(
		compile(filepath.Join(tmp, nativeName()), runtime.GOOS, runtime.GOARCH),
		compile(filepath.Join(tmp, testprog+".wasm"), "wasip1", "wasm"),
		os.Chmod(tmp, 0o755),
	)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, gone := os.Stat(dir); gone != nil {
			return err
		}
	}
	return nil
}

func compile(out, goos, goarch string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, testprogPath)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s/%s: %w\n%s", goos, goarch, err, said)
	}
	return nil
}
