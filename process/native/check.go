package native

import (
	"errors"
	iofs "io/fs"
	"os"
	"syscall"

	"dappco.re/go/cloche/process"
)

// name is what the backend is called in errors and in process.Info.
const name = "native"

const useWasm = "run it as a WebAssembly program, on the wasm backend"

// check refuses what cannot be honoured for any program; bound judges the limits.
func check(s process.Spec) error {
	if len(s.Mounts) > 0 {
		return unsupported("mounts", useWasm)
	}
	if s.Terminal != nil && !hasTerminals {
		return unsupported("terminal", "run it on Linux, macOS or a BSD")
	}
	return nil
}

func unsupported(field, fix string) error {
	return &process.UnsupportedError{Backend: name, Field: field, Fix: fix}
}

// startError says which field of s made the host refuse to start program in dir.
// exec(2) and chdir(2) answer in the same words, so dir is tried again.
func startError(s process.Spec, program, dir string, err error) error {
	if why := prepared(err); why != nil {
		return why
	}
	if shortage(err) != "" {
		return short(s.Command, err)
	}
	if enter := enterable(dir); enter != nil {
		return dirError(s.Dir, enter)
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err
	}
	switch errno {
	case syscall.E2BIG:
		return &process.SpecError{Field: "args", Err: errno, Fix: "pass less in args and env, and large data as stdin or in a file"}
	case syscall.ENOENT:
		if _, err := os.Stat(program); err == nil {
			return notExecutable(s.Command, "install the interpreter that it names")
		}
		return notFound(s.Command, "it was removed while it was being started")
	case syscall.EACCES, syscall.EPERM, syscall.ENOEXEC:
		return notExecutable(s.Command, makeExecutable)
	case syscall.ETXTBSY:
		return &process.SpecError{Field: "command", Value: s.Command, Err: errno, Fix: "close the file, which is open for writing"}
	}
	return &process.SpecError{Field: "command", Value: s.Command, Err: errno, Fix: "see execve(2) for what it means"}
}

// shortage is how to mend that the host has run out of what every process takes,
// and "" for every other err.
func shortage(err error) (fix string) {
	errno, _ := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.EAGAIN:
		return "end processes of this user, or raise how many there may be: ulimit -u, and pids.max of the cgroup"
	case syscall.ENOMEM:
		return "free memory: the host has none for another process"
	case syscall.EMFILE:
		return "close descriptors of this program, or raise how many it may have: ulimit -n"
	case syscall.ENFILE:
		return "close descriptors anywhere on the host, or raise how many it may have: sysctl fs.file-max"
	}
	return ""
}

// short is err, said better if it is a shortage: without the host's names.
func short(command string, err error) error {
	fix := shortage(err)
	if fix == "" {
		return err
	}
	errno, _ := errors.AsType[syscall.Errno](err)
	return &process.SpecError{Field: "command", Value: command, Err: errno, Fix: fix}
}

const makeExecutable = "name an executable for this system, or make the file one (chmod +x)"

func notFound(command, fix string) error {
	return &process.SpecError{Field: "command", Value: command, Err: process.ErrNotFound, Fix: fix}
}

func notExecutable(command, fix string) error {
	return &process.SpecError{Field: "command", Value: command, Err: process.ErrNotExecutable, Fix: fix}
}

// dirError leaves out the host's name of the directory, which err may hold.
func dirError(dir string, err error) error {
	if _, denied := errors.AsType[*process.DeniedError](err); denied {
		return err
	}
	if pe, ok := errors.AsType[*iofs.PathError](err); ok {
		err = pe.Err
	}
	fix := shortage(err)
	if fix == "" {
		fix = "name a directory of the Fs that may be entered"
	}
	return &process.SpecError{Field: "dir", Value: dir, Err: err, Fix: fix}
}
