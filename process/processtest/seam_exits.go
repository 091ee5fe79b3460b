package processtest

import (
	"strconv"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
)

var exitCases = []testCase{
	{"EveryExitCodeOfAByteArrives", func(t *testing.T, b Backend) {
		for code := range 256 {
			exit, _, _ := run(t, b, process.Spec{Args: []string{"exit", strconv.Itoa(code)}})
			assert.Equal(t, code, exit.Code)
			assert.NoError(t, exit.Reason)
			assert.Empty(t, exit.Signal)
		}
	}},
	{"WiderExitCodesArriveAsTheBackendSays", func(t *testing.T, b Backend) {
		for _, code := range []int{-1, 256, 257, -137, 1 << 30} {
			want := code
			if !b.WideExit {
				want = code & 0xff
			}
			exit, _, _ := run(t, b, process.Spec{Args: []string{"exit", strconv.Itoa(code)}})
			assert.Equal(t, want, exit.Code)
			assert.NoError(t, exit.Reason, "%d was taken for something else", code)
		}
	}},
	{"APanicExitsTwoAndIsTold", func(t *testing.T, b Backend) {
		exit, stdout, stderr := run(t, b, process.Spec{Args: []string{"panic"}})
		assert.Equal(t, 2, exit.Code)
		assert.NoError(t, exit.Reason)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, "panic: deliberate\n")
		assert.Contains(t, stderr, "main.main")
	}},
	{"MemoryIsThereToUse", func(t *testing.T, b Backend) {
		assert.Equal(t, strconv.Itoa(64<<20), succeed(t, b, process.Spec{Args: []string{"alloc", "64"}}))
	}},
}
