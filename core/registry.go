package core

import (
	"path"
	"slices"
	"sync"
)

// Registry holds values by name, in the order in which the names came. The zero
// value is empty and open; NewRegistry gives it a word for its errors.
//
// A value can be disabled: it keeps its name, its place and its value, but Get
// refuses it and Each and List leave it out. Replacing it does not enable it.
type Registry[T any] struct {
	kind string // what the errors call an entry
	hint string // the Fix of a NotRegisteredError

	mu      sync.RWMutex
	state   registryState
	order   []string
	entries map[string]*entry[T]
}

type entry[T any] struct {
	value    T
	disabled bool
}

type registryState int

const (
	open registryState = iota
	sealed
	locked
)

// NewRegistry makes an empty registry whose errors call an entry a kind, as in
// "action".
func NewRegistry[T any](kind string) *Registry[T] { return &Registry[T]{kind: kind} }

// Set puts value under name, or in the place of the old value.
func (r *Registry[T]) Set(name string, value T) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return outcome(r.set(name, value))
}

// SetNew is Set for a name that must not be taken.
func (r *Registry[T]) SetNew(name string, value T) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[name] != nil {
		return Fail(&DuplicateError{Kind: r.kind, Name: name, Fix: "choose another name"})
	}
	return outcome(r.set(name, value))
}

// Get answers the value under name.
func (r *Registry[T]) Get(name string) Result {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, err := r.find(name)
	if err != nil {
		return Fail(err)
	}
	if e.disabled {
		return Fail(&DisabledError{Kind: r.kind, Name: name})
	}
	return Ok(e.value)
}

// GetOrSet answers the value under name after putting value there if there was
// none.
func (r *Registry[T]) GetOrSet(name string, value T) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[name]; e != nil {
		if e.disabled {
			return Fail(&DisabledError{Kind: r.kind, Name: name})
		}
		return Ok(e.value)
	}
	if err := r.set(name, value); err != nil {
		return Fail(err)
	}
	return Ok(value)
}

// Has tells whether the name is taken, be its value disabled or not.
func (r *Registry[T]) Has(name string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[name] != nil
}

// Names returns all names, those of disabled values too.
func (r *Registry[T]) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.order)
}

// List answers, as a []T, the enabled values whose names match the pattern of
// path.Match, as in "process.*".
func (r *Registry[T]) List(pattern string) Result {
	if _, err := path.Match(pattern, ""); err != nil {
		return Fail(E("Registry.List", "pattern "+pattern, err))
	}
	list := []T{}
	r.Each(func(name string, value T) {
		if ok, _ := path.Match(pattern, name); ok {
			list = append(list, value)
		}
	})
	return Ok(list)
}

// Each calls f for every enabled value that is there when Each is called. f may
// change the registry.
func (r *Registry[T]) Each(f func(name string, value T)) {
	for _, e := range r.snapshot() {
		f(e.name, e.value)
	}
}

// Len returns the number of names.
func (r *Registry[T]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.order)
}

// Delete frees the name.
func (r *Registry[T]) Delete(name string) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.find(name); err != nil {
		return Fail(err)
	}
	if r.state != open {
		return Fail(r.refusal(name))
	}
	delete(r.entries, name)
	r.order = slices.DeleteFunc(r.order, func(n string) bool { return n == name })
	return Ok(nil)
}

// Enable undoes Disable.
func (r *Registry[T]) Enable(name string) Result { return r.setDisabled(name, false) }

// Disable makes Get refuse the value under name.
func (r *Registry[T]) Disable(name string) Result { return r.setDisabled(name, true) }

// Lock refuses every change from now on.
func (r *Registry[T]) Lock() { r.setState(locked) }

// Seal fixes the set of names: none comes and none goes, but a value can be
// replaced, enabled and disabled.
func (r *Registry[T]) Seal() { r.setState(sealed) }

// Open undoes Lock and Seal.
func (r *Registry[T]) Open() { r.setState(open) }

func (r *Registry[T]) set(name string, value T) error {
	if name == "" {
		return E("Registry.Set", "a name is needed", nil)
	}
	e := r.entries[name]
	if r.state == locked || r.state == sealed && e == nil {
		return r.refusal(name)
	}
	if e != nil {
		e.value = value
		return nil
	}
	if r.entries == nil {
		r.entries = make(map[string]*entry[T])
	}
	r.entries[name] = &entry[T]{value: value}
	r.order = append(r.order, name)
	return nil
}

func (r *Registry[T]) setDisabled(name string, disabled bool) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(name)
	if err != nil {
		return Fail(err)
	}
	if r.state == locked {
		return Fail(r.refusal(name))
	}
	e.disabled = disabled
	return Ok(nil)
}

func (r *Registry[T]) setState(s registryState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
}

func (r *Registry[T]) find(name string) (*entry[T], error) {
	if e := r.entries[name]; e != nil {
		return e, nil
	}
	return nil, &NotRegisteredError{Kind: r.kind, Name: name, Fix: r.hint}
}

// lookup finds the value under name, be it disabled.
func (r *Registry[T]) lookup(name string) (value T, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.entries[name]
	if e == nil {
		return value, false
	}
	return e.value, true
}

func (r *Registry[T]) refusal(name string) error {
	state := "locked"
	if r.state == sealed {
		state = "sealed"
	}
	return &LockedError{Kind: r.kind, Name: name, State: state, Fix: "make the change before that"}
}

type named[T any] struct {
	name  string
	value T
}

func (r *Registry[T]) snapshot() []named[T] {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]named[T], 0, len(r.order))
	for _, name := range r.order {
		if e := r.entries[name]; !e.disabled {
			list = append(list, named[T]{name, e.value})
		}
	}
	return list
}
