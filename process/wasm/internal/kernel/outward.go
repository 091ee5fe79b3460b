package kernel

import (
	"path"
	"strings"
)

// OutwardLink is a symlink that leads a host's tool out of what the guest was
// given, were it to follow it.
type OutwardLink struct {
	Path   string // as the guest gave it
	Target string
}

// tellOutward tells of the symlink that was just made at t, if it leads outside.
func (t *target) tellOutward(dest string) {
	if t.p.outward != nil && climbsOut(path.Dir(t.where()), t.p.mounts, dest) {
		t.p.outward(OutwardLink{t.label().String(), told(dest)})
	}
}

// lookOutward does the same for whatever has just got the name t.
func (t *target) lookOutward() {
	if t.p.outward == nil {
		return
	}
	if dest, err := t.Dir.Readlink(t.Name); err == nil {
		t.tellOutward(dest)
	}
}

// climbsOut reports whether a symlink in the directory dir, a path from the root,
// climbs above the root or above the mount that dir is in. It goes by the letters
// of dest alone: where other symlinks in it lead may change at any time.
func climbsOut(dir string, mounts []string, dest string) bool {
	if strings.HasPrefix(dest, "/") {
		return false // it was there before the guest, who cannot make one
	}
	level := depth(dir) - depth(mountOf(dir, mounts))
	for elem := range strings.SplitSeq(dest, "/") {
		switch elem {
		case "", ".":
		case "..":
			if level--; level < 0 {
				return true
			}
		default:
			level++
		}
	}
	return false
}

// mountOf is the innermost mount that dir is in, or else the root.
func mountOf(dir string, mounts []string) string {
	for ; dir != "/"; dir = path.Dir(dir) {
		for _, m := range mounts {
			if m == dir {
				return m
			}
		}
	}
	return "/"
}
