package kernel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"dappco.re/go/cloche/fs"
)

// ErrNotCapable says that a descriptor lacks a right. WASI has an errno for it,
// POSIX has not.
var ErrNotCapable = errors.New("descriptor lacks the right")

// Config is all that a guest is given. The zero value grants nothing.
type Config struct {
	Args []string // with the program's name first
	Env  []string // "KEY=VALUE"
	// Root is the guest's whole file tree, mounts included; nil means no files.
	Root *fs.Fs
	// Cwd is an absolute path in Root, "" means "/". Unless it is "/", PWD in
	// the environment says so, if Env does not set PWD itself.
	Cwd string
	// Preopens are further absolute directories of Root to offer beside "/", for
	// programs that match prefixes; the kernel adds "." for Cwd, last, unless
	// that is "/".
	Preopens []string

	Stdin          io.ReadCloser // Close makes a blocked Read return; nil means EOF
	Stdout, Stderr io.Writer     // nil discards
	// Account is what the process shares with the others of its tree; nil means
	// that nothing is limited.
	Account *Account
	// Denied is told of every refusal; nil means nobody is. It is called on the
	// guest's goroutine, which waits for it.
	Denied func(*fs.DeniedError)
	// Outward is told of every symlink by the guest that climbs above Root, or
	// above the one of Mounts that it lies in; nil means nobody is.
	Outward func(OutwardLink)
	Mounts  []string // clean absolute directories of Root

	Clock   Clock     // nil means the host's
	Entropy io.Reader // nil means crypto/rand
	// Steady hides what the host adds to the content of files and input: numbers and
	// times of files, and how soon input comes. Stdin is read to its end before the
	// guest gets the first of it.
	Steady bool
}

