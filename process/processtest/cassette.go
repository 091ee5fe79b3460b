package processtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	iofs "io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// Cassette plays programs back that were recorded once, where they are installed,
// so that a test of what calls them runs anywhere. It is one text file, a txtar
// archive as Tree has it, with the folder 001 for the first process and so on:
//
//	001/call       what was started: command, args, dir, env, digests of Inputs
//	001/stdin      its input
//	001/stdout     its output; both streams, when they were merged
//	001/stderr
//	001/exit       its exit code, and the signal that ended it
//	001/files/...  the files of Fs that were new or changed when it had ended
//	001/removed/...
//
// A call plays back the first recording, not played yet, that has the same command,
// arguments, dir, environment, input and input files. The files come into Fs, and
// the output is written. A call that was not recorded does not start, and fails the
// test with what differs from the recording that comes next; so does a recording
// that is never played.
//
// # Not recorded
//
// Which files a program reads is not seen. All of Fs counts as read, unless Inputs
// says less; what else it reads, the host's own files above all, may have changed
// since, and the recording is played all the same. Modes and times of files are not
// kept, changes outside Fs are not seen, and everything that happens in Fs
// meanwhile counts as the program's. The input is read to its end before the
// program starts, so there is no dialogue, and the order of stdout and stderr is
// lost unless they are merged. Time does not pass: a long run is played back at
// once. Nothing is secret: variables and output are in the file.
type Cassette struct {
	Path string // of the file, relative to the package's directory
	// Fs is what the programs work in. All of it is read before and after each
	// recorded one, so it should be small.
	Fs *fs.Fs
	// Inputs are patterns, as for path.Match, of the files in Fs that the programs'
	// results depend on; a directory stands for all that is below it. Nil stands
	// for everything in Fs, empty for nothing.
	Inputs []string
	// IgnoreEnv names variables that are neither recorded nor compared, since they
	// differ from one machine to another, as PATH does.
	IgnoreEnv []string
	// Update records by Executor, one process at a time, and writes the file anew
	// at the end of a test that did not fail. Without it, Executor is not used and
	// may be nil. A flag is the usual way to ask for it; it belongs to the test.
	Update   bool
	Executor process.Executor
}

// Open returns the Executor that plays c, or records it, for the rest of t.
func (c Cassette) Open(t testing.TB) process.Executor {
	t.Helper()
	if c.Update {
		if c.Executor == nil {
			t.Fatalf("recording %s needs an Executor", c.Path)
		}
		r := &cassetteRecorder{Cassette: c, t: t}
		t.Cleanup(r.save)
		return r
	}
	p := &cassettePlayer{Cassette: c, t: t, takes: c.load(t)}
	t.Cleanup(p.checkAllPlayed)
	return p
}

// newTake reads what s is about, and returns the files that there are, too. It says
// why, if no recording can hold it.
func (c Cassette) newTake(ctx context.Context, s process.Spec) (take, archive, error) {
	if err := c.check(s); err != nil {
		return take{}, nil, err
	}
	input := s.Stdin.(io.ReadCloser)
	defer context.AfterFunc(ctx, func() { _ = input.Close() })()
	stdin, err := io.ReadAll(input)
	if ctx.Err() != nil {
		return take{}, nil, context.Cause(ctx)
	}
	if err != nil {
		return take{}, nil, fmt.Errorf("reading the input: %w", err)
	}
	files, err := readTree(c.Fs)
	return take{call: c.describe(s, files), stdin: string(stdin)}, files, err
}

func (c Cassette) check(s process.Spec) error {
	const fix = "leave it out: a cassette cannot record it"
	switch {
	case s.Terminal != nil:
		return &process.UnsupportedError{Backend: cassetteName, Field: "terminal", Fix: fix}
	case s.OutputFile != "":
		return &process.UnsupportedError{Backend: cassetteName, Field: "outputFile", Fix: fix}
	case s.Starting != nil:
		return &process.UnsupportedError{Backend: cassetteName, Field: "starting", Fix: fix}
	case len(s.Mounts) > 0:
		return &process.UnsupportedError{Backend: cassetteName, Field: "mounts", Fix: fix}
	}
	for _, pattern := range c.Inputs {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("the pattern %q of the cassette's inputs: %w", pattern, err)
		}
	}
	return nil
}

const cassetteName = "cassette"

// describe is a call as a text.
func (c Cassette) describe(s process.Spec, files archive) string {
	var b strings.Builder
	fmt.Fprintf(&b, "command %q\n", s.Command)
	for _, arg := range s.Args {
		fmt.Fprintf(&b, "arg %q\n", arg)
	}
	if s.Dir != "" {
		fmt.Fprintf(&b, "dir %q\n", s.Dir)
	}
	for _, kv := range s.Env {
		if key, _, _ := strings.Cut(kv, "="); !slices.Contains(c.IgnoreEnv, key) {
			fmt.Fprintf(&b, "env %q\n", kv)
		}
	}
	if s.Stdout == s.Stderr {
		b.WriteString("stderr goes to stdout\n")
	}
	for _, name := range files.paths() {
		if c.isInput(name) {
			fmt.Fprintf(&b, "input %q%s\n", name, files[name].digest())
		}
	}
	return b.String()
}

func (e entry) digest() string {
	switch e.kind {
	case iofs.ModeDir:
		return ""
	case iofs.ModeSymlink:
		return fmt.Sprintf(" -> %q", e.data)
	}
	return fmt.Sprintf(" sha256:%x", sha256.Sum256([]byte(e.data)))
}

func (c Cassette) isInput(name string) bool {
	if c.Inputs == nil {
		return true
	}
	for p := strings.TrimSuffix(name, "/"); p != "."; p = path.Dir(p) {
		if slices.ContainsFunc(c.Inputs, func(pattern string) bool {
			ok, _ := path.Match(path.Clean(pattern), p)
			return ok
		}) {
			return true
		}
	}
	return false
}
