package process

import (
	"io"
	"time"

	"dappco.re/go/cloche/fs"
)

// Spec says what to run. The zero value of every field but Command grants
// nothing: no environment, no input, no files beyond the Core's own.
//
// A field that a backend cannot honour is an UnsupportedError, never ignored.
type Spec struct {
	// Command is a program's name, looked up by the backend: in PATH natively,
	// in the program table under wasm.
	Command string
	Args    []string // without the command itself
	// Dir is the working directory, a path in the Core's Fs, or, when Mounts is
	// given, a path as the process sees it. Empty means the root.
	Dir string
	// Env is the whole environment, as "KEY=VALUE". Empty means empty.
	Env []string

	// Stdin is read until EOF. Nil means EOF at once, unless OpenStdin is set.
	Stdin io.Reader
	// OpenStdin keeps the input open for Handle.Stdin. It excludes Stdin.
	OpenStdin bool
	// Stdout and Stderr, when set, get every byte as it comes, besides what is
	// captured. A writer that fails ends the process with its error.
	Stdout, Stderr io.Writer
	// Merge sends stderr to where stdout goes, in the order written.
	Merge bool
	// OutputFile, when set, is a file in the Core's Fs, as Dir is a directory there,
	// that both outputs are appended to, in the order written. It is made with mode
	// 0644 (before umask) if need be. What is written there is nowhere else: not
	// captured, not told, not counted; so Stdout, Stderr, Terminal and Limits.Output
	// are excluded. A native process has the file itself for its outputs, and goes on
	// writing when this program has died.
	OutputFile string
	// Terminal, when set, makes a terminal of that size the process's standard
	// streams and its controlling terminal. What it shows, echoed input and the
	// terminal's own changes (CR before LF) included, is Stdout, and there is no
	// Stderr. Input is typed: lines are read as they end, of at most 4095 bytes
	// (termios(3)) unless the program sets another mode, control characters do what
	// they do, and the end of Stdin is ^D. Env needs a TERM that fits, and an
	// interactive shell ignores SIGTERM, so SIGHUP is what asks it to end.
	// Handle.Resize changes the size. Only the native backend has terminals, and not
	// on Windows.
	Terminal *Terminal
	// Capture is how many bytes of each stream are kept: the first half and the
	// last half of them. Zero means DefaultCapture, less than zero none.
	Capture int

	// Timeout is how long the process may run. Zero means for ever.
	Timeout time.Duration
	// GracePeriod is the time between asking and killing. Zero means
	// DefaultGracePeriod, less than zero kills without asking.
	GracePeriod time.Duration
	Limits      Limits

	// Mounts, when not empty, is all that the process sees of any filesystem.
	Mounts []Mount
	// Detach lets the process outlive the ctx that it was started with, and the
	// service's shutdown.
	Detach bool

	// Starting, when set, is called before Start returns and before StartedEvent, as
	// soon as the process exists. The process is held meanwhile: it has not run an
	// instruction, and if this program dies before Starting returns, it never will.
	// So whoever writes the Identity down here loses no process. An error of
	// Starting ends the process, and is Start's.
	//
	// A guest is held like that, too, and its Identity is an ID alone, since it never
	// outlives this program. Natively only Linux can hold a process, on amd64 and
	// arm64, and not one that is setuid, setgid or has capabilities of its file, since
	// it would lose them, nor one of 32 bits: those are refused.
	Starting func(Identity) error

	// Denied, when set, is called for every refusal as it happens, each time, from
	// the process's own goroutine, which waits for it: nothing piles up. It must
	// not block.
	Denied func(*DeniedError)
	// OutwardLink, when set, is called in the same way for every symlink that the
	// process made and that leads out of what it was given. A native process is
	// not watched.
	OutwardLink func(OutwardLink)
}

// OutwardLink is a relative symlink that climbs above the root of the process's
// files, or above the mount that it lies in. The process itself cannot follow it,
// but a tool of the host that comes by later would.
//
// Whether it climbs is told from its text and from where it is made, moved or
// linked to: symlinks on the way of its target are not looked at, and those that
// move together with the directory around them are not looked for.
type OutwardLink struct {
	Path   string // where it is, as the process gave it
	Target string
}

// Mount puts a directory of an Fs into what the process sees.
type Mount struct {
	Fs       *fs.Fs // nil means the Core's Fs
	Source   string // a directory in Fs
	Target   string // an absolute slash path as the process sees it
	ReadOnly bool
}
