package process_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
)

// followed is what a follower got of one stream: every byte at its offset, or
// none where there was a gap.
type followed struct {
	data []byte
	gaps []gap
}

type gap struct{ at, n int64 }

func (f *followed) take(t require.TestingT, e process.OutputEvent) {
	next := int64(len(f.data))
	require.Equal(t, next+e.Missing, e.Offset, "an event begins where the last one ended")
	require.LessOrEqual(t, len(e.Data), 32<<10)
	if e.Missing > 0 {
		f.gaps = append(f.gaps, gap{next, e.Missing})
		f.data = append(f.data, make([]byte, e.Missing)...)
	}
	f.data = append(f.data, e.Data...)
}

// requireIs compares it with all that was written to the stream.
func (f *followed) requireIs(t require.TestingT, all []byte) {
	want := bytes.Clone(all)
	for _, g := range f.gaps {
		clear(want[g.at : g.at+g.n])
	}
	require.True(t, bytes.Equal(want, f.data))
}

func follow(t require.TestingT, events iter.Seq[process.OutputEvent]) (stdout, stderr followed) {
	for e := range events {
		if e.Stream == process.Stdout {
			stdout.take(t, e)
		} else {
			stderr.take(t, e)
		}
	}
	return stdout, stderr
}

func TestWhatAFollowerGotAndItsGapsAreTheStream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		capture := rapid.IntRange(-1, 300_000).Draw(t, "capture")
		merge := rapid.Bool().Draw(t, "merge")
		sizes := rapid.SliceOf(rapid.IntRange(0, 100_000)).Draw(t, "writes")
		steps := rapid.SliceOfN(rapid.IntRange(0, 3), len(sizes), len(sizes)).Draw(t, "reads after each")
		var all [2][]byte
		turn, next := make(chan []byte), make(chan bool)
		s := process.New(processtest.Fake{"write": func(p *processtest.Process) int {
			for i := 0; ; i++ {
				data, ok := <-turn
				if !ok {
					return 0
				}
				[]io.Writer{p.Stdout, p.Stderr}[i%2].Write(data)
				next <- true
			}
		}})
		h, err := s.Start(context.Background(), process.Spec{Command: "write", Capture: capture, Merge: merge})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		pull, stop := iter.Pull(h.Follow(ctx))
		defer stop()
		var got [2]followed
		for i, n := range sizes {
			data := bytes.Repeat([]byte{byte('a' + i%26), byte(i)}, n/2+1)[:n]
			of := i % 2
			if merge {
				of = 0
			}
			all[of] = append(all[of], data...)
			turn <- data
			<-next
			for range steps[i] { // as slowly as that, and never so that it would wait
				if len(got[0].data)+len(got[1].data) == len(all[0])+len(all[1]) {
					break
				}
				e, ok := pull()
				require.True(t, ok)
				got[indexOf(e.Stream)].take(t, e)
			}
		}
		close(turn)
		for e, ok := pull(); ok; e, ok = pull() {
			got[indexOf(e.Stream)].take(t, e)
		}
		var late [2]followed
		late[0], late[1] = follow(t, h.Follow(ctx))
		for i := range all {
			got[i].requireIs(t, all[i])
			late[i].requireIs(t, all[i])
			require.LessOrEqual(t, len(late[i].gaps), 1, "of an ended process only the middle is gone")
		}
	})
}

func indexOf(s process.Stream) int {
	if s == process.Stderr {
		return 1
	}
	return 0
}

func TestAFollowerGetsEveryByteWhenever(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]byte{
		"a line of 1 MB":   bytes.Repeat([]byte("x"), 1<<20),
		"carriage returns": []byte("10%\r50%\r100%\r\nno newline"),
		"binary":           {0, 0xff, '\n', 0xc3, 0x28, 0, '\r', '\n', 0},
		"nothing":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, process.New(programs), process.Spec{Command: "cat", OpenStdin: true})
			live := make(chan followed)
			go func() {
				got, _ := follow(t, h.Follow(t.Context()))
				live <- got
			}()
			_, err := h.Stdin().Write(want)
			require.NoError(t, err)
			require.NoError(t, h.Stdin().Close())
			got := <-live
			got.requireIs(t, want)
			require.True(t, h.Info().Status.Ended(), "it goes on to the end")

			got, _ = follow(t, h.Follow(t.Context()))
			got.requireIs(t, want)
			require.Empty(t, got.gaps)
		})
	}
}

func TestAFollowerSeesOutputAsItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "cat", OpenStdin: true})
		pull, stop := iter.Pull(h.Follow(t.Context()))
		defer stop()
		offset := int64(0)
		for _, word := range []string{"one", "two\n"} {
			time.AfterFunc(time.Second, func() { io.WriteString(h.Stdin(), word) })
			e, ok := pull()
			require.True(t, ok)
			require.Equal(t, process.OutputEvent{ID: h.ID(), Stream: process.Stdout, Offset: offset, Data: []byte(word)}, e)
			offset += int64(len(word))
		}
		time.AfterFunc(time.Second, func() { h.Stdin().Close() })
		_, ok := pull()
		require.False(t, ok)
	})
}

func TestMergedStreamsAreFollowedInTheirOrder(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "say", Args: []string{"a", "!b", "c"}, Merge: true})
	out, err := follow(t, h.Follow(t.Context()))
	out.requireIs(t, []byte("abc"))
	require.Empty(t, err.data)
}

func TestWhatWasDroppedIsAGap(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	for capture, want := range map[int][]process.OutputEvent{
		6:  {{Data: []byte("012")}, {Offset: 7, Data: []byte("789"), Missing: 4}},
		1:  {{Offset: 9, Data: []byte("9"), Missing: 9}},
		-1: {{Offset: 10, Missing: 10}},
	} {
		h := start(t, s, process.Spec{Command: "say", Args: []string{"0123456789"}, Capture: capture})
		exitOf(t, h)
		var got []process.OutputEvent
		for e := range h.Follow(t.Context()) {
			require.Equal(t, h.ID(), e.ID)
			got = append(got, process.OutputEvent{Offset: e.Offset, Data: e.Data, Missing: e.Missing})
		}
		require.Equal(t, want, got)
	}
}

func TestAHundredSlowFollowersMissNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		h := start(t, process.New(programs), process.Spec{Command: "cat", Stdin: bytes.NewReader(want), Capture: 2 << 20})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				var got followed
				for e := range h.Follow(t.Context()) {
					got.take(t, e)
					time.Sleep(time.Duration(i) * time.Second)
				}
				got.requireIs(t, want)
				assert.Empty(t, got.gaps)
			})
		}
		exitOf(t, h)
		require.Zero(t, h.Info().Duration, "nobody had to be waited for")
		all.Wait()
	})
}

func TestAFollowerThatNeverReadsHoldsUpNothing(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "flood", Limits: process.Limits{Output: 10 << 20}})
	pull, stop := iter.Pull(h.Follow(t.Context()))
	pull()
	defer stop()
	h.Follow(t.Context()) // not even begun
	exit := exitOf(t, h)
	require.Equal(t, int64(10<<20), exit.Usage.Output)
}

func TestFollowingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, process.New(programs), process.Spec{Command: "stubborn", GracePeriod: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		for range h.Follow(ctx) {
			t.Error("there is no output")
		}
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, process.Running, h.Info().Status)
		require.NoError(t, h.Kill(t.Context()))
	})
}

func TestFollowingAFloodEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "flood", GracePeriod: -1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range h.Follow(ctx) {
		cancel()
	}
	require.NoError(t, h.Kill(t.Context()))
}

func TestFollowingMayBeBrokenOffAndBegunAnew(t *testing.T) {
	t.Parallel()
	h := start(t, process.New(programs), process.Spec{Command: "say", Args: []string{"out", "!err"}})
	exitOf(t, h)
	events := h.Follow(t.Context())
	for e := range events {
		require.Equal(t, "out", string(e.Data))
		break
	}
	out, err := follow(t, events)
	require.Equal(t, "out", string(out.data))
	require.Equal(t, "err", string(err.data))
}

func TestAProcessThatNeverRanHasNothingToFollow(t *testing.T) {
	t.Parallel()
	s := process.New(programs)
	_, err := s.Start(t.Context(), process.Spec{Command: "nosuch"})
	require.Error(t, err)
	h, ok := s.Get(s.List()[0].ID)
	require.True(t, ok)
	for range h.Follow(t.Context()) {
		t.Error("it never ran")
	}
}
