package process

import (
	"context"
	"iter"
	"sync"
)

// Events returns the events of all processes from this call on, not only from
// where ranging over them begins: a process that is started next is told of from
// its start, and one that runs already from here on. It ends when ctx ends, and,
// when all is delivered, after Shutdown with the last process. It is for one
// range, and whoever may never begin that gives a ctx that ends.
//
// Nobody waits for whoever is slow. It may lag behind by 1024 events, and besides
// by 1 MiB of output in at most 1024 events; what comes then is dropped, and
// counted by a MissedEvent in its place. A flood of output displaces only output.
// The end is never missed: whoever got a StartedEvent, or listened while the
// process ran, gets its ExitedEvent. A process whose StartedEvent was dropped is
// not told of at all.
//
// For the output of one process without loss there is Handle.Follow; for every
// event, at the price that processes wait, WithEvents.
func (s *Service) Events(ctx context.Context) iter.Seq[Event] {
	if s.refused() != nil {
		return func(func(Event) bool) {}
	}
	sub := s.subscribers.add()
	unwatch := context.AfterFunc(ctx, func() { s.subscribers.remove(sub) })
	return func(yield func(Event) bool) {
		defer unwatch()
		defer s.subscribers.remove(sub)
		for ctx.Err() == nil {
			news := sub.news.listen()
			e, over := s.subscribers.next(sub)
			switch {
			case e != nil:
				if !yield(e) {
					return
				}
				continue
			case over:
				return
			}
			select {
			case <-news:
			case <-ctx.Done():
			}
		}
	}
}

// subscribers are all who wait for Service.Events. The zero value has none.
type subscribers struct {
	mu   sync.Mutex
	all  map[*subscription]struct{}
	over bool // nothing happens any more
}

// subscription is one of them; its service's subscribers.mu guards all but news.
type subscription struct {
	waiting backlog
	unheard map[string]struct{} // processes that run and whose start was dropped
	over    bool                // nothing is added any more
	news    bell
}

func (s *subscribers) add() *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := &subscription{unheard: make(map[string]struct{}), over: s.over}
	if !s.over {
		if s.all == nil {
			s.all = make(map[*subscription]struct{})
		}
		s.all[sub] = struct{}{}
	}
	return sub
}

func (s *subscribers) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sub)
	sub.over, sub.waiting, sub.unheard = true, backlog{}, nil
	sub.news.ring()
}

func (s *subscribers) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) > 0
}

func (s *subscribers) next(sub *subscription) (e Event, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sub.waiting.take(), sub.over
}

// end says that nothing happens any more.
func (s *subscribers) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for sub := range s.all {
		sub.over = true
		sub.news.ring()
	}
	s.all = nil
}

// before holds back the events of a process until its start is told, for a quick
// one may write before that. subscribers.mu guards it.
type before struct {
	begun   bool
	waiting backlog
}

// publish waits for nobody.
func (s *subscribers) publish(b *before, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.all) == 0:
	case b.begun:
		s.tellLocked(e)
	default:
		b.waiting.add(e)
	}
}

// begin tells first, and then what was held back.
func (s *subscribers) begin(b *before, first ...Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range append(first, b.waiting.events...) {
		s.tellLocked(e)
	}
	*b = before{begun: true}
}

func (s *subscribers) tellLocked(e Event) {
	for sub := range s.all {
		sub.add(e)
		sub.news.ring()
	}
}

func (s *subscription) add(e Event) {
	id := e.ProcessID()
	if _, unheard := s.unheard[id]; unheard {
		s.waiting.miss(1)
		if _, ended := e.(ExitedEvent); ended {
			delete(s.unheard, id)
		}
		return
	}
	kept := s.waiting.add(e)
	if _, started := e.(StartedEvent); started && !kept {
		s.unheard[id] = struct{}{}
	}
}
