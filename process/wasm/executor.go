package wasm

import (
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"dappco.re/go/cloche/process/wasm/internal/wasi"
)

// Executor runs WebAssembly modules. It is safe for concurrent use.
type Executor struct {
	fsys     *fs.Fs
	limit    int64        // on each guest's memory
	clock    kernel.Clock // nil means the host's
	seed     *uint64      // nil means random bytes of the host
	hermetic *time.Time   // when time begins; nil unless WithHermetic
	table    *table
	modules  *moduleSet

	ctx  context.Context // ends when the executor is closed
	stop context.CancelCauseFunc

	mu     sync.Mutex
	closed bool
	starts sync.WaitGroup // guests, from the beginning of Start to their end
}

var _ process.Executor = (*Executor)(nil)

// New returns an executor over fsys, the Core's Fs, which stays the caller's. A
// nil fsys is one without files. The folder of the compile cache is first
// touched when a module is compiled.
func New(fsys *fs.Fs, opts ...Option) (*Executor, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	t, err := newTable(c.programs, c.path, c.fallback)
	if err != nil {
		return nil, err
	}
	e := &Executor{
		fsys:     fsys,
		limit:    c.maxMemory,
		seed:     c.seed,
		hermetic: c.hermetic,
		table:    t,
		modules:  newModuleSet(newCompiler(c, wasi.Instantiate).compile),
	}
	if c.clock != nil {
		e.clock = guestClock{c.clock}
	}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	return e, nil
}

// Name is "wasm".
func (e *Executor) Name() string { return "wasm" }

// Programs lists every command that the table knows, by name.
func (e *Executor) Programs() []ProgramInfo { return e.table.list() }

// Start runs s. It returns an error that matches process.ErrNotFound for an
// unknown command, process.ErrNotExecutable (and is a *ModuleError) for a file
// that cannot be run, and the cause of ctx when that ends before the module is
// ready. A compilation that nobody waits for any more is stopped, but may take a
// moment to notice; Close awaits it.
func (e *Executor) Start(ctx context.Context, s process.Spec) (process.Instance, error) {
	if s.Terminal != nil {
		return nil, &process.UnsupportedError{Backend: e.Name(), Field: "terminal", Fix: "run a native program, on the native backend: a guest has no terminal"}
	}
	if !e.enter() {
		return nil, process.ErrShutdown
	}
	i := &instance{spec: s, memory: newMemory(e.limitFor(s)), done: make(chan struct{})}
	i.onEnd(e.starts.Done)
	i.begin(ctx, e.ctx)
	i.tank = &tank{max: s.Limits.Fuel, kill: i.kill}
	err := e.prepare(i)
	if err == nil && s.Starting != nil {
		err = s.Starting(process.Identity{})
	}
	if err != nil {
		i.end()
		return nil, err
	}
	go i.run()
	return i, nil
}

// Adopt implements what [process.Service.Adopt] asks for. No guest outlives the
// program that runs it, so there is none to be found.
func (e *Executor) Adopt(context.Context, process.Identity) (process.Instance, error) {
	return nil, process.ErrGone
}

// prepare does all that can fail before the guest runs.
func (e *Executor) prepare(i *instance) error {
	m, err := e.ready(i)
	if err != nil {
		return err
	}
	i.module = m
	if err := m.outline.checkMemory(i.memory.limit); err != nil {
		return notExecutable(i.spec.Command, err)
	}
	if err := e.openOutput(i); err != nil {
		return err
	}
	t, err := e.tree(i.spec)
	if err != nil {
		return err
	}
	i.onEnd(t.close)
	return i.boot(e.system(), t)
}

// ready returns the module that the command names, ready to run.
func (e *Executor) ready(i *instance) (*module, error) {
	src, err := e.source(i.spec)
	if err != nil {
		return nil, err
	}
	m, release, err := e.modules.acquire(i.ctx, src)
	switch cause := context.Cause(i.ctx); {
	case err == nil:
		i.onEnd(release)
		return m, nil
	case cause != nil:
		return nil, cause
	case isNotExist(err):
		return nil, notFound(i.spec.Command)
	}
	return nil, notExecutable(i.spec.Command, err)
}

func (e *Executor) source(s process.Spec) (source, error) {
	if isPath(s.Command) {
		return newFileSource(e.fsys, s), nil
	}
	return e.table.find(s.Command)
}

func (e *Executor) limitFor(s process.Spec) int64 {
	if l := s.Limits.Memory; l > 0 {
		return min(l, e.limit)
	}
	return e.limit
}

// system is what a guest sees beside its Spec.
func (e *Executor) system() kernel.Config {
	if e.hermetic != nil {
		return kernel.Config{Clock: newCountedClock(*e.hermetic), Entropy: e.entropy(), Steady: true}
	}
	return kernel.Config{Clock: e.clock, Entropy: e.entropy()}
}

// entropy is where a guest's random bytes come from; nil means from the host.
func (e *Executor) entropy() io.Reader {
	if e.seed == nil {
		return nil
	}
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], *e.seed)
	return rand.NewChaCha8(key)
}

func (e *Executor) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.starts.Add(1)
	}
	return !e.closed
}

// Close kills every guest, awaits them, and frees all compiled code. Only the
// first call does anything, and a second returns without waiting for it.
func (e *Executor) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if first {
		e.stop(process.ErrShutdown)
		e.starts.Wait()
		e.modules.close()
	}
	return nil
}
