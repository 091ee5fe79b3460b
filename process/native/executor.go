package native

import (
	"context"
	"errors"
	"os"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Executor starts executables of the host. It is safe for concurrent use and
// holds no resources. The zero value finds no program and denies every start.
type Executor struct {
	fsys     *fs.Fs
	path     searchPath
	trees    *trees
	lineages *lineages    // where there are no trees; nil for not at all
	confined *confinement // nil for not at all
}

var _ process.Executor = (*Executor)(nil)

// Option changes how New makes an Executor.
type Option func(*Executor)

// WithPath makes dirs, in order, the directories of the host in which programs
// are looked up, instead of the host's PATH. Only absolute entries count.
func WithPath(dirs []string) Option {
	return func(e *Executor) { e.path = newSearchPath(dirs) }
}

// New makes an Executor whose processes start in directories of fsys. It reads
// the host's PATH now, not later.
func New(fsys *fs.Fs, opts ...Option) *Executor {
	e := &Executor{fsys: fsys, path: hostPath(), trees: newTrees()}
	for _, opt := range opts {
		opt(e)
	}
	return e
}

// Start implements [process.Executor]. Of its errors, *process.DeniedError comes
// from the Fs, *process.UnsupportedError names a field that cannot be honoured,
// and *process.SpecError names what is wrong with the Spec, or what the host is
// short of: processes (EAGAIN), descriptors (EMFILE, ENFILE), memory (ENOMEM).
func (e *Executor) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	dir, err := hostDir(e.fsys, s.Dir)
	if err != nil {
		return nil, err
	}
	program, err := e.find(s.Command, s.Dir)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return e.launch(ctx, s, program, dir)
}

// launch starts program with its streams; s has been checked.
func (e *Executor) launch(ctx context.Context, s process.Spec, program, dir string) (*instance, error) {
	p, err := openStreams(e.fsys, s)
	if err != nil {
		return nil, short(s.Command, err)
	}
	together := e.trees.make()
	var id process.Identity
	proc, b, err := e.begin(s, program, dir, p, together, &id)
	if err != nil && prepared(err) == nil && together.refused(err, program, dir) {
		together.remove()
		together = nil
		first := startError(s, program, dir, err)
		proc, b, err = e.begin(s, program, dir, p, together, &id)
		if why := prepared(err); why != nil { // a limit that needs the group, say
			err = &prepareError{errors.Join(first, why)}
		}
	}
	p.closeTheirs()
	if err == nil {
		if err = together.started(proc); err != nil {
			err = discard(proc, err)
		}
	}
	if err != nil {
		together.vanish()
		p.closeOurs()
		return nil, startError(s, program, dir, err)
	}
	if id.PID == 0 {
		if id, err = identify(proc.Pid); err == nil {
			id.Tree = together.name()
		}
	}
	return watch(ctx, &group{proc: proc, tree: together, lineage: b.lineage}, id, p, b), nil
}

// begin starts the process, bounded, on a confined thread if it is to be confined.
func (e *Executor) begin(s process.Spec, program, dir string, p streams, together *tree, id *process.Identity) (*os.Process, *bounds, error) {
	b, err := bound(s, program, together)
	if err == nil && together == nil {
		b.lineage, err = e.lineages.make(program)
	}
	if err != nil {
		return nil, nil, &prepareError{err}
	}
	attr := p.attach(newGroup())
	together.place(attr)
	start := func() (*os.Process, error) {
		return start(program, argv(s), &os.ProcAttr{
			Dir:   dir,
			Env:   append([]string{}, s.Env...), // nil would mean the host's
			Files: p.files(),
			Sys:   attr,
		}, preparation(s, b, id))
	}
	var proc *os.Process
	if e.confined == nil {
		proc, err = start()
	} else {
		proc, err = e.confined.start(e.fsys, program, p.terminal(), start)
	}
	if err != nil {
		b.lineage.vanish()
	}
	return proc, b, err
}

// preparation is what is to be done while the process is held, nil for nothing.
func preparation(s process.Spec, b *bounds, id *process.Identity) prepare {
	if s.Starting == nil && len(b.rlimits) == 0 && b.lineage == nil {
		return nil
	}
	return func(pid int) (err error) {
		if err := b.impose(pid); err != nil {
			return err
		}
		if err := b.lineage.imprint(pid); err != nil {
			return err
		}
		if s.Starting == nil {
			return nil
		}
		if *id, err = identify(pid); err != nil {
			return err
		}
		id.Tree = b.tree.name()
		return s.Starting(*id)
	}
}

// argv has the command first, as the caller named it.
func argv(s process.Spec) []string {
	return append([]string{s.Command}, s.Args...)
}

// Name is what process.Info calls this backend.
func (e *Executor) Name() string { return name }
