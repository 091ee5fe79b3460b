package wasm

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"dappco.re/go/cloche/process/wasm/internal/meter"
)

const (
	// features are those of WebAssembly 2.0. Threads in particular are off: a
	// guest is one thread.
	features = api.CoreFeaturesV2
)

// compiler makes modules ready to run.
//
// Each module gets a runtime of its own, since wazero ties the folder of
// compiled code to the runtime, and only a folder per module can be checked
// and replaced as a whole. It also means that closing the runtime frees all
// that there is of the module. The price is one more set of host functions,
// well below a millisecond.
type compiler struct {
	host     func(context.Context, wazero.Runtime) error // instantiates the host functions
	progress func(Progress)

	openCache func() (*diskCache, error) // returns nil, nil when the cache is off
}

// module is compiled and can be instantiated any number of times at once.
type module struct {
	name     string
	outline  *outline
	runtime  wazero.Runtime
	cache    wazero.CompilationCache // nil without a folder
	compiled wazero.CompiledModule
	uncached error // why the code could not be stored, or nil
	once     sync.Once
}

func newCompiler(c config, host func(context.Context, wazero.Runtime) error) *compiler {
	open := func() (*diskCache, error) { return openDiskCache(c.cacheDir) }
	if c.cacheOff {
		open = func() (*diskCache, error) { return nil, nil }
	}
	progress := c.progress
	if progress == nil {
		progress = func(Progress) {}
	}
	return &compiler{host: host, progress: progress, openCache: sync.OnceValues(open)}
}

// compile makes module b ready. A Go panic below is an error like any other: b
// comes from anywhere.
func (c *compiler) compile(ctx context.Context, name string, d digest, b []byte) (m *module, err error) {
	defer func() {
		if v := recover(); v != nil {
			m, err = nil, fmt.Errorf("compiling %s: panic: %v\n%s", name, v, debug.Stack())
		}
	}()
	o, err := survey(b)
	if err != nil {
		return nil, err
	}
	j := &job{compiler: c, name: name, outline: o, binary: b}
	disk, cacheErr := c.openCache()
	if disk == nil {
		return j.uncached(ctx, cacheErr)
	}
	key := disk.key(d)
	if m := j.warm(ctx, disk, key); m != nil {
		return m, nil
	}
	return j.cold(ctx, disk, key)
}

// job is one module being compiled.
type job struct {
	*compiler
	name    string
	outline *outline
	binary  []byte
}

// warm uses the entry key, or returns nil if there is none that serves.
func (j *job) warm(ctx context.Context, disk *diskCache, key string) *module {
	dir := disk.lookup(key)
	if dir == "" {
		return nil
	}
	done := j.report(true)
	m, err := j.build(ctx, dir, func() ([]byte, error) { return os.ReadFile(filepath.Join(dir, meteredFile)) })
	if err == nil {
		done(nil, m.uncached)
		return m
	}
	done(err, nil)
	if ctx.Err() == nil {
		// Damaged or removed since it was looked up; if not, the cold try will say so.
		disk.discard(key)
	}
	return nil
}

// cold compiles, and keeps the code as the entry key if it can.
func (j *job) cold(ctx context.Context, disk *diskCache, key string) (*module, error) {
	temp, cacheErr := disk.temp()
	if cacheErr != nil {
		return j.uncached(ctx, cacheErr)
	}
	done := j.report(false)
	metered := sync.OnceValues(j.instrument)
	m, err := j.build(ctx, temp, metered)
	if onDisk(err) {
		cacheErr = err
		m, err = j.build(ctx, "", metered)
	}
	if err == nil && cacheErr == nil && m.uncached == nil {
		b, _ := metered() // which has succeeded
		cacheErr = os.WriteFile(filepath.Join(temp, meteredFile), b, 0o600)
	}
	switch {
	case err != nil || cacheErr != nil:
		_ = os.RemoveAll(temp)
	case m.uncached != nil:
		cacheErr = m.uncached
		_ = os.RemoveAll(temp)
	default:
		cacheErr = disk.publish(temp, key)
	}
	done(err, cacheErr)
	return m, err
}

