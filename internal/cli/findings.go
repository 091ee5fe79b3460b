package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// maxFindings bounds what a guest can make the command remember of each kind.
const maxFindings = 100

// findings are what a guest was denied, and the symlinks by which it leads
// outside, as they happen. The zero value is ready.
type findings struct {
	mu     sync.Mutex
	first  []denial // the first of them
	denied int
	tries  map[refusal]map[string]int // how often each operation was tried
	others int                        // denials that are not in tries
	links  []outwardLink              // the first of them
	linked int
	unmet  []string // limits that hold by best effort only; set when the run is over
	cached bool     // whether it is known from an earlier run; set when the run is over
}

// refusal is what denials are grouped by.
type refusal struct{ rule, fix, path string }

func (f *findings) addDenial(e *process.DeniedError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, rule := newDenial(e)
	f.denied++
	if len(f.first) < maxFindings {
		f.first = append(f.first, d)
	}
	key := refusal{rule, d.Fix, d.Path}
	if f.tries[key] == nil {
		if len(f.tries) == maxFindings {
			f.others++
			return
		}
		if f.tries == nil {
			f.tries = make(map[refusal]map[string]int)
		}
		f.tries[key] = make(map[string]int)
	}
	f.tries[key][d.Op]++
}

// newDenial is e in the words of the command, and its rule in full.
func newDenial(e *process.DeniedError) (d denial, rule string) {
	d = denial{Op: e.Op, Path: e.Path, Rule: e.Rule, Fix: cmp.Or(fixes[e.Rule], e.Fix)}
	limit, ok := errors.AsType[*process.LimitError](e)
	if !ok {
		return d, e.Rule
	}
	d.Limit, d.Max = limit.Limit, limit.Max
	d.Fix = cmp.Or(limitFixes[limit.Limit], e.Fix)
	return d, limit.Error()
}

// fixes say by which flag a rule is lifted. For a rule that is not here, the
// library's own advice holds.
var fixes = map[string]string{
	fs.RuleReadOnly:            "give the directory with --dir HOST:GUEST:rw",
	fs.RuleMountsOnly:          "give a directory for it with --dir HOST:GUEST:rw",
	fs.RuleMountPoint:          "leave out the --dir that shows something there",
	fs.RuleLinkOutside:         "give what the symlink points to with --dir HOST:GUEST, or point it inside",
	fs.RuleAbsoluteLinkOutside: "give what the symlink points to with --dir HOST:GUEST, or make it relative",
	fs.RuleSpecialFile:         "no flag does; use a regular file, or --stdin",
	fs.RuleSpecialStays:        "give the directory with --dir HOST:GUEST:rw",
	fs.RuleKernelFiles:         "no flag does; a guest never sees these",
}

var limitFixes = map[string]string{
	process.LimitDescriptors: "raise --max-descriptors, up to 1024",
	process.LimitWritten:     "raise --max-written",
	process.LimitCreated:     "raise --max-files",
	process.LimitFileSize:    "raise --max-file-size",
	process.LimitDepth:       "raise --max-depth",
	process.LimitPathLength:  "raise --max-path",
}

func (f *findings) addLink(l process.OutwardLink) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.linked++
	if len(f.links) < maxFindings {
		f.links = append(f.links, outwardLink(l))
	}
}

// refusals returns the first denials, never nil, and how many there were.
func (f *findings) refusals() ([]denial, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]denial{}, f.first...), f.denied
}

// nothing reports whether there is nothing to tell.
func (f *findings) nothing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.denied == 0 && f.linked == 0 && len(f.unmet) == 0
}

// outward does the same for symlinks.
func (f *findings) outward() ([]outwardLink, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]outwardLink{}, f.links...), f.linked
}

// warn tells of the limits that were asked for and not kept.
func (f *findings) warn(w io.Writer) {
	for _, limit := range f.unmet {
		complain(w, fmt.Errorf("--best-effort: the %s limit does not hold, or not for all processes together", limit))
	}
}

// hint says in a line that there is something to explain. What a program was
// denied is of interest when it failed: many look for what they can do without.
// A symlink that leads outside waits for somebody else, and so is always told of.
func (f *findings) hint(w io.Writer, program string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.denied > 0 && code != 0 {
		complain(w, fmt.Errorf("%s: %s denied; run it with --explain to see which", program, counted(f.denied, "operation was", "operations were")))
	}
	if f.linked > 0 {
		complain(w, fmt.Errorf("%s: %s out of its directories; run it with --explain to see which", program, counted(f.linked, "new symlink leads", "new symlinks lead")))
	}
}

// explain tells all there is, grouped by rule and then by path.
func (f *findings) explain(w io.Writer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	say := func(format string, args ...any) { complain(w, fmt.Errorf(format, args...)) }
	if f.denied == 0 {
		say("nothing was denied")
	} else {
		say("%s denied", counted(f.denied, "operation was", "operations were"))
	}
	var last refusal
	for _, r := range slices.SortedFunc(maps.Keys(f.tries), compareRefusals) {
		if r.rule != last.rule || r.fix != last.fix {
			say("%s; to allow it: %s", r.rule, r.fix)
		}
		say("  %s: %s", printable(r.path), operations(f.tries[r]))
		last = r
	}
	if f.others > 0 {
		say("  and %s", counted(f.others, "other", "others"))
	}
	if f.linked > 0 {
		say("%s out of the directories that the guest was given; before other tools follow them, look at", counted(f.linked, "new symlink leads", "new symlinks lead"))
	}
	for _, l := range f.links {
		say("  %s -> %s", printable(l.Path), printable(l.Target))
	}
	if n := f.linked - len(f.links); n > 0 {
		say("  and %s", counted(n, "other", "others"))
	}
}

func compareRefusals(a, b refusal) int {
	return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.fix, b.fix), cmp.Compare(a.path, b.path))
}

// operations lists what was tried, as in "open 3 times, unlink".
func operations(tries map[string]int) string {
	var list []string
	for _, op := range slices.Sorted(maps.Keys(tries)) {
		if n := tries[op]; n > 1 {
			op += fmt.Sprintf(" %d times", n)
		}
		list = append(list, op)
	}
	return strings.Join(list, ", ")
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printable quotes what a terminal might take for more than a name.
func printable(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
