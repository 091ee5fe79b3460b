package wasm

import (
	iofs "io/fs"
	"time"

	"dappco.re/go/cloche/process"
)

// DefaultMemoryLimit is the memory a guest may use at most, unless
// WithMemoryLimit says otherwise: 1 GiB.
const DefaultMemoryLimit = 1 << 30

// maxMemory is what 32-bit WebAssembly can address.
const maxMemory = 4 << 30

// Option configures an Executor.
type Option func(*config)

type config struct {
	programs  []Program
	path      []iofs.FS
	fallback  []Program
	cacheDir  string
	cacheOff  bool
	progress  func(Progress)
	maxMemory int64
	clock     *Clock     // nil means the host's
	seed      *uint64    // nil means that of the host
	hermetic  *time.Time // when time begins; nil means that guests see more than they are given
}

func newConfig(opts []Option) (config, error) {
	c := config{maxMemory: DefaultMemoryLimit}
	for _, o := range opts {
		o(&c)
	}
	if c.maxMemory < pageSize {
		return config{}, &process.SpecError{Field: "memory limit", Err: process.ErrInvalid, Fix: "give a guest at least 65536 bytes"}
	}
	c.maxMemory = min(c.maxMemory, maxMemory)
	return c, nil
}

// WithPrograms adds programs that are looked up before all others.
func WithPrograms(p ...Program) Option {
	return func(c *config) { c.programs = append(c.programs, p...) }
}

// WithModulePath adds folders in which a command's name, with ".wasm" added, is
// looked up in the order given, after the programs of WithPrograms. A file is
// read at every start, so that a new build is used at once.
func WithModulePath(dirs ...iofs.FS) Option {
	return func(c *config) { c.path = append(c.path, dirs...) }
}

// WithFallback adds programs that are looked up last, as in
// WithFallback(userland.Programs()...).
func WithFallback(p ...Program) Option {
	return func(c *config) { c.fallback = append(c.fallback, p...) }
}

// WithCacheDir says where compiled modules are kept. Without it that is the
// folder cloche in os.UserCacheDir. What lies there is machine code that will
// be run: a folder that others can write to is not used.
func WithCacheDir(dir string) Option {
	return func(c *config) { c.cacheDir, c.cacheOff = dir, false }
}

// WithoutCache keeps compiled modules in memory only.
func WithoutCache() Option {
	return func(c *config) { c.cacheOff = true }
}

// WithMemoryLimit is the memory in bytes that any one guest may use, whatever
// its Spec says; Spec.Limits.Memory can only lower it. It is rounded down to
// pages of 64 KiB.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) { c.maxMemory = bytes }
}

// WithClock has guests see c in the place of the host's time. What they do to files
// is dated by the filesystem: one in memory takes a clock, too (fs.WithClock).
func WithClock(c *Clock) Option {
	return func(conf *config) { conf.clock = c }
}

// WithSeed makes the random bytes of guests the same at every run and on every
// machine: each guest gets those of ChaCha8 (math/rand/v2) with this seed, from
// their beginning, so that what it does depends neither on what ran before it nor
// on what runs beside it. Two guests get the same bytes, then. They are no secret:
// no key should be made of them.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = &seed }
}

// WithProgress has f called when a module must be made ready: once before, and
// once after. A module that is already in memory calls for neither. f may be
// called from several goroutines at once, and must not block.
func WithProgress(f func(Progress)) Option {
	return func(c *config) { c.progress = f }
}

// Progress tells about a module being made ready to run.
type Progress struct {
	Program string // the module's name
	Size    int64  // of the module, in bytes
	// Warm says that compiled code comes from the cache. A warm start that
	// fails, because the cache was damaged meanwhile, is followed by a cold one.
	Warm     bool
	Finished bool
	// The rest is set when Finished.
	Elapsed time.Duration
	Err     error // why the module cannot be used
	// Uncached is why the compiled code could not be kept, which costs nothing
	// but the next compilation. It is nil when the cache is off.
	Uncached error
}
