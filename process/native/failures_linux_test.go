package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// These roles play programs that fail to start processes. Each has its process to
// itself, so that it can count what is left behind.

// held is every way to start a process.
var held = map[string]process.Spec{
	"plain":   {Command: "true", Dir: "tmp"},
	"by path": {Command: "/bin/true", Dir: "tmp"},
	"limited": {Command: "true", Dir: "tmp", Limits: process.Limits{FileSize: 5000}},
	"told":    {Command: "true", Dir: "tmp", Starting: func(process.Identity) error { return nil }},
}

// holdings is what this program has, without a descriptor to find out: how many
// descriptors, goroutines and whether children.
func holdings() (h struct {
	descriptors, goroutines int
	children                bool
}) {
	for fd := range 1 << 10 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			h.descriptors++
		}
	}
	h.goroutines = runtime.NumGoroutine()
	_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
	h.children = err != unix.ECHILD
	return h
}

// attempt tells how start fails, in the words of its error and what is left
// behind, or "" if it does not.
func attempt(start func() (process.Instance, error)) string {
	before := holdings()
	i, err := start()
	if err == nil {
		_, err := i.Wait()
		must(err)
		return ""
	}
	told, ok := errors.AsType[*process.SpecError](err)
	if !ok {
		return fmt.Sprintf("%T: %v", err, err)
	}
	says := fmt.Sprintf("%s: %v", told.Field, told.Err)
	if told.Fix == "" {
		says += " (no fix)"
	}
	if after := holdings(); after != before {
		says += fmt.Sprintf(" (had %+v, has %+v)", before, after)
	}
	return says
}

// playFailing has all prepared, and then what it wants to start is no more what it
// was.
func playFailing() {
	root, err := os.Getwd()
	must(err)
	must(os.Mkdir("dir", 0o755))
	must(os.WriteFile("text", []byte("no program\n"), 0o755))
	must(os.WriteFile("lost", []byte("#!/no/such/interpreter\n"), 0o755))
	must(os.WriteFile("plain", []byte(script), 0o644))
	must(os.WriteFile("script", []byte(script), 0o755))
	program, err := os.ReadFile("/bin/true")
	must(err)
	must(os.WriteFile("busy", program, 0o755))
	busy, err := os.OpenFile("busy", os.O_WRONLY, 0)
	must(err)
	defer busy.Close()
	e := newTrue()
	for how, s := range held {
		for _, c := range []struct{ file, dir string }{
			{"busy", ""}, {"text", ""}, {"lost", ""}, {"plain", ""}, {"dir", ""}, {"gone", ""}, {"script", "gone"}, {"script", "text"},
		} {
			file, dir := root+"/"+c.file, root+"/"+c.dir
			says := attempt(func() (process.Instance, error) {
				i, err := e.launch(context.Background(), spec(s), file, dir)
				if err != nil {
					return nil, err
				}
				return i, nil
			})
			fmt.Printf("%s in %q, %s: %s\n", c.file, c.dir, how, says)
		}
	}
	stop := spec(process.Spec{Command: "true", Starting: func(process.Identity) error {
		return &process.SpecError{Field: "starting", Err: process.ErrShutdown, Fix: "start it later"}
	}})
	fmt.Println("stopped:", attempt(func() (process.Instance, error) { return e.Start(context.Background(), stop) }))
}

func TestWhatChangesWhileItIsStartedIsNamedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	want := []string{"stopped: starting: " + process.ErrShutdown.Error()}
	for how := range held {
		for what, says := range map[string]string{
			`busy in ""`:       "command: text file busy",
			`text in ""`:       "command: not an executable program",
			`lost in ""`:       "command: not an executable program",
			`plain in ""`:      "command: not an executable program",
			`dir in ""`:        "command: not an executable program",
			`gone in ""`:       "command: program not found",
			`script in "gone"`: "dir: no such file or directory",
			`script in "text"`: "dir: not a directory",
		} {
			want = append(want, what+", "+how+": "+says)
		}
	}
	assert.ElementsMatch(t, want, linesOf(playedBy(t, "failing")))
}

// playOutOfDescriptors has one descriptor more each time, until a start succeeds.
func playOutOfDescriptors() {
	e := newTrue()
	for how, s := range held {
		start := func() (process.Instance, error) { return e.Start(context.Background(), spec(s)) }
		var all unix.Rlimit
		must(unix.Getrlimit(unix.RLIMIT_NOFILE, &all))
		for n := uint64(3); ; n++ {
			must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: all.Max}))
			says := attempt(start)
			if says == "" {
				break
			}
			fmt.Println(how + ": " + says)
		}
		must(unix.Setrlimit(unix.RLIMIT_NOFILE, &all))
	}
}

func TestAStartWithoutDescriptorsSaysSoAndLeavesNothing(t *testing.T) {
	t.Parallel()
	said := linesOf(playedBy(t, "out of descriptors"))
	for how := range held {
		assert.Contains(t, said, how+": dir: too many open files")
		assert.Contains(t, said, how+": command: too many open files")
	}
	for _, line := range said {
		assert.Regexp(t, `^[a-z ]+: (dir|command): too many open files$`, line)
	}
}

// playOutOfProcesses is a user who has too many: root may have any number.
func playOutOfProcesses() {
	e := newTrue()
	haveThreads()
	if os.Getuid() == 0 {
		const nobody = 65534
		must(syscall.Setuid(nobody))
	}
	var all unix.Rlimit
	must(unix.Getrlimit(unix.RLIMIT_NPROC, &all))
	for how, s := range held {
		start := func() (process.Instance, error) { return e.Start(context.Background(), spec(s)) }
		must(unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 1, Max: all.Max}))
		says := attempt(start)
		must(unix.Setrlimit(unix.RLIMIT_NPROC, &all))
		fmt.Printf("%s: %s, then %q\n", how, says, attempt(start))
	}
}

// haveThreads makes more of them than the runtime will need when it can make none.
func haveThreads() {
	var all sync.WaitGroup
	const many = 20
	here := make(chan struct{})
	leave := make(chan struct{})
	for range many {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			here <- struct{}{}
			<-leave
		})
	}
	for range many {
		<-here
	}
	close(leave)
	all.Wait()
}

func TestAStartWithoutProcessesSaysSoAndLeavesNothing(t *testing.T) {
	t.Parallel()
	var want []string
	for how := range held {
		want = append(want, how+`: command: resource temporarily unavailable, then ""`)
	}
	assert.ElementsMatch(t, want, linesOf(playedBy(t, "out of processes")))
}

// newTrue has started a process before, so that Go's runtime has all that it keeps.
func newTrue() *Executor {
	fsys, err := fs.New("/")
	must(err)
	e := New(fsys, WithPath([]string{"/bin"}))
	i, err := e.Start(context.Background(), spec(held["plain"]))
	must(err)
	_, err = i.Wait()
	must(err)
	return e
}

func linesOf(said string) []string {
	return strings.Split(strings.TrimSuffix(said, "\n"), "\n")
}
