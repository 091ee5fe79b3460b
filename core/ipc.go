package core

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Message is what ACTION tells everybody: any type, by which receivers know it.
type Message any

// Query is what QUERY asks: any type, by which receivers know it.
type Query any

// ACTION tells msg to every handler, one after another in this goroutine, and
// returns when the last has returned. One that fails or panics keeps msg from no
// other; the Result joins their errors.
func (c *Core) ACTION(msg Message) Result {
	where := fmt.Sprintf("handler of message %T", msg)
	var errs []error
	for _, handle := range c.messages.all() {
		r := guard(where, func() Result { return handle(c, msg) })
		errs = append(errs, r.Err())
	}
	return outcome(errors.Join(errs...))
}

// RegisterAction adds a handler of all messages. It answers Ok(nil) for those
// that do not concern it, must not block, and can be called from any goroutine,
// from several at once. stop takes it off again; a message under way may still
// reach it.
func (c *Core) RegisterAction(handle func(*Core, Message) Result) (stop func()) {
	return c.messages.add(handle)
}

// QUERY asks the handlers in turn until one answers, and returns that answer. A
// failure with an error is an answer, a panic too; the zero Result is none. When
// nobody answers, it fails with a *NotRegisteredError.
func (c *Core) QUERY(q Query) Result {
	where := fmt.Sprintf("handler of query %T", q)
	for _, handle := range c.queries.all() {
		r := guard(where, func() Result { return handle(c, q) })
		if r.OK || r.Value != nil {
			return r
		}
	}
	return Fail(&NotRegisteredError{Kind: "query", Name: typeName(q), Fix: "register a handler that answers it with c.RegisterQuery"})
}

// RegisterQuery adds a handler of all queries. It answers the zero Result to
// those that it does not know. stop takes it off again.
func (c *Core) RegisterQuery(handle func(*Core, Query) Result) (stop func()) {
	return c.queries.add(handle)
}

// handlers is a list that is read far more often than changed: each change
// makes a new one, so that all may be walked without a lock.
type handlers[F any] struct {
	mu   sync.Mutex
	list []*F
}

func (h *handlers[F]) add(f F) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &f
	h.list = append(slices.Clip(h.list), p)
	return func() { h.remove(p) }
}

func (h *handlers[F]) remove(p *F) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(slices.Clone(h.list), func(q *F) bool { return q == p })
}

func (h *handlers[F]) all() []F {
	h.mu.Lock()
	list := h.list
	h.mu.Unlock()
	all := make([]F, len(list))
	for i, p := range list {
		all[i] = *p
	}
	return all
}
