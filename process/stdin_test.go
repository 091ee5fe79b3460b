package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPumpPassesEveryByteAndTheEnd(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789\r\n\x00\xff"), 100_000)
	for name, from := range map[string]io.Reader{
		"plain":          bytes.NewReader(want),
		"half reads":     iotest.HalfReader(bytes.NewReader(want)),
		"data with EOF":  iotest.DataErrReader(bytes.NewReader(want)),
		"empty reads":    &hesitant{r: bytes.NewReader(want)},
		"larger buffers": io.MultiReader(bytes.NewReader(want[:5]), bytes.NewReader(want[5:])),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPump(from, func(err error) { t.Error(err) })
			got, err := io.ReadAll(p)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
			require.NoError(t, p.Close())
		})
	}
}

// hesitant answers every other Read with nothing at all, as io.Reader allows.
type hesitant struct {
	r    io.Reader
	turn bool
}

func (h *hesitant) Read(b []byte) (int, error) {
	if h.turn = !h.turn; h.turn {
		return 0, nil
	}
	return h.r.Read(b)
}

func TestPumpGivesUpOnAReaderThatAnswersNothing(t *testing.T) {
	t.Parallel()
	var told error
	p := newPump(nothing{}, func(err error) { told = err })
	_, err := p.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.ErrNoProgress)
	require.ErrorIs(t, told, io.ErrNoProgress)
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestPumpTakesNoMoreThanWasRead(t *testing.T) {
	t.Parallel()
	from := strings.NewReader("for the process, for the caller")
	p := newPump(from, nil)
	require.Equal(t, 31, from.Len(), "nothing is read before the process reads")
	_, err := io.ReadFull(p, make([]byte, len("for the process")))
	require.NoError(t, err)
	require.NoError(t, p.Close())
	rest, err := io.ReadAll(from)
	require.NoError(t, err)
	require.Equal(t, ", for the caller", string(rest))
}

func TestPumpCloseUnblocksARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from, write := io.Pipe()
		p := newPump(from, nil)
		result := make(chan error)
		go func() {
			_, err := p.Read(make([]byte, 1))
			result <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-result, io.ErrClosedPipe)
		write.Close() // only now does the reader return, and its goroutine with it
	})
}

func TestPumpInterruptsAReaderThatHasDeadlines(t *testing.T) {
	t.Parallel()
	from, write, err := os.Pipe()
	require.NoError(t, err)
	defer from.Close()
	defer write.Close()
	p := newPump(from, nil)
	result := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		result <- err
	}()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.reading
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Close())
	require.ErrorIs(t, <-result, io.ErrClosedPipe)
	<-p.idle // no goroutine is left, and the reader is the caller's again:
	_, err = write.WriteString("x")
	require.NoError(t, err)
	n, err := from.Read(make([]byte, 1))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestPumpTellsTheReadersError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	var told error
	p := newPump(iotest.ErrReader(broken), func(err error) { told = err })
	_, err := p.Read(make([]byte, 1))
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, told, broken)
	_, err = p.Read(make([]byte, 1))
	require.ErrorIs(t, err, broken, "and again")
	require.NoError(t, p.Close())
}

func TestPipePassesEveryByteWhateverTheSizes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		writes := rapid.SliceOfN(rapid.IntRange(0, 100_000), 0, 8).Draw(t, "writes")
		p := newPipe()
		var want bytes.Buffer
		go func() {
			defer p.end()
			for i, n := range writes {
				p.write(context.Background(), bytes.Repeat([]byte{byte('a' + i)}, n))
			}
		}()
		for i, n := range writes {
			want.Write(bytes.Repeat([]byte{byte('a' + i)}, n))
		}
		got, err := io.ReadAll(p)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want.Bytes(), got))
	})
}

func TestPipeWriteWaitsForRoomUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := newPipe()
		n, err := p.write(ctx, make([]byte, pipeSize+1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, pipeSize, n)
	})
}

func TestPipeWriteEndsWhenTheReaderIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		result := make(chan error)
		go func() {
			_, err := p.write(t.Context(), make([]byte, pipeSize+1))
			result <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-result, io.ErrClosedPipe)
		_, err := p.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
}
