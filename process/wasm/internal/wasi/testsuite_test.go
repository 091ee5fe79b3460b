package wasi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// suiteEnv names the folder of the public WASI test suite.
const suiteEnv = "CLOCHE_WASI_TESTSUITE"

// suiteSize is how many tests for preview 1 the suite has.
const suiteSize = 72

// expectation is the file beside a test that says how to run it.
type expectation struct {
	Args     []string          `json:"args"`
	Env      map[string]string `json:"env"`
	Root     string            `json:"root"`
	ExitCode uint32            `json:"exit_code"`
	Stdout   *string           `json:"stdout"`
	Stderr   *string           `json:"stderr"`
}

func TestPublicSuite(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(suiteEnv)
	if folder == "" {
		t.Skipf("set %s to a checkout of github.com/WebAssembly/wasi-testsuite, branch prod/testsuite-base", suiteEnv)
	}
	files, err := filepath.Glob(filepath.Join(folder, "tests", "*", "testsuite", "wasm32-wasip1", "*.wasm"))
	require.NoError(t, err)
	require.Len(t, files, suiteSize)
	host := newHost(t)
	for _, file := range files {
		language := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(file))))
		t.Run(language+"/"+strings.TrimSuffix(filepath.Base(file), ".wasm"), func(t *testing.T) {
			t.Parallel()
			runSuiteTest(t, host, file)
		})
	}
}

func runSuiteTest(t *testing.T, host *host, file string) {
	want := readExpectation(t, strings.TrimSuffix(file, ".wasm")+".json")
	code, err := os.ReadFile(file)
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	cfg := kernel.Config{
		Args:   append([]string{filepath.Base(file)}, want.Args...),
		Stdout: &stdout,
		Stderr: &stderr,
	}
	for k, v := range want.Env {
		cfg.Env = append(cfg.Env, k+"="+v)
	}
	if want.Root != "" {
		root := t.TempDir()
		require.NoError(t, os.CopyFS(root, os.DirFS(filepath.Join(filepath.Dir(file), want.Root))))
		cfg.Root, err = fs.New(root)
		require.NoError(t, err)
	}
	exit := host.run(t, code, cfg)
	require.Equal(t, want.ExitCode, exit.code, "stderr: %s\nerror: %v", &stderr, exit.err)
	if want.Stdout != nil {
		require.Equal(t, *want.Stdout, stdout.String())
	}
	if want.Stderr != nil {
		require.Equal(t, *want.Stderr, stderr.String())
	}
}

func readExpectation(t *testing.T, file string) (e expectation) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, iofs.ErrNotExist) {
		return e
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &e))
	return e
}
