// Package rebuild builds the userland's module from its source, the same bytes wherever it runs, and packs it for embedding. It is for
// `go generate` and for the test that proves the embedded module; the library never builds anything.
package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Module builds the module in dir for WASI preview 1. What could change the result is pinned: the toolchain, from go.mod, and all settings
// that the environment or `go env -w` could bring. It is built in a directory of its own, which -trimpath keeps out of the module.
func Module(ctx context.Context, dir string) ([]byte, error) {
	env, err := pinned(ctx, dir)
	if err != nil {
		return nil, err
	}
	out, err := os.MkdirTemp("", "userland")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	file := filepath.Join(out, "userland.wasm")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", file, ".")
	build.Dir = dir
	build.Env = append(env, "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build in %s: %w\n%s", dir, err, text)
	}
	return os.ReadFile(file)
}

// Names asks the program in dir, built for this machine, for the commands it has.
func Names(ctx context.Context, dir string) ([]string, error) {
	env, err := pinned(ctx, dir)
	if err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, "go", "run", ".", "--list")
	list.Dir, list.Env, list.Stderr = dir, env, os.Stderr
	text, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go run . --list in %s: %w", dir, err)
	}
	return strings.Fields(string(text)), nil
}

// kept are the settings that say where things are and not what they become.
var kept = []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY"}

func pinned(ctx context.Context, dir string) ([]string, error) {
	toolchain, err := toolchain(dir)
	if err != nil {
		return nil, err
	}
	ask := exec.CommandContext(ctx, "go", append([]string{"env"}, kept...)...)
	ask.Dir = dir
	text, err := ask.Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	env := []string{"GOENV=off", "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=" + toolchain}
	for i, value := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		env = append(env, kept[i]+"="+value)
	}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "GO") && !strings.HasPrefix(entry, "CGO_") {
			env = append(env, entry)
		}
	}
	return env, nil
}

// toolchain reads the toolchain line of the go.mod in dir.
func toolchain(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "toolchain "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", errors.New(filepath.Join(dir, "go.mod") + " has no toolchain line to pin the build by: add one")
}

// Pack compresses a module.
func Pack(module []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(module, nil), w.Close()
}

// Digest is the hexadecimal SHA-256 of a module.
func Digest(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}
