package process

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// writes is an Executor whose processes write a number of bytes and end.
type writes int

func (n writes) Start(_ context.Context, s Spec) (Instance, error) {
	_, err := s.Stdout.Write(make([]byte, n))
	return n, err
}

func (writes) Wait() (Exit, error) { return Exit{}, nil }
func (writes) Signal(Signal) error { return nil }

// A buffer per process kept for ever.
func TestHistoryIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := New(writes(400))
	s.table.memory = 1000
	for range 5 {
		_, err := s.Run(t.Context(), Spec{Command: "x"})
		require.NoError(t, err)
	}
	require.Len(t, s.List(), 2)

	s.table.memory = 100
	out, err := s.Run(t.Context(), Spec{Command: "x"})
	require.NoError(t, err)
	require.Len(t, s.List(), 1, "the latest is kept whatever its size")
	require.Len(t, out.Stdout, 400)
}
