package process_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"dappco.re/go/cloche/process"
)

func TestALimitErrorHasItsUnitAndTheErrnoThatTheProcessGot(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*process.LimitError{
		"output limit of 10 bytes exceeded":     {Limit: process.LimitOutput, Max: 10},
		"file size limit of 10 bytes exceeded":  {Limit: process.LimitFileSize, Max: 10, Errno: syscall.EFBIG},
		"written limit of 10 bytes exceeded":    {Limit: process.LimitWritten, Max: 10, Errno: syscall.EDQUOT},
		"fuel limit of 10 exceeded":             {Limit: process.LimitFuel, Max: 10},
		"processes limit of 8 exceeded":         {Limit: process.LimitProcesses, Max: 8, Errno: syscall.EAGAIN},
		"descriptors limit of 64 exceeded":      {Limit: process.LimitDescriptors, Max: 64, Errno: syscall.EMFILE},
		"created limit of 3 exceeded":           {Limit: process.LimitCreated, Max: 3, Errno: syscall.EDQUOT},
		"depth limit of 3 exceeded":             {Limit: process.LimitDepth, Max: 3, Errno: syscall.ENAMETOOLONG},
		"path length limit of 9 bytes exceeded": {Limit: process.LimitPathLength, Max: 9, Errno: syscall.ENAMETOOLONG},
	} {
		assert.EqualError(t, e, want)
		_, ok := errors.AsType[syscall.Errno](e)
		assert.Equal(t, e.Errno != 0, ok, want)
		denied := &process.DeniedError{Op: "write", Path: "/f", Err: e}
		if e.Errno != 0 {
			assert.ErrorIs(t, denied, e.Errno)
		}
	}
}
