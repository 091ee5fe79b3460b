package native

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The files here are those of the kernel's "Control Group v2", in its sections on
// the memory and the pids controller.

// keepMemory bounds the memory of the whole tree, swap included, or says what that
// would take. The kernel ends the tree as a whole when it goes over.
func (b *bounds) keepMemory(max int64) (fix string) {
	if !b.tree.has("memory.max") {
		return takesController("memory")
	}
	err := errors.Join(
		b.tree.set("memory.max", strconv.FormatInt(max, 10)),
		b.tree.noSwap(),
		b.tree.set("memory.oom.group", "1"),
	)
	if err != nil {
		// In part it would bound the tree and not be told of.
		b.tree.set("memory.max", "max")
		b.tree.set("memory.swap.max", "max")
		return takesController("memory")
	}
	b.memory = max
	return ""
}

// keepProcesses bounds the tasks of the tree, which are its processes and threads.
func (b *bounds) keepProcesses(max int64) (fix string) {
	if !b.tree.has("pids.max") || b.tree.set("pids.max", strconv.FormatInt(max, 10)) != nil {
		return takesController("pids")
	}
	return ""
}

func takesController(name string) (fix string) {
	return "let this program make cgroups (version 2) with the " + name + " controller, see native.WithCgroup; or " + useWasm
}

// has reports whether the group has a controller's file, which the group above may
// have to be asked for: the one that this program is in refuses, unless it is the
// first of all.
func (g *tree) has(file string) bool {
	if g == nil {
		return false
	}
	path := filepath.Join(g.path, file)
	if _, err := os.Lstat(path); err == nil {
		return true
	}
	controller, _, _ := strings.Cut(file, ".")
	writeTo(filepath.Join(filepath.Dir(g.path), "cgroup.subtree_control"), "+"+controller)
	_, err := os.Lstat(path)
	return err == nil
}

func (g *tree) set(file, value string) error { return writeTo(filepath.Join(g.path, file), value) }

// writeTo makes no file.
func writeTo(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

// noSwap is done where the file is missing: that kernel was built without swap.
func (g *tree) noSwap() error {
	err := g.set("memory.swap.max", "0")
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return err
}

// ranOut reports whether the kernel killed a process of the group for want of its
// memory. It does so for want of the host's, too: then the group never was at its
// own limit.
func (g *tree) ranOut() bool {
	events, err := os.ReadFile(filepath.Join(g.path, "memory.events"))
	return err == nil && counter(string(events), "oom") > 0 && counter(string(events), "oom_kill") > 0
}

// counter is the number behind name in a file of lines "name number".
func counter(text, name string) int64 {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if key == name {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