// ConfigError says which part of a Config is wrong.
type ConfigError struct {
	Field string // as in "args", "env", "dir", "mounts"
	Value string // the culprit, as it was given
	Err   error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s %q: %v", e.Field, e.Value, e.Err) }
func (e *ConfigError) Unwrap() error { return e.Err }

// Process is one guest's view of the system. Its methods are safe for concurrent
// use.
type Process struct {
	ctx  context.Context
	done <-chan struct{}

	args, env []string
	clock     Clock
	entropy   io.Reader
	denied    func(*fs.DeniedError)
	outward   func(OutwardLink)
	mounts    []string
	account   *Account
	steady    *steady // nil unless Config.Steady

	root fs.Dir // nil without files
	fds  table

	exit atomic.Uint64 // hasExited and the code
}

const hasExited = 1 << 32

// New makes a process with descriptors 0, 1 and 2, and 3 and up for its
// directories. When ctx ends, every call that waits is woken; the caller still
// has to Close.
//
// New takes over cfg.Stdin, even when it fails.
func New(ctx context.Context, cfg Config) (*Process, error) {
	p := &Process{
		ctx:     ctx,
		done:    ctx.Done(),
		args:    cfg.Args,
		env:     cfg.Env,
		clock:   cfg.Clock,
		entropy: cfg.Entropy,
		denied:  cfg.Denied,
		outward: cfg.Outward,
		mounts:  cfg.Mounts,
		account: cfg.Account,
	}
	if p.account == nil {
		p.account = NewAccount(Limits{})
	}
	p.fds.account = p.account
	if p.clock == nil {
		p.clock = newHostClock()
	}
	if p.entropy == nil {
		p.entropy = rand.Reader
	}
	if cfg.Steady {
		p.steady = newSteady(p.clock.Now())
	}
	p.openStdio(cfg)
	err := check(cfg)
	if err == nil {
		err = p.openRoot(cfg)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// check finds the strings that cannot be handed to a C program.
func check(cfg Config) error {
	for _, s := range cfg.Args {
		if strings.IndexByte(s, 0) >= 0 {
			return &ConfigError{"args", s, errNUL}
		}
	}
	for _, s := range cfg.Env {
		if strings.IndexByte(s, 0) >= 0 {
			return &ConfigError{"env", s, errNUL}
		}
	}
	for _, dir := range cfg.Preopens {
		if !path.IsAbs(dir) {
			return &ConfigError{"mounts", dir, errRelative}
		}
	}
	if cfg.Cwd != "" && !path.IsAbs(cfg.Cwd) {
		return &ConfigError{"dir", cfg.Cwd, errRelative}
	}
	return nil
}

var (
	errNUL      = fmt.Errorf("holds a NUL byte: %w", syscall.EINVAL)
	errRelative = fmt.Errorf("is not an absolute path: %w", syscall.EINVAL)
)

func (p *Process) openStdio(cfg Config) {
	const in, out = streamRights | RightRead, streamRights | RightWrite
	stdin := newDescription(newInput(cfg.Stdin, cfg.Steady, p.done), 0)
	stdout := newDescription(newOutput(cfg.Stdout, stdoutIno), 0)
	stderr := stdout
	if sameWriter(cfg.Stdout, cfg.Stderr) {
		stdout.refs.Add(1)
	} else {
		stderr = newDescription(newOutput(cfg.Stderr, stderrIno), 0)
	}
	p.fds.entries = make([]entry, 0, 8)
	for _, e := range []entry{{desc: stdin, base: in}, {desc: stdout, base: out}, {desc: stderr, base: out}} {
		p.give(e)
	}
}

// give adds a descriptor that the process has from the start.
func (p *Process) give(e entry) error {
	if err := p.fds.force(); err != nil {
		e.release()
		return err
	}
	_, err := p.fds.add(e)
	return err
}

// openRoot opens the tree and offers its directories.
func (p *Process) openRoot(cfg Config) (err error) {
	cwd := path.Clean("/" + cfg.Cwd)
	if cfg.Root == nil {
		if cwd != "/" || len(cfg.Preopens) > 0 {
			return &ConfigError{"dir", cwd, syscall.ENOENT}
		}
		return nil
	}
	if p.root, err = cfg.Root.Dir(); err != nil {
		return &ConfigError{"dir", "/", err}
	}
	if err := p.preopen("/", "/"); err != nil {
		return &ConfigError{"dir", "/", err}
	}
	for _, dir := range cfg.Preopens {
		if err := p.preopen(dir, dir); err != nil {
			return &ConfigError{"mounts", dir, err}
		}
	}
	if cwd == "/" {
		return nil
	}
	if err := p.preopen(".", cwd); err != nil {
		return &ConfigError{"dir", cwd, err}
	}
	p.setPWD(cwd)
	return nil
}

func (p *Process) preopen(name, dir string) error {
	place, err := fs.Resolve(p.root, p.root, dir, fs.Follow|fs.Clamp)
	if err != nil {
		return err
	}
	defer place.Close()
	if max := p.account.limits.Depth; max != 0 && depth(place.Path()) > max {
		return &LimitError{LimitDepth, int64(max)}
	}
	var d fs.Dir
	if place.Name == "" {
		d, err = place.Dir.Dup()
	} else {
		d, err = place.Dir.OpenDir(place.Name)
	}
	if err != nil {
		return err
	}
	obj := p.newDirectory(d, dir, place.Path(), dir == "/")
	return p.give(entry{
		desc:       newDescription(obj, 0),
		base:       directoryRights,
		inheriting: directoryRights | fileRights,
		preopen:    name,
	})
}

// newDirectory takes over d, which the guest found at path and which is at where.
func (p *Process) newDirectory(d fs.Dir, path, where string, isRoot bool) *directory {
	obj := &directory{dir: d, path: path, where: where, account: p.account, steady: p.steady, isRoot: isRoot}
	p.account.atlas.enter(obj)
	return obj
}

// setPWD tells a guest its working directory, which WASI has no call for.
func (p *Process) setPWD(cwd string) {
	for _, kv := range p.env {
		if strings.HasPrefix(kv, "PWD=") {
			return
		}
	}
	p.env = append(p.env[:len(p.env):len(p.env)], "PWD="+cwd)
}

// Close closes every descriptor and ends the goroutines behind them. The guest
// must not be running any more. Close may be called again.
func (p *Process) Close() {
	p.fds.close()
	if p.root != nil {
		p.root.Close()
		p.root = nil
	}
}

// Exit records the guest's own exit. The first record stays.
func (p *Process) Exit(code uint32) { p.exit.CompareAndSwap(0, hasExited|uint64(code)) }

// Exited returns the exit code that the guest gave, if it gave one.
func (p *Process) Exited() (code uint32, ok bool) {
	v := p.exit.Load()
	return uint32(v), v&hasExited != 0
}

// Stopped reports whether the context has ended, so the guest must not go on.
func (p *Process) Stopped() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Args returns the arguments, the program's name first.
func (p *Process) Args() []string { return p.args }

// Env returns the environment.
func (p *Process) Env() []string { return p.env }

// Clock returns the guest's clock.
func (p *Process) Clock() Clock { return p.clock }

// entropyChunk is how many random bytes are made between two looks at the context.
const entropyChunk = 1 << 20

// Random fills b.
func (p *Process) Random(b []byte) error {
	for len(b) > 0 {
		if p.Stopped() {
			return ErrStopped
		}
		n := min(len(b), entropyChunk)
		if _, err := io.ReadFull(p.entropy, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
