package supervise

import "slices"

// Group is some units, in no order but that of their After.
type Group []Unit

// Step is a Unit or a Group.
type Step interface{ group() Group }

func (u Unit) group() Group  { return Group{u} }
func (g Group) group() Group { return g }

// Parallel is all the units of its steps, which start, and stop, at the same time.
func Parallel(steps ...Step) Group {
	var all Group
	for _, s := range steps {
		all = append(all, s.group()...)
	}
	return all
}

// Sequential has every unit of a step come after all units of the step before it.
func Sequential(steps ...Step) Group {
	var all, before Group
	for _, s := range steps {
		step := slices.Clone(s.group())
		if len(step) == 0 {
			continue
		}
		for i := range step {
			step[i].After = append(slices.Clone(step[i].After), before.names()...)
		}
		all = append(all, step...)
		before = step
	}
	return all
}

func (g Group) names() (names []string) {
	for _, u := range g {
		names = append(names, u.Name)
	}
	return names
}
