package hermetic

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dappco.re/go/cloche/internal/reapi"
	"dappco.re/go/cloche/process"
)

// Run is all that decides what a hermetic run does.
type Run struct {
	Engine  string         `json:"engine"` // what runs the module; see Engine
	Module  reapi.Digest   `json:"module"`
	Args    []string       `json:"args"` // the program's name first
	Env     []string       `json:"env,omitempty"`
	Dir     string         `json:"dir,omitempty"`
	Stdin   reapi.Digest   `json:"stdin"`
	Seed    uint64         `json:"seed"`
	Time    time.Time      `json:"time"`
	Timeout time.Duration  `json:"timeout,omitempty"` // in nanoseconds
	Limits  process.Limits `json:"limits,omitzero"`
	Mounts  []Mount        `json:"mounts,omitempty"`
}

// Mount is a directory that the program sees, and all that is in it.
type Mount struct {
	Target  string     `json:"guest"`
	Overlay bool       `json:"overlay,omitempty"`
	Files   reapi.Tree `json:"files"`

	// Twins tells which names are those of one file, which a guest can see, too.
	twins []fileID
}

// Action is the run in the words of the Remote Execution API. What that has no words
// for are properties of the platform, and what runs the module is the salt.
func (r *Run) Action() (reapi.Action, error) {
	for _, m := range r.Mounts {
		if err := checkText(m.Target); err != nil {
			return reapi.Action{}, err
		}
	}
	command, err := r.command().Encode()
	if err != nil {
		return reapi.Action{}, err
	}
	limits, err := json.Marshal(r.Limits)
	if err != nil {
		return reapi.Action{}, err
	}
	a := reapi.Action{
		Command:   reapi.Sum(command),
		InputRoot: r.inputRoot().Digest(),
		Timeout:   r.Timeout,
		Salt:      r.Engine,
		Platform: []reapi.Pair{
			{Name: "cloche-module", Value: r.Module.String()},
			{Name: "cloche-stdin", Value: r.Stdin.String()},
			{Name: "cloche-seed", Value: fmt.Sprint(r.Seed)},
			{Name: "cloche-time", Value: r.Time.UTC().Format(time.RFC3339Nano)},
			{Name: "cloche-limits", Value: string(limits)},
			// A Command sorts variables and knows no other directory than one below the root.
			{Name: "cloche-env", Value: fmt.Sprintf("%q", r.Env)},
			{Name: "cloche-dir", Value: r.Dir},
		},
	}
	for i, m := range r.Mounts {
		a.Platform = append(a.Platform, reapi.Pair{
			Name:  fmt.Sprintf("cloche-mount-%d", i),
			Value: fmt.Sprintf("%s %s %s", m.kind(), m.Files.Digest(), m.Target),
		})
	}
	return a, nil
}

func (r *Run) command() reapi.Command {
	c := reapi.Command{Arguments: r.Args, WorkingDirectory: strings.Trim(r.Dir, "/")}
	for _, v := range r.Env {
		name, value, _ := strings.Cut(v, "=")
		c.Environment = append(c.Environment, reapi.Pair{Name: name, Value: value})
	}
	for _, m := range r.Mounts {
		if m.Overlay {
			c.OutputPaths = append(c.OutputPaths, from(c.WorkingDirectory, m.Target))
		}
	}
	return c
}

// from is the absolute path to, seen from dir.
func from(dir, to string) string {
	up := ""
	if dir != "" {
		up = strings.Repeat("../", strings.Count(dir, "/")+1)
	}
	return strings.TrimSuffix(up+strings.TrimPrefix(to, "/"), "/")
}

func (m Mount) kind() string {
	if m.Overlay {
		return "overlay"
	}
	return "read-only"
}
