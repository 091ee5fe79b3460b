package cli

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatTheGuestLeavesUnreadIsTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHandover(strings.NewReader("guest\nanswer\n"))
	p := make([]byte, len("guest\n"))
	_, err := io.ReadFull(h, p)
	require.NoError(t, err)
	rest, err := io.ReadAll(h.take())
	require.NoError(t, err)
	assert.Equal(t, "answer\n", string(rest))
}

func TestAReadThatOutlivesTheGuestDoesNotSwallowTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, person := io.Pipe()
		h := newHandover(in)
		guest := make(chan error)
		go func() {
			_, err := h.Read(make([]byte, 100))
			guest <- err
		}()
		synctest.Wait() // the guest's Read is under way

		rest := h.take()
		assert.Equal(t, io.EOF, <-guest)
		go person.Write([]byte("yes\n"))
		p := make([]byte, 100)
		n, err := rest.Read(p)
		require.NoError(t, err)
		assert.Equal(t, "yes\n", string(p[:n]))
		_, err = h.Read(p)
		assert.Equal(t, io.EOF, err)
	})
}
