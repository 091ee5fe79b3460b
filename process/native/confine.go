package native

import "dappco.re/go/cloche/process"

// confinement is what [Confine] asks for.
type confinement struct {
	read []string // host paths that may be read and executed
}

// Confine has the kernel hold every process, and its descendants for ever, to what
// the Executor's Fs is: they read, write and execute in its directory, or only
// read and execute when it is an fs.ReadOnly, and everywhere else nothing. Paths
// of the host can be added, to be read and executed, and written if they are
// devices; [SystemFiles] are what a program of the system needs to start at all. A
// path that does not exist is left out. The program's own file needs no mention, and
// neither does the terminal of Spec.Terminal, by its name and as /dev/tty. To name
// /dev/tty here would let a process without one open this program's.
//
// A confined process has no privileges, and wins none but over a user namespace that
// it makes for itself. It makes no sockets but connected pairs (SOCK_STREAM and
// SOCK_SEQPACKET), sets no limits but its own (prlimit(2)), and traces and inspects
// nobody outside; from Linux 6.12 on it signals nobody outside either. Refusals come to it as EACCES or EPERM, and nobody
// is told: there are no DeniedEvents.
//
// It takes Linux 6.2 on amd64 or arm64, with Landlock (landlock(7)); from 6.12 on
// signals and abstract sockets are covered by it, too. Elsewhere every start is
// refused with a *process.UnsupportedError.
//
// Not covered: what does not open a file, such as stat(2), chmod(2), utime(2) and
// the existence of names, everywhere that the user may go; the processor, memory
// and time; and what the process was given: its input and outputs.
func Confine(read ...string) Option {
	return func(e *Executor) { e.confined = &confinement{read} }
}

// SystemFiles are the programs and libraries of the system, where most systems have
// them, and the devices that hold nothing.
func SystemFiles() []string {
	return []string{
		"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/etc/ld.so.cache", "/etc/alternatives",
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
	}
}

func cannotConfine(missing, fix string) error {
	return &process.UnsupportedError{Backend: name, Field: "confinement: " + missing, Fix: fix}
}
