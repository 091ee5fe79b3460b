package process

import "sync"

// bell wakes any number of goroutines at once, and whoever rings it waits for
// none of them. The zero value is ready.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // nil while nobody listens
}

// listen returns a channel that the next ring closes. Who listens first, then
// looks for news, and only then waits, misses none.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
