// Command build makes the module that package userland embeds. With the Go
// release that it names, the same sources give the same bytes on every machine.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// toolchain is the one release that the embedded module is built with.
const toolchain = "go1.26.8"

func main() {
	if err := build(filepath.Join("..", "userland.wasm")); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(out string) error {
	dir, err := os.MkdirTemp("", "userland")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module := filepath.Join(dir, "userland.wasm")
	if err := compile(module); err != nil {
		return err
	}
	plain, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	packed, err := compress(plain)
	if err != nil {
		return err
	}
	digest := fmt.Sprintf("%x/%d\n", sha256.Sum256(plain), len(plain))
	if err := os.WriteFile(out+".digest", []byte(digest), 0o644); err != nil {
		return err
	}
	return os.WriteFile(out+".gz", packed, 0o644)
}

// compile leaves out all that differs from machine to machine: paths, version
// control, the linker's build id, and what the environment asks of the compiler.
func compile(module string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", module, ".")
	cmd.Env = append(without(os.Environ(), "GOFLAGS", "GOEXPERIMENT", "GOWASM", "GODEBUG", "GOFIPS140"),
		"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off", "GOTOOLCHAIN="+toolchain)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func without(env []string, names ...string) []string {
	var kept []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		drop := false
		for _, n := range names {
			drop = drop || n == name
		}
		if !drop {
			kept = append(kept, kv)
		}
	}
	return kept
}

func compress(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
