package wasi_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// meant are the lines of testdata/wasm/posix.c that are meant to differ, as the host
// and as a guest tells them.
var meant = map[string]string{
	// wasi-libc's opendir has read the first entries when it returns, so the
	// directory was not removed yet.
	`0 entries, 0:`: `2 entries, 0: . ..`,
	// Linux appends what pwrite(2) is told to write elsewhere, which its manual
	// calls a bug.
	`file holds 12:Gbcd\0\0\0\0EFHP`: `file holds 11:Pbcd\0\0\0\0EFH`,
	// wasi-libc opens a file without the rights that its mode does not need, and
	// WASI has a word for that.
	`ftruncate(fd, 0): -1 EINVAL`: `ftruncate(fd, 0): -1 ENOTCAPABLE`,
	// WASI has no word for a pipe.
	`stdin is of kind pipe`: `stdin is of kind unknown`,
}

// TestAPOSIXProgramTellsTheSameAsOnTheHost runs one C program on the host and as a
// guest, each in a directory of its own.
func TestAPOSIXProgramTellsTheSameAsOnTheHost(t *testing.T) {
	t.Parallel()
	onHost := filepath.Join(t.TempDir(), "root")
	inGuest := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Mkdir(onHost, 0o755))
	require.NoError(t, os.Mkdir(inGuest, 0o755))

	program := filepath.Join(t.TempDir(), "posix")
	source := filepath.Join("..", "..", "..", "..", "testdata", "wasm", "posix.c")
	said, err := exec.CommandContext(t.Context(), compiler(t), "-D_GNU_SOURCE", "-o", program, source).CombinedOutput()
	require.NoError(t, err, "%s", said)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = onHost
	cmd.Stdin = strings.NewReader("input")
	native, err := cmd.Output()
	require.NoError(t, err)

	root, err := fs.New(inGuest)
	require.NoError(t, err)
	var guests bytes.Buffer
	got := newHost(t).run(t, guest(t, "posix.wasm"), kernel.Config{
		Args:   []string{"posix"},
		Root:   root,
		Stdin:  io.NopCloser(strings.NewReader("input")),
		Stdout: &guests,
	})
	require.NoError(t, got.err)
	require.Zero(t, got.code)

	lines := strings.Split(string(native), "\n")
	differ := map[string]string{}
	for i, line := range strings.Split(guests.String(), "\n") {
		require.Less(t, i, len(lines))
		if line != lines[i] {
			differ[lines[i]] = line
		}
	}
	assert.Equal(t, meant, differ)
	assert.Equal(t, described(t, onHost), described(t, inGuest))
}

// compiler is a C compiler for the host.
func compiler(t *testing.T) string {
	for _, name := range []string{"cc", "clang", "gcc"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CLOCHE_CI") != "" {
		t.Fatal("no C compiler")
	}
	t.Skip("no C compiler")
	return ""
}
