package supervise

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// order checks the units, and returns them so that each comes after those that it
// is to come after.
func order(units Group) (Group, error) {
	byName := make(map[string]Unit, len(units))
	for _, u := range units {
		if err := u.check(); err != nil {
			return nil, err
		}
		if _, ok := byName[u.Name]; ok {
			return nil, &UnitError{u.Name, ErrDuplicate, "give each its own"}
		}
		byName[u.Name] = u
	}
	walk := walk{byName: byName, done: make(map[string]bool)}
	for _, u := range units {
		if err := walk.visit(u); err != nil {
			return nil, err
		}
	}
	return walk.ordered, nil
}

// walk goes through the units depth first.
type walk struct {
	byName  map[string]Unit
	path    []string // from the unit that it began with
	done    map[string]bool
	ordered Group
}

func (w *walk) visit(u Unit) error {
	if w.done[u.Name] {
		return nil
	}
	if i := slices.Index(w.path, u.Name); i >= 0 {
		circle := append(slices.Clone(w.path[i:]), u.Name)
		return &UnitError{u.Name, fmt.Errorf("%w: %s", ErrCycle, strings.Join(circle, " after ")), "let one of them start first"}
	}
	w.path = append(w.path, u.Name)
	for _, name := range u.After {
		before, ok := w.byName[name]
		if !ok {
			return &UnitError{u.Name, fmt.Errorf("after %q: %w", name, ErrUnknown), "add it, or leave it out of After"}
		}
		if err := w.visit(before); err != nil {
			return err
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.done[u.Name] = true
	w.ordered = append(w.ordered, u)
	return nil
}

// validName fits into the name of a file, and into a log.
var validName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

func (u Unit) check() error {
	wrong := func(fix string) error { return &UnitError{u.Name, ErrInvalid, fix} }
	switch {
	case !validName.MatchString(u.Name):
		return wrong(`name it by letters, digits, and "-", "_" or "." inside, at most 64 of them`)
	case u.Spec.Stdin != nil || u.Spec.OpenStdin:
		return wrong("give its Spec no input: it would be used up by the first run")
	case u.Oneshot && (u.Ready.Probe != nil || u.Health.Probe != nil):
		return wrong("leave out Ready and Health: a Oneshot is up when it is done")
	case min(u.Ready.Every, u.Ready.Each, u.Ready.Patience, u.Health.Every, u.Health.Each, u.Restart.Delay, u.Restart.MaxDelay) < 0:
		return wrong("give no negative durations")
	case u.Health.Failures < 0:
		return wrong("give a positive number of failures")
	case u.Restart.When != Never && u.Restart.When != OnFailure && u.Restart.When != Always:
		return wrong("restart it Never, OnFailure or Always")
	}
	return nil
}