func (j *job) uncached(ctx context.Context, why error) (*module, error) {
	done := j.report(false)
	m, err := j.build(ctx, "", j.instrument)
	done(err, why)
	return m, err
}

// instrument rewrites the module so that it can be stopped. The engine is shown only
// what went through this: it makes room for as many globals, say, as a module claims
// to have, which a short one can use to end this program.
func (j *job) instrument() ([]byte, error) {
	metered, err := meter.Instrument(j.binary)
	if large, ok := errors.AsType[*meter.TooLargeError](err); ok {
		return nil, &ModuleError{Problem: large.Error(), Fix: fixSize}
	}
	if err != nil {
		return nil, &ModuleError{Problem: "it is not a valid module", Err: err}
	}
	return metered, nil
}

// report announces the start and returns the function that announces the end.
func (j *job) report(warm bool) func(err, uncached error) {
	p := Progress{Program: j.name, Size: int64(len(j.binary)), Warm: warm}
	j.progress(p)
	start := time.Now()
	return func(err, uncached error) {
		p.Finished, p.Elapsed, p.Err, p.Uncached = true, time.Since(start), err, uncached
		j.progress(p)
	}
}

// build makes the module's runtime and compiles what metered returns into it, with
// wazero's cache in dir unless dir is empty. It leaves nothing behind when it fails.
func (j *job) build(ctx context.Context, dir string, metered func() ([]byte, error)) (_ *module, err error) {
	m := &module{name: j.name, outline: j.outline}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	// Debug information would name source lines in a trap's stack. But the engine
	// looks them up whenever a guest is ended, a killed one too, and for a guest
	// like CPython that takes seconds.
	conf := wazero.NewRuntimeConfig().WithCoreFeatures(features).WithDebugInfoEnabled(false)
	if dir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(dir)
		if m.uncached = err; err == nil {
			m.cache = cache
			conf = conf.WithCompilationCache(cache)
		}
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, conf)
	if err = errors.Join(j.host(ctx, m.runtime), instantiateFuel(ctx, m.runtime)); err != nil {
		return nil, fmt.Errorf("making the host functions: %w", err)
	}
	if err = j.outline.check(hostFunctionsOf(m.runtime)); err != nil {
		return nil, err
	}
	b, err := metered()
	if err != nil {
		return nil, err
	}
	if err = m.compile(ctx, b); err != nil {
		return nil, err
	}
	return m, nil
}

func hostFunctionsOf(r wazero.Runtime) hostFunctions {
	if m := r.Module(wasiModule); m != nil {
		return m.ExportedFunctionDefinitions()
	}
	return nil
}

func (m *module) compile(ctx context.Context, metered []byte) error {
	ctx = experimental.WithCompilationWorkers(ctx, max(2, runtime.GOMAXPROCS(0)))
	compiled, err := m.runtime.CompileModule(ctx, metered)
	if onDisk(err) {
		// The engine has the code and only failed to store it. Asked again it
		// answers from memory.
		m.uncached = err
		compiled, err = m.runtime.CompileModule(ctx, metered)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return &ModuleError{Problem: "it is not a valid module", Err: err}
	}
	m.compiled = compiled
	if start := compiled.ExportedFunctions()[startExport]; len(start.ParamTypes())+len(start.ResultTypes()) > 0 {
		return &ModuleError{Problem: "its function _start takes or returns values", Fix: fixStart}
	}
	return nil
}

// onDisk reports whether err comes from the filesystem and not from the module.
func onDisk(err error) bool {
	if _, ok := errors.AsType[*iofs.PathError](err); ok {
		return true
	}
	_, ok := errors.AsType[*os.LinkError](err)
	return ok
}

// close frees all that belongs to the module. No guest may be running it.
func (m *module) close() {
	m.once.Do(func() {
		ctx := context.Background()
		if m.runtime != nil {
			_ = m.runtime.Close(ctx) // fails only for guests that are still there
		}
		if m.cache != nil {
			_ = m.cache.Close(ctx)
		}
	})
}
