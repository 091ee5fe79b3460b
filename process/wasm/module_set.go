package wasm

import (
	"context"
	"crypto/sha256"
	"sync"

	"dappco.re/go/cloche/process"
)

// maxIdleModules is how many compiled modules are kept that no guest is using.
const maxIdleModules = 32

// moduleSet holds the modules that are ready to run, each compiled once however
// many starts ask for it at the same time.
//
// mu guards all fields, those of the slots too; nothing blocks while it is held.
type moduleSet struct {
	compile func(ctx context.Context, name string, d digest, b []byte) (*module, error)

	mu     sync.Mutex
	slots  map[digest]*slot
	idle   []*slot // without users, the one used least recently first
	closed bool
	work   sync.WaitGroup // compilations
}

// slot is one module, compiled or on its way.
type slot struct {
	digest digest
	users  int // starts that wait for it, and guests that run it
	cancel context.CancelFunc
	ready  chan struct{} // closed when the two below are set
	module *module
	err    error
}

func newModuleSet(compile func(context.Context, string, digest, []byte) (*module, error)) *moduleSet {
	return &moduleSet{compile: compile, slots: make(map[digest]*slot)}
}

// acquire returns the module of src, ready to run, and a function that the
// caller must call when it is done with it. When ctx ends the caller stops
// waiting, but the compilation goes on as long as anybody else waits for it.
func (s *moduleSet) acquire(ctx context.Context, src source) (*module, func(), error) {
	if d, ok := src.known(); ok {
		if slot := s.join(d, "", nil); slot != nil {
			return s.await(ctx, slot)
		}
	}
	b, err := src.fetch()
	if err != nil {
		return nil, nil, err
	}
	if len(b) > MaxModuleSize {
		return nil, nil, errTooLarge
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	d := digest(sha256.Sum256(b))
	src.remember(d)
	slot := s.join(d, src.name(), b)
	if slot == nil {
		return nil, nil, process.ErrShutdown
	}
	return s.await(ctx, slot)
}

// join adds a user to the slot of d. Without a slot it starts to compile b, or
// returns nil if there is no b or the set is closed.
func (s *moduleSet) join(d digest, name string, b []byte) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	sl, ok := s.slots[d]
	if !ok {
		if b == nil {
			return nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		sl = &slot{digest: d, cancel: cancel, ready: make(chan struct{})}
		s.slots[d] = sl
		s.work.Go(func() {
			defer cancel()
			sl.module, sl.err = s.compile(ctx, name, d, b)
			s.finish(sl)
		})
	}
	sl.users++
	s.dropIdle(sl)
	return sl
}

// finish publishes the outcome of a compilation. A failed one is forgotten, so
// that the next start tries again.
func (s *moduleSet) finish(sl *slot) {
	s.mu.Lock()
	abandoned := s.slots[sl.digest] != sl
	if sl.err != nil && !abandoned {
		delete(s.slots, sl.digest)
	}
	close(sl.ready)
	s.mu.Unlock()
	if abandoned && sl.module != nil {
		sl.module.close()
	}
}

func (s *moduleSet) await(ctx context.Context, sl *slot) (*module, func(), error) {
	select {
	case <-sl.ready:
	case <-ctx.Done():
		s.release(sl)
		return nil, nil, context.Cause(ctx)
	}
	if sl.err != nil {
		return nil, nil, sl.err
	}
	return sl.module, sync.OnceFunc(func() { s.release(sl) }), nil
}

// release takes a user away. The last one leaving stops a compilation under
// way, and makes a compiled module one to be evicted when there are too many.
func (s *moduleSet) release(sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.users--
	if sl.users > 0 || s.slots[sl.digest] != sl {
		return
	}
	select {
	case <-sl.ready:
		s.idle = append(s.idle, sl)
		s.evict()
	default:
		delete(s.slots, sl.digest)
		sl.cancel()
	}
}

func (s *moduleSet) evict() {
	for len(s.idle) > maxIdleModules {
		old := s.idle[0]
		s.idle = s.idle[1:]
		delete(s.slots, old.digest)
		old.module.close()
	}
}

func (s *moduleSet) dropIdle(sl *slot) {
	for i, other := range s.idle {
		if other == sl {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			return
		}
	}
}

// close stops every compilation, awaits it, and closes all modules. No guest
// may be running.
func (s *moduleSet) close() {
	s.mu.Lock()
	s.closed = true
	slots := s.slots
	s.slots = make(map[digest]*slot)
	s.idle = nil
	s.mu.Unlock()

	for _, sl := range slots {
		sl.cancel()
	}
	s.work.Wait()
	for _, sl := range slots {
		if sl.module != nil {
			sl.module.close()
		}
	}
}
