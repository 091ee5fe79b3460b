package kernel

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPollWithoutSubscriptionsIsInvalid(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	_, err := p.Poll(nil, nil)
	assert.Equal(t, syscall.EINVAL, err)
	_, err = p.Poll(make([]Subscription, MaxSubscriptions+1), nil)
	assert.Equal(t, syscall.EINVAL, err)
}

func TestPollSleepsUntilTheFirstClock(t *testing.T) {
	t.Parallel()
	second := uint64(time.Second)
	for name, sub := range map[string]func(p *Process) Subscription{
		"relative": func(*Process) Subscription { return Subscription{Timeout: 2 * second} },
		"absolute monotonic": func(p *Process) Subscription {
			return Subscription{Absolute: true, Timeout: uint64(p.Clock().Monotonic()) + 2*second}
		},
		"absolute wall": func(p *Process) Subscription {
			return Subscription{Absolute: true, Wall: true, Timeout: uint64(p.Clock().Now().UnixNano()) + 2*second}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, err := New(t.Context(), Config{})
				require.NoError(t, err)
				defer p.Close()
				first := sub(p)
				first.Userdata = 7
				began := time.Now()
				events, err := p.Poll([]Subscription{{Timeout: 5 * second}, first}, nil)
				require.NoError(t, err)
				assert.Equal(t, []Event{{Userdata: 7, Kind: EventClock}}, events)
				assert.Equal(t, 2*time.Second, time.Since(began))
			})
		})
	}
}

func TestPollOfATimeThatIsPastReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := New(t.Context(), Config{})
		require.NoError(t, err)
		defer p.Close()
		began := time.Now()
		events, err := p.Poll([]Subscription{{Absolute: true, Wall: true, Timeout: 1}, {Timeout: 0}}, nil)
		require.NoError(t, err)
		assert.Len(t, events, 2)
		assert.Zero(t, time.Since(began))
	})
}

func TestPollWakesForInputBeforeTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		p, err := New(t.Context(), Config{Stdin: r})
		require.NoError(t, err)
		defer p.Close()
		go func() {
			time.Sleep(time.Second)
			w.Write([]byte("abc"))
		}()
		began := time.Now()
		events, err := p.Poll([]Subscription{{Timeout: uint64(time.Hour)}, {Userdata: 1, Kind: EventRead}}, nil)
		require.NoError(t, err)
		assert.Equal(t, []Event{{Userdata: 1, Kind: EventRead, Bytes: 3}}, events)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestPollTellsTheEndOfInput(t *testing.T) {
	t.Parallel()
	p := start(t, Config{})
	events, err := p.Poll([]Subscription{{Kind: EventRead}}, nil)
	require.NoError(t, err)
	assert.Equal(t, []Event{{Kind: EventRead, Hangup: true}}, events)
}

func TestPollOfFilesIsAlwaysTrue(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, map[string]string{"file": "12345"})
	p := start(t, Config{Root: f, Stdin: io.NopCloser(strings.NewReader(""))})
	fd := open(t, p, root, OpenRequest{Path: "file"})
	_, err := read(p, fd, 2)
	require.NoError(t, err)
	events, err := p.Poll([]Subscription{
		{Userdata: 1, Kind: EventRead, FD: fd},
		{Userdata: 2, Kind: EventWrite, FD: fd},
		{Userdata: 3, Kind: EventWrite, FD: 1},
	}, nil)
	require.NoError(t, err)
	require.Len(t, events, 3)
	assert.Equal(t, Event{Userdata: 1, Kind: EventRead, Bytes: 3}, events[0])
	assert.NoError(t, events[1].Err)
	assert.NoError(t, events[2].Err)
}

func TestPollAnswersWrongSubscriptionsAsEvents(t *testing.T) {
	t.Parallel()
	f, _ := tree(t, nil)
	p := start(t, Config{Root: f})
	events, err := p.Poll([]Subscription{
		{Kind: EventRead, FD: 99},
		{Kind: EventRead, FD: root},
		{Kind: EventWrite, FD: 0},
		{Err: syscall.EINVAL},
	}, nil)
	require.NoError(t, err)
	var errs []error
	for _, e := range events {
		errs = append(errs, e.Err)
	}
	assert.Equal(t, []error{syscall.EBADF, ErrNotCapable, syscall.EBADF, syscall.EINVAL}, errs)
}
