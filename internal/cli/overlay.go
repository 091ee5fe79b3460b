package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"dappco.re/go/cloche/fs"
)

// overlay is one --overlay: what the guest changed in a host directory, and did
// not change yet.
type overlay struct {
	layer       *fs.Layer
	host, guest string
}

// settlement is what becomes of the overlays' changes when a run is over.
type settlement struct {
	flags    runFlags
	overlays []overlay
	errors   io.Writer        // stderr
	answers  func() io.Reader // where a person answers; nil when nobody is asked

	changes   []change
	committed bool
}

// asks reports whether to ask: there must be somebody, and something to ask.
func (s *settlement) asks(stdio Stdio) bool {
	return len(s.overlays) > 0 && !s.flags.commit && !s.flags.json && isTerminal(stdio.Err) && isTerminal(stdio.In)
}

// change is one entry that the guest changed.
type change struct {
	Path    string `json:"path"` // as the guest saw it
	Kind    string `json:"kind"` // "added", "changed", "removed"
	Outward bool   `json:"outward,omitempty"`
}

// settle shows the changes where the flags say so, and keeps or forgets them.
// Changes are kept when --commit says so and the program succeeded, or when a
// person at the terminal says so.
func (s *settlement) settle(succeeded bool) error {
	if err := s.list(); err != nil || len(s.changes) == 0 {
		return err
	}
	if err := s.show(); err != nil {
		return err
	}
	keep, err := s.keep(succeeded)
	if err != nil || !keep {
		return err
	}
	return s.commit()
}

func (s *settlement) list() error {
	for _, o := range s.overlays {
		list, err := o.layer.Diff()
		if err != nil {
			return fmt.Errorf("--overlay: %w", err)
		}
		for _, c := range list {
			s.changes = append(s.changes, change{path.Join(o.guest, c.Path), string(c.Kind), c.Outward})
		}
	}
	return nil
}

// show writes the differences to where --diff says.
func (s *settlement) show() error {
	switch s.flags.diff {
	case "":
		return nil
	case "-":
		return s.patch(onScreen(s.errors))
	}
	var patch bytes.Buffer
	if err := s.patch(&patch); err != nil {
		return err
	}
	if err := os.WriteFile(s.flags.diff, patch.Bytes(), 0o644); err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	return nil
}

// patch writes one patch for each host directory, to be applied in it. Programs
// that read patches pass over the line between.
func (s *settlement) patch(w io.Writer) error {
	for _, o := range s.overlays {
		if len(s.overlays) > 1 {
			fmt.Fprintf(w, "cloche: changes to %s\n", o.host)
		}
		if err := o.layer.Patch(w); err != nil {
			return fmt.Errorf("--diff: %w", err)
		}
	}
	return nil
}

func (s *settlement) keep(succeeded bool) (bool, error) {
	switch {
	case s.flags.commit && succeeded:
		return true, nil
	case s.flags.commit:
		complain(s.errors, fmt.Errorf("%s not kept: the program did not succeed", s.count()))
		return false, nil
	case s.answers != nil:
		return s.question()
	case !s.flags.json && s.flags.diff == "":
		complain(s.errors, fmt.Errorf("%s discarded; --commit keeps changes, --diff shows them", s.count()))
	}
	return false, nil
}

func (s *settlement) count() string {
	if len(s.changes) == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", len(s.changes))
}

// question asks until it gets an answer. The end of the input is a no.
func (s *settlement) question() (bool, error) {
	answers := bufio.NewReader(s.answers())
	for {
		fmt.Fprintf(s.errors, "cloche: %s to %s. Keep? [y]es, [n]o, [d]iff: ", s.count(), s.hosts())
		line, err := answers.ReadString('\n')
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "d", "diff":
			if err := s.patch(onScreen(s.errors)); err != nil {
				return false, err
			}
		}
		if err != nil {
			fmt.Fprintln(s.errors)
			return false, nil
		}
	}
}

func (s *settlement) hosts() string {
	names := make([]string, len(s.overlays))
	for i, o := range s.overlays {
		names[i] = o.host
	}
	return strings.Join(names, ", ")
}

func (s *settlement) commit() error {
	for _, o := range s.overlays {
		err := o.layer.Commit()
		if conflict, ok := errors.AsType[*fs.ConflictError](err); ok {
			var names []string
			for _, p := range conflict.Paths {
				names = append(names, printable(p))
			}
			return fmt.Errorf("%s changed since the run began, so nothing of it was kept: %s", o.host, strings.Join(names, ", "))
		}
		if err != nil {
			return fmt.Errorf("--commit: %w", err)
		}
	}
	s.committed = true
	return nil
}
