package cli

import (
	"encoding/json"
	"io"
	"sync"
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
	Denials  []denial    `json:"denials"`          // at most maxDenials of them
	Denied   int         `json:"denied"`           // how many there were
	Usage    usageReport `json:"usage"`

	Changes   []change `json:"changes,omitempty"` // by the guest, in overlays
	Committed bool     `json:"committed"`         // whether they were kept
}

type denial struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	Rule string `json:"rule"`
	Fix  string `json:"fix,omitempty"`
}

type usageReport struct {
	CPU    float64 `json:"cpu"`    // seconds; 0 where the backend cannot tell
	Memory int64   `json:"memory"` // peak bytes
	Output int64   `json:"output"` // bytes written to stdout and stderr
}

func newReport(out *process.Output, err error, code int, d *denials, took time.Duration) report {
	r := report{Exit: code, Reason: reasonOf(err), Duration: took.Seconds()}
	r.Denials, r.Denied = d.list()
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
	r.Usage = usageReport{CPU: e.Usage.CPU.Seconds(), Memory: e.Usage.Memory, Output: e.Usage.Output}
	return r
}

// unsettled tells that the overlays' changes could not be shown or kept.
func (r *report) unsettled(err error) {
	r.Reason = "failed"
	r.Error = err.Error()
}

func writeReport(w io.Writer, r report) {
	// A report holds only strings and numbers: it always encodes. If stderr is
	// gone there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(r)
}

// maxDenials bounds what a guest can make the report hold.
const maxDenials = 100

// denials collects refusals as they happen.
type denials struct {
	mu    sync.Mutex
	first []denial
	count int
}

func (d *denials) add(e *process.DeniedError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	if len(d.first) < maxDenials {
		d.first = append(d.first, denial{Op: e.Op, Path: e.Path, Rule: e.Rule, Fix: e.Fix})
	}
}

// list returns the first of them, never nil, and how many there were.
func (d *denials) list() ([]denial, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]denial{}, d.first...), d.count
}
