package process

// Event is one fact in the life of a process. The types below are all there
// are. doc.go says in which order they come.
type Event interface {
	// ProcessID is the id of the process that it happened to, or "" for a
	// MissedEvent.
	ProcessID() string
	event()
}

// Stream names one of a process's two outputs.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// StartedEvent is the first event of every process that ran.
type StartedEvent struct{ Info Info }

// FailedEvent is the last event of a process that never ran; only DeniedEvents
// can come before it.
type FailedEvent struct {
	Info Info
	Err  error
}

// OutputEvent is a piece of output, at most 32 KiB of it. A merged process has
// only Stdout. Data may be kept and must not be changed: others have it too.
type OutputEvent struct {
	ID     string
	Stream Stream
	Offset int64 // of Data in its stream
	Data   []byte
	// Missing is how many bytes just before Offset were dropped, where
	// Handle.Follow found that they were. Data is then empty if nothing after
	// them was kept.
	Missing int64
}

// DeniedEvent is a refusal by one of cloche's rules.
type DeniedEvent struct {
	ID     string
	Denial *DeniedError
}

// OutwardLinkEvent tells of a symlink that leads out of what the process was given.
type OutwardLinkEvent struct {
	ID   string
	Link OutwardLink
}

// LimitedEvent says that the process went over a limit and is being killed.
type LimitedEvent struct {
	ID    string
	Limit *LimitError
}

// AskedEvent says that the process was asked to end, and that it will be killed
// if it does not.
type AskedEvent struct {
	ID     string
	Signal Signal
	Reason error
}

// ExitedEvent is the last event of every process that ran.
type ExitedEvent struct {
	Info Info
	Exit Exit
}

// MissedEvent stands where others were dropped, of whatever processes, because
// whoever ranges over Service.Events was slow. Nobody else gets one.
type MissedEvent struct {
	Count int // of events
}

func (e StartedEvent) ProcessID() string     { return e.Info.ID }
func (e FailedEvent) ProcessID() string      { return e.Info.ID }
func (e OutputEvent) ProcessID() string      { return e.ID }
func (e DeniedEvent) ProcessID() string      { return e.ID }
func (e OutwardLinkEvent) ProcessID() string { return e.ID }
func (e LimitedEvent) ProcessID() string     { return e.ID }
func (e AskedEvent) ProcessID() string       { return e.ID }
func (e ExitedEvent) ProcessID() string      { return e.Info.ID }
func (e MissedEvent) ProcessID() string      { return "" }

func (StartedEvent) event()     {}
func (FailedEvent) event()      {}
func (OutputEvent) event()      {}
func (DeniedEvent) event()      {}
func (OutwardLinkEvent) event() {}
func (LimitedEvent) event()     {}
func (AskedEvent) event()       {}
func (ExitedEvent) event()      {}
func (MissedEvent) event()      {}

// eventQueue is how far the receiver of events may lag behind a process before
// the process has to wait for it.
const eventQueue = 64

// feed hands the events of one process to the receiver: one at a time, in
// order, on a goroutine of its own, so that a receiver may call back into the
// service. A nil feed takes everything and tells nobody.
type feed struct {
	to        func(Event)
	queue     chan Event
	ended     chan struct{}
	abandoned <-chan struct{}
}

func newFeed(to func(Event), abandoned <-chan struct{}) *feed {
	if to == nil {
		return nil
	}
	return &feed{
		to:        to,
		queue:     make(chan Event, eventQueue),
		ended:     make(chan struct{}),
		abandoned: abandoned,
	}
}

// begin starts delivery with the given events, before whatever a quick process
// has already put into the queue.
func (f *feed) begin(first ...Event) {
	if f == nil {
		return
	}
	go func() {
		defer close(f.ended)
		for _, e := range first {
			f.to(e)
		}
		for e := range f.queue {
			f.to(e)
			switch e.(type) {
			case ExitedEvent, FailedEvent:
				return
			}
		}
	}()
}

// emit waits for room in the queue, but not for longer than the process may
// still live: after a kill, what does not fit is dropped.
func (f *feed) emit(e Event) {
	if f == nil {
		return
	}
	select {
	case f.queue <- e:
		return
	default:
	}
	select {
	case f.queue <- e:
	case <-f.abandoned:
	}
}

// last delivers e however slow the receiver is.
func (f *feed) last(e Event) {
	if f != nil {
		f.queue <- e
	}
}

// wait returns when the receiver has had every event.
func (f *feed) wait() {
	if f != nil {
		<-f.ended
	}
}
