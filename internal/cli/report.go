package cli

import (
	"encoding/json"
	"io"
	"time"

	"dappco.re/go/cloche/process"
)

// report is what --json prints. Field names are part of the command's promise.
type report struct {
	Exit     int         `json:"exit"`             // the program's own, or the command's if it did not start
	Reason   string      `json:"reason"`           // "exited", "timeout", "killed", "limit", "trap", "not found", "not executable", "denied", "failed"
	Error    string      `json:"error,omitempty"`  // the reason in full, with how to mend it
	Signal   string      `json:"signal,omitempty"` // the signal that ended a native process
	Duration float64     `json:"duration"`         // seconds
	Denials  []denial    `json:"denials"`          // at most maxFindings of them
	Denied   int         `json:"denied"`           // how many there were
	Usage    usageReport `json:"usage"`

	OutwardLinks []outwardLink `json:"outwardLinks"` // at most maxFindings of them
	Outward      int           `json:"outward"`      // how many there were

	Unmet []string `json:"unmet,omitempty"` // limits that hold by best effort only

	Cached bool `json:"cached,omitempty"` // known from an earlier run; Usage is of that one

	Changes   []change `json:"changes,omitempty"` // by the guest, in overlays
	Committed bool     `json:"committed"`         // whether they were kept
}

type denial struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	Rule string `json:"rule"`
	Fix  string `json:"fix,omitempty"`

	// Of the rule "limit": which one, and how much it allows.
	Limit string `json:"limit,omitempty"`
	Max   int64  `json:"max,omitempty"`
}

// outwardLink is a symlink by the guest that a tool of the host would follow out
// of the guest's directories.
type outwardLink struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

type usageReport struct {
	CPU    float64 `json:"cpu"`    // seconds; 0 where the backend cannot tell
	Memory int64   `json:"memory"` // peak bytes
	Output int64   `json:"output"` // bytes written to stdout and stderr
	Fuel   int64   `json:"fuel"`   // units of --max-fuel; 0 where the backend cannot tell
}

func newReport(out *process.Output, err error, code int, found *findings, took time.Duration) report {
	r := report{Exit: code, Reason: reasonOf(err), Duration: took.Seconds()}
	r.Denials, r.Denied = found.refusals()
	r.OutwardLinks, r.Outward = found.outward()
	r.Unmet, r.Cached = found.unmet, found.cached
	if err != nil {
		r.Error = err.Error()
	}
	if out == nil {
		return r
	}
	e := out.Exit
	r.Exit, r.Reason, r.Error, r.Signal = e.Code, reasonOf(e.Reason), "", string(e.Signal)
	if e.Reason != nil {
		r.Error = e.Reason.Error()
	}
	r.Usage = usageReport{CPU: e.Usage.CPU.Seconds(), Memory: e.Usage.Memory, Output: e.Usage.Output, Fuel: e.Usage.Fuel}
	return r
}

// settle settles the overlays, tells it, and returns what to exit with.
func (r *report) settle(s *settlement, succeeded bool, code int) int {
	if err := s.settle(succeeded); err != nil {
		r.Reason, r.Error, code = "failed", err.Error(), exitFailed
	}
	r.Changes, r.Committed = s.changes, s.committed
	return code
}

func writeReport(w io.Writer, r report) {
	// A report holds only strings and numbers: it always encodes. If stderr is
	// gone there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(r)
}
