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

// check refuses what cannot be honoured.
func check(s process.Spec) error {
	if len(s.Mounts) > 0 {
		return &process.UnsupportedError{Backend: name, Field: "mounts", Fix: useWasm}
	}
	if s.Starting != nil && !mayHold {
		return &process.UnsupportedError{Backend: name, Field: "starting", Fix: "only Linux can hold a process before its first instruction"}
	}
	if s.Terminal != nil && !hasTerminals {
		return &process.UnsupportedError{Backend: name, Field: "terminal", Fix: "run it on Linux, macOS or a BSD"}
	}
	for _, l := range []struct {
		field string
		set   bool
	}{
		{"memory", s.Limits.Memory != 0},
		{"descriptors", s.Limits.Descriptors != 0},
		{"written", s.Limits.Written != 0},
		{"created", s.Limits.Created != 0},
		{"fileSize", s.Limits.FileSize != 0},
		{"depth", s.Limits.Depth != 0},
		{"pathLength", s.Limits.PathLength != 0},
	} {
		if l.set {
			return &process.UnsupportedError{Backend: name, Field: "limits." + l.field, Fix: useWasm}
		}
	}
	return nil
}

// startError says which field of s made the host refuse to start program in dir.
// exec(2) and chdir(2) answer in the same words, so dir is tried again.
func startError(s process.Spec, program, dir string, err error) error {
	if why := prepared(err); why != nil {
		return why
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
	return &process.SpecError{Field: "command", Value: s.Command, Err: errno, Fix: "see what limits the host sets on processes and descriptors"}
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
	return &process.SpecError{Field: "dir", Value: dir, Err: err, Fix: "name a directory of the Fs that may be entered"}
}
