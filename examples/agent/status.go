package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dappco.re/go/cloche/process"
)

// State is where a workspace is.
type State string

const (
	Queued    State = "queued"
	Preparing State = "preparing"
	Running   State = "running"
	Killing   State = "killing" // somebody wants it to end
	Asking    State = "asking"  // its tool has a question
	Completed State = "completed"
	Failed    State = "failed"
	Killed    State = "killed"
)

// next are the ways between states; each is one Update of the file.
var next = map[State][]State{
	"":        {Queued},
	Queued:    {Preparing, Killed},
	Preparing: {Running, Queued, Failed, Killed},
	Running:   {Completed, Failed, Killed, Asking, Killing, Queued},
	Killing:   {Killed},
	Asking:    {Queued, Killed},
	Completed: {Queued},
	Failed:    {Queued},
	Killed:    {Queued},
}

// settled says that nobody works on it, and nobody will unasked.
func (s State) settled() bool {
	return s == Completed || s == Failed || s == Killed || s == Asking
}

// Status is a workspace's status.json, which is all that is known of it: whoever
// reads the file knows as much as the agent.
type Status struct {
	Status    State     `json:"status"`
	Agent     string    `json:"agent"` // which tool
	Repo      string    `json:"repo"`
	Task      string    `json:"task"`
	Branch    string    `json:"branch"`
	PID       int       `json:"pid"`        // 0 for a guest
	ProcessID string    `json:"process_id"` // process.Handle's
	StartedAt time.Time `json:"started_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at"`
	Question  string    `json:"question"`
	Runs      int       `json:"runs"`
	PRURL     string    `json:"pr_url"`
	Reason    string    `json:"reason"` // why it failed

	// Identity is what PID alone does not say: which process that is.
	Identity process.Identity `json:"identity,omitzero"`
}

var (
	// ErrStale: the run that something is said of is not the latest any more.
	ErrStale = errors.New("it is about an earlier run")
	// ErrWorkspace: there is no such workspace, or there is one already.
	ErrWorkspace = errors.New("no such workspace")
)

// TransitionError is a change that a workspace in that state does not make.
type TransitionError struct{ From, To State }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("a workspace that is %s cannot become %s", e.From, e.To)
}

// anyRun is for changes that are not about one run.
const anyRun = -1

// update is the only way to a status.json. The file is locked from its reading to
// its atomic writing, so that nobody's change is lost, and change sees what is there
// now. What is said of a run that is not the latest is refused, and so is a step
// that next does not know.
func (a *Agent) update(name string, run int, change func(*Status) error) (Status, error) {
	var s Status
	err := a.files().Update(a.path(name, statusFile), func(old []byte) ([]byte, error) {
		s = Status{}
		if old != nil {
			if err := json.Unmarshal(old, &s); err != nil {
				return nil, fmt.Errorf("reading %s of %s: %w", statusFile, name, err)
			}
		}
		if run != anyRun && run != s.Runs {
			return nil, fmt.Errorf("run %d of %s: %w", run, name, ErrStale)
		}
		from := s.Status
		if err := change(&s); err != nil {
			return nil, err
		}
		if s.Status != from && !slices.Contains(next[from], s.Status) {
			return nil, &TransitionError{from, s.Status}
		}
		s.UpdatedAt = time.Now().UTC()
		return json.MarshalIndent(s, "", "\t")
	})
	return s, err
}

// status reads, which takes no lock: the file is always whole.
func (a *Agent) status(name string) (Status, error) {
	var s Status
	text, err := a.files().Read(a.path(name, statusFile))
	if err != nil {
		return s, fmt.Errorf("%w %s: %w", ErrWorkspace, name, err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("reading %s of %s: %w", statusFile, name, err)
	}
	return s, nil
}

// become is the change that is a step to another state, and nothing else.
func become(to State) func(*Status) error {
	return func(s *Status) error {
		s.Status = to
		return nil
	}
}

// forget takes from s what was about its latest process.
func (s *Status) forget() {
	s.PID, s.ProcessID, s.Identity = 0, "", process.Identity{}
}
