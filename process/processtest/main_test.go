package processtest_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files of this package anew")

// failure is a test that keeps to itself how it fails.
type failure struct {
	testing.TB

	mu       sync.Mutex
	said     strings.Builder
	failed   bool
	cleanups []func()
}

// failing runs test to its end, cleanups included, and returns what it failed with.
func failing(t testing.TB, test func(t testing.TB)) string {
	t.Helper()
	f := &failure{TB: t}
	for todo := []func(){func() { test(f) }}; len(todo) > 0; {
		next := todo[len(todo)-1]
		done := make(chan struct{})
		go func() {
			defer close(done)
			next()
		}()
		<-done
		todo = append(todo[:len(todo)-1], f.cleanups...)
		f.cleanups = nil
	}
	return f.said.String()
}

func (f *failure) Helper()           {}
func (f *failure) Cleanup(do func()) { f.cleanups = append(f.cleanups, do) }

func (f *failure) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *failure) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
	fmt.Fprintf(&f.said, format+"\n", args...)
}

func (f *failure) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

func (f *failure) Fatal(args ...any) {
	f.Errorf("%s", fmt.Sprint(args...))
	runtime.Goexit()
}
