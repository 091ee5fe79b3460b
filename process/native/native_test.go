package native

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain also plays the programs that tests start, as package os/exec's does.
func TestMain(m *testing.M) {
	if play := roles[os.Getenv("CLOCHE_TEST_ROLE")]; play != nil {
		play()
		return
	}
	goleak.VerifyTestMain(m)
}

func newBackend(t testing.TB) processtest.Backend {
	program, _ := processtest.Build(t)
	fsys, err := fs.New(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { fsys.Close() })
	holds := runtime.GOOS == "linux"
	posix := runtime.GOOS != "windows"
	var limits []string
	if holds {
		limits = []string{process.LimitDescriptors, process.LimitFileSize}
	}
	return processtest.Backend{
		Executor: New(fsys, WithPath([]string{filepath.Dir(program)})),
		Fs:       fsys,
		Command:  "testprog",
		Signals:  posix,
		Children: posix,
		Limits:   limits,
		Holds:    holds,
		Adopts:   holds,
		Terminal: hasTerminals,
		WideExit: !posix,
	}
}

func TestNativeKeepsTheContract(t *testing.T) { processtest.Run(t, newBackend) }

func TestNativeAgreesWithItself(t *testing.T) {
	processtest.Differential(t, newBackend, newBackend)
}

// Not parallel: it measures.
func TestMemoryStaysFlat(t *testing.T) {
	b := newBackend(t)
	processtest.Flat(t, b.Executor, processtest.Load{
		Short: process.Spec{Command: b.Command, Args: []string{"nothing"}}, Runs: 10_000,
		Long: process.Spec{Command: b.Command, Args: []string{"flood"}}, Bytes: 10 << 30,
	})
}
