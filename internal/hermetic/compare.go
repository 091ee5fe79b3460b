package hermetic

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"dappco.re/go/cloche/internal/reapi"
)

// Difference is one thing that is not as it was. Old or New is "" where there was, or
// is, nothing.
type Difference struct{ Name, Old, New string }

func (d Difference) String() string {
	switch {
	case d.Old == "":
		return fmt.Sprintf("%s: new: %s", d.Name, d.New)
	case d.New == "":
		return fmt.Sprintf("%s: missing: %s", d.Name, d.Old)
	}
	return fmt.Sprintf("%s: was %s, is %s", d.Name, d.Old, d.New)
}

// Since tells in which inputs r differs from an earlier run with the same mounts,
// beside what a receipt says itself.
func (r *Run) Since(old *Run) (list []Difference) {
	list = differ(list, "args", fmt.Sprintf("%q", old.Args), fmt.Sprintf("%q", r.Args))
	list = differ(list, "module", old.Module.String(), r.Module.String())
	list = differ(list, "stdin", old.Stdin.String(), r.Stdin.String())
	for i, m := range r.Mounts {
		list = append(list, compare(m.Target, texts(old.Mounts[i].Files), texts(m.Files))...)
	}
	return list
}

// Since tells in what r differs from an earlier result.
func (r *Result) Since(old *Result) (list []Difference) {
	list = differ(list, "exit", fmt.Sprint(old.Exit), fmt.Sprint(r.Exit))
	list = differ(list, "reason", old.Reason, r.Reason)
	list = differ(list, "stdout", old.Stdout.String(), r.Stdout.String())
	list = differ(list, "stderr", old.Stderr.String(), r.Stderr.String())
	return append(list, compare("", old.Changes, r.Changes)...)
}

func differ(list []Difference, name, old, new string) []Difference {
	if old != new {
		list = append(list, Difference{name, old, new})
	}
	return list
}

// compare compares what lies below dir, by path from there.
func compare(dir string, old, new map[string]string) (list []Difference) {
	all := maps.Clone(new)
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, old)
	for _, p := range slices.Sorted(maps.Keys(all)) {
		list = differ(list, path.Join(dir, p), old[p], new[p])
	}
	return list
}

func texts(t reapi.Tree) map[string]string {
	m := make(map[string]string, len(t))
	for p, e := range t {
		m[p] = e.String()
	}
	return m
}
