package kernel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInputArrivesByteForByteAcrossChunks(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("0123456789abcde\x00", 3*inputChunk/16) + "end"
	p := start(t, Config{Stdin: io.NopCloser(strings.NewReader(want))})
	var got strings.Builder
	for {
		s, err := read(p, 0, 1000)
		require.NoError(t, err)
		if s == "" {
			break
		}
		got.WriteString(s)
	}
	assert.Equal(t, want, got.String())
}

func TestInputFillsAllBuffers(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Stdin: io.NopCloser(strings.NewReader("abcdef"))})
	a, b := make([]byte, 2), make([]byte, 3)
	n, err := p.Read(0, [][]byte{a, nil, b})
	require.NoError(t, err)
	assert.Equal(t, "ab|cde", string(a)+"|"+string(b))
	assert.Equal(t, 5, n)
}

func TestInputErrorComesAfterTheBytesBeforeIt(t *testing.T) {
	t.Parallel()
	src := io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(syscall.EIO))
	p := start(t, Config{Stdin: io.NopCloser(src)})
	got, err := read(p, 0, 10)
	require.NoError(t, err)
	assert.Equal(t, "ab", got)
	_, err = read(p, 0, 10)
	assert.Equal(t, syscall.EIO, err)
}

func TestInputThatNobodyAsksForIsNotRead(t *testing.T) {
	t.Parallel()
	src := strings.NewReader("for somebody else")
	p := start(t, Config{Stdin: io.NopCloser(src)})
	p.Close()
	assert.Equal(t, 17, src.Len())
}

func TestReaderThatReturnsNothingForEverIsAnError(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Stdin: io.NopCloser(readerFunc(func([]byte) (int, error) { return 0, nil }))})
	_, err := read(p, 0, 1)
	assert.Equal(t, io.ErrNoProgress, err)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestNonblockingReadAnswersEAGAIN(t *testing.T) {
	t.Parallel()
	r, w := stdin(t)
	p := start(t, Config{Stdin: r})
	require.NoError(t, p.SetFlags(0, FlagNonblock))
	_, err := read(p, 0, 1)
	assert.Equal(t, syscall.EAGAIN, err)
	go w.Write([]byte("x"))
	_, err = p.Poll([]Subscription{{Kind: EventRead}}, nil)
	require.NoError(t, err)
	got, err := read(p, 0, 1)
	require.NoError(t, err)
	assert.Equal(t, "x", got)
}

// The clock of a synctest bubble moves only when everything in it waits, so that
// no time has passed proves that nothing waited for a timer.
func TestBlockedCallsEndAtOnceWithTheContext(t *testing.T) {
	t.Parallel()
	hour := uint64(time.Hour)
	for name, call := range map[string]func(*Process) error{
		"read":          func(p *Process) error { _, err := read(p, 0, 1); return err },
		"write":         func(p *Process) error { _, err := p.Write(1, bufs("x")); return err },
		"sleep":         func(p *Process) error { _, err := p.Poll([]Subscription{{Timeout: hour}}, nil); return err },
		"poll of stdin": func(p *Process) error { _, err := p.Poll([]Subscription{{Kind: EventRead}}, nil); return err },
		"poll of both": func(p *Process) error {
			_, err := p.Poll([]Subscription{{Kind: EventRead}, {Timeout: hour}}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				r, w := io.Pipe()
				defer w.Close()
				blocked := make(chan struct{})
				p, err := New(ctx, Config{
					Stdin:  r,
					Stdout: writerFunc(func([]byte) (int, error) { <-blocked; return 0, io.ErrClosedPipe }),
				})
				require.NoError(t, err)
				began := time.Now()
				result := make(chan error, 1)
				go func() { result <- call(p) }()
				synctest.Wait()
				require.Empty(t, result, "the call does not block")
				cancel()
				assert.Equal(t, ErrStopped, <-result)
				assert.Zero(t, time.Since(began))
				close(blocked)
				p.Close()
			})
		})
	}
}

func TestCloseLeavesAWriterThatIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan struct{})
		p, err := New(ctx, Config{Stdout: writerFunc(func(b []byte) (int, error) { <-stuck; return len(b), nil })})
		require.NoError(t, err)
		go p.Write(1, bufs("x"))
		synctest.Wait()
		cancel()
		began := time.Now()
		synctest.Wait()
		p.Close()
		assert.Equal(t, closeGrace, time.Since(began))
		close(stuck)
	})
}

func TestCloseAwaitsAWriteThatIsAboutToReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var written bool
		p, err := New(ctx, Config{Stdout: writerFunc(func(b []byte) (int, error) {
			time.Sleep(closeGrace / 2)
			written = true
			return len(b), nil
		})})
		require.NoError(t, err)
		go p.Write(1, bufs("x"))
		synctest.Wait()
		cancel()
		synctest.Wait()
		p.Close()
		assert.True(t, written)
	})
}

func TestOutputKeepsItsOrderAndEveryByte(t *testing.T) {
	t.Parallel()
	var both bytes.Buffer
	p := start(t, Config{Stdout: &both, Stderr: &both})
	big := strings.Repeat("x", 2*outputChunk+5)
	for fd, parts := range [][]string{1: {"a", "", "b"}, 2: {"c"}} {
		if parts == nil {
			continue
		}
		_, err := p.Write(FD(fd), bufs(parts...))
		require.NoError(t, err)
	}
	n, err := p.Write(1, bufs("<", big, ">"))
	require.NoError(t, err)
	assert.Equal(t, len(big)+2, n)
	assert.Equal(t, "abc<"+big+">", both.String())
}

func TestOutputErrorReachesTheWriteThatCausedIt(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Stdout: writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC })})
	for range 2 {
		_, err := p.Write(1, bufs("x"))
		assert.Equal(t, syscall.ENOSPC, err)
	}
}

func TestOutputErrorAfterSomeBytesIsToldByTheNextWrite(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	p := start(t, Config{Stdout: writerFunc(func([]byte) (int, error) { return 2, broken })})
	n, err := p.Write(1, bufs("abc"))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	_, err = p.Write(1, bufs("c"))
	assert.Equal(t, broken, err)
}

func TestShortWriteWithoutAnErrorIsOne(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Stdout: writerFunc(func([]byte) (int, error) { return 0, nil })})
	_, err := p.Write(1, bufs("x"))
	assert.Equal(t, io.ErrShortWrite, err)
}

func TestOutputCopiesBeforeItHandsOver(t *testing.T) {
	t.Parallel()
	kept := make(chan []byte, 1)
	p := start(t, Config{Stdout: writerFunc(func(b []byte) (int, error) { kept <- b; return len(b), nil })})
	memory := []byte("guest")
	_, err := p.Write(1, [][]byte{memory})
	require.NoError(t, err)
	copy(memory, "other")
	assert.Equal(t, "guest", string(<-kept))
}

func TestStreamsRefuseTheOtherDirection(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	_, err := read(p, 1, 1)
	assert.Equal(t, syscall.EBADF, err)
	_, err = p.Write(0, bufs("x"))
	assert.Equal(t, syscall.EBADF, err)
	_, err = p.Seek(0, 0, SeekSet)
	assert.Equal(t, syscall.ESPIPE, err)
	_, err = p.ReadAt(0, bufs("x"), 0)
	assert.Equal(t, syscall.ESPIPE, err)
	_, err = p.WriteAt(1, bufs("x"), 0)
	assert.Equal(t, syscall.ESPIPE, err)
	assert.Equal(t, syscall.EINVAL, p.Sync(1, true))
}

func TestClosingStdinClosesItsSource(t *testing.T) {
	t.Parallel()
	r, w := stdin(t)
	p := start(t, Config{Stdin: r})
	require.NoError(t, p.CloseFD(0))
	_, err := w.Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}
