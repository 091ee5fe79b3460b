package native

import "dappco.re/go/cloche/process"

// bounds is how the Limits of a Spec are kept for one process.
type bounds struct {
	rlimits []*rlimit // set while the process is held
	tree    *tree     // nil where the process and its descendants have no cgroup
	lineage *lineage  // nil where nobody asked for it, or there is a tree
	memory  int64     // what tree bounds it to, 0 for nothing
	unmet   []string  // the names of Limits that hold by best effort only
}

// rlimit is one of getrlimit(2). It is inherited by every descendant, for each
// to have by itself.
type rlimit struct {
	name     string // of the Limit
	resource int
	max      uint64
}

// limit is one of a Spec's Limits.
type limit struct {
	name, field string
	max         int64
}

// limitsOf leaves out Output, which is the lifecycle's.
func limitsOf(l process.Limits) []limit {
	return []limit{
		{process.LimitMemory, "memory", l.Memory},
		{process.LimitFuel, "fuel", l.Fuel},
		{process.LimitProcesses, "processes", int64(l.Processes)},
		{process.LimitDescriptors, "descriptors", int64(l.Descriptors)},
		{process.LimitWritten, "written", l.Written},
		{process.LimitCreated, "created", l.Created},
		{process.LimitFileSize, "fileSize", l.FileSize},
		{process.LimitDepth, "depth", int64(l.Depth)},
		{process.LimitPathLength, "pathLength", int64(l.PathLength)},
	}
}

// bound arranges for what s asks of a process of program that is to start in tree,
// or refuses.
func bound(s process.Spec, program string, tree *tree) (*bounds, error) {
	if s.Starting != nil {
		if fix := unheld(program); fix != "" {
			return nil, unsupported("starting", fix)
		}
	}
	b := &bounds{tree: tree}
	for _, l := range limitsOf(s.Limits) {
		if l.max == 0 {
			continue
		}
		fix := b.keep(l, program)
		switch {
		case fix == "":
		case s.Limits.BestEffort:
			b.unmet = append(b.unmet, l.name)
		default:
			return nil, unsupported("limits."+l.field, fix+"; or ask for best effort")
		}
	}
	return b, nil
}
