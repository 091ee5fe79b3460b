package processtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"dappco.re/go/cloche/process"
)

// cassettePlayer is a Cassette that plays back.
type cassettePlayer struct {
	Cassette
	t testing.TB

	mu    sync.Mutex
	takes []*take
}

func (*cassettePlayer) Name() string { return cassetteName }

var errNotRecorded = errors.New("the cassette has no recording of this call, or not for as many")

func (p *cassettePlayer) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	call, _, err := p.newTake(ctx, s)
	if err != nil {
		return nil, err
	}
	k, next := p.find(call)
	if k == nil {
		p.t.Errorf("%s: no recording of this call is left; if the call is right, record it with Update\n%s",
			p.Path, compare("next recording", next.text(), "call", call.text()))
		return nil, &process.SpecError{Field: "command", Value: s.Command, Err: errNotRecorded, Fix: "record it with Update"}
	}
	i := &playedInstance{done: make(chan struct{}), exit: k.exit}
	go func() {
		defer close(i.done)
		i.err = p.play(k, s)
	}()
	return i, nil
}

// find takes the recording of a call, or returns what comes closest: the next of
// the same command, or the next.
func (p *cassettePlayer) find(call take) (found, closest *take) {
	p.mu.Lock()
	defer p.mu.Unlock()
	command, _, _ := strings.Cut(call.call, "\n")
	for _, k := range p.takes {
		if k.played {
			continue
		}
		if k.call == call.call && k.stdin == call.stdin {
			k.played = true
			return k, nil
		}
		if closest == nil || !closest.runs(command) && k.runs(command) {
			closest = k
		}
	}
	return nil, closest
}

func (k *take) runs(command string) bool { return strings.HasPrefix(k.call, command+"\n") }

// text is a call for a reader. Of the one that is not there, it is nothing.
func (k *take) text() string {
	if k == nil {
		return ""
	}
	if k.stdin == "" {
		return k.call
	}
	return k.call + section("stdin", k.stdin)
}

// play does what the process did.
func (p *cassettePlayer) play(k *take, s process.Spec) error {
	if err := k.removed.removeFrom(p.Fs); err != nil {
		return fmt.Errorf("playing %s back: %w", p.Path, err)
	}
	if err := k.files.addTo(p.Fs); err != nil {
		return fmt.Errorf("playing %s back: %w", p.Path, err)
	}
	// A write fails when the process is killed, and then needs no more.
	if _, err := io.WriteString(s.Stdout, k.stdout); err == nil {
		_, _ = io.WriteString(s.Stderr, k.stderr)
	}
	return nil
}

// checkAllPlayed fails the test for what it did not call.
func (p *cassettePlayer) checkAllPlayed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := p.t.Failed() // so that it may not have come to the call
	for _, k := range p.takes {
		if !k.played && !failed {
			p.t.Errorf("%s: a recording was not called for; if that is right, record it with Update\n%s", p.Path, k.text())
		}
	}
}

// playedInstance ends by itself as soon as its output is taken.
type playedInstance struct {
	exit process.Exit
	done chan struct{}
	err  error // before done is closed
}

func (i *playedInstance) Wait() (process.Exit, error) {
	<-i.done
	return i.exit, i.err
}

func (*playedInstance) Signal(process.Signal) error { return errors.ErrUnsupported }
