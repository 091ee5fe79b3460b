package process

import (
	"fmt"
	"syscall"
)

// Limits bound what a process may use. Zero means no limit.
//
// Memory, Output and Fuel end the process. The others make a call of its fail with
// the errno that POSIX has for it; the process may well go on. Where the backend
// sees that, each refusal is a DeniedError around a LimitError. They hold for a
// process and all its descendants together, however many of them act at once;
// what others do to the same files does not count.
//
// A limit that a backend cannot honour is an UnsupportedError, unless BestEffort.
type Limits struct {
	Memory int64 // bytes of memory
	Output int64 // bytes written to stdout and stderr together
	// Fuel is how much it may compute, in units of about one simple instruction: an
	// addition or a branch is one, a load or a store 2, a call 4, a division 10, and of
	// what a bulk instruction fills or copies 16 bytes are one. Where the ways through
	// a piece of code part and meet again, the longest counts. System calls are not
	// counted, but as calls.
	//
	// It measures no time, and so is the same on every machine and in every run, as
	// long as the program, its input and what it is answered are: the clock and
	// random bytes never are. Another version of this module may count otherwise.
	Fuel int64

	// BestEffort is for limits that the backend cannot honour: they are left out,
	// or hold for each process and not for all together, instead of being refused.
	// Info.Unmet names them.
	BestEffort bool

	// Processes is how many processes and threads there may be at once (EAGAIN),
	// the first one included. A guest is one, and can start no other.
	Processes int
	// Descriptors is how many descriptors each process may have open at once
	// (EMFILE), standard streams and directories given at the start included,
	// though these are never refused. A guest has at most 1024, whatever is said
	// here.
	Descriptors int
	// Written is how many bytes may be written to files (EDQUOT), the same place
	// counting each time, and room that is allocated counting as written. A write
	// that would go beyond ends there, and the next one fails. To make a file
	// longer without writing leaves a hole, which FileSize bounds and not this.
	Written int64
	// Created is how many files, directories, symlinks and hard links may be
	// made (EDQUOT), those that were removed again included.
	Created int64
	// FileSize is how many bytes a file may have for it to be written or made
	// longer (EFBIG). As under RLIMIT_FSIZE (setrlimit(2)), a write that would
	// reach beyond it ends there, the next one fails, and nothing beyond it is
	// changed in a file that was longer all along. A native process that does not
	// ignore SIGXFSZ is ended by it then.
	FileSize int64
	// Depth is how deep below the process's root a directory may be for it to be
	// made, moved there, or used (ENAMETOOLONG): with 1, "/a" can hold files and
	// "/a/b" cannot be made.
	// Directories are where the process sees them: two mounts of one directory
	// are two, and what others move is not followed.
	Depth int
	// PathLength is how many bytes a path may have that the process gives
	// (ENAMETOOLONG), the target of a symlink included. No path is longer than
	// 4095, whatever is said here.
	PathLength int
}

// The names of limits in a LimitError.
const (
	LimitMemory      = "memory"
	LimitOutput      = "output"
	LimitFuel        = "fuel"
	LimitCapture     = "capture"
	LimitProcesses   = "processes"
	LimitDescriptors = "descriptors"
	LimitWritten     = "written"
	LimitCreated     = "created"
	LimitFileSize    = "file size"
	LimitDepth       = "depth"
	LimitPathLength  = "path length"
)

// LimitError says which of the Spec's limits was exceeded. It is the reason of an
// Exit, or the Err of a DeniedError, and then unwraps to the errno that the
// process got.
type LimitError struct {
	Limit string // LimitMemory or another of these names
	Max   int64
	Errno syscall.Errno // zero where the limit ended the process
}

func (e *LimitError) Error() string {
	switch e.Limit {
	case LimitFuel, LimitProcesses, LimitDescriptors, LimitCreated, LimitDepth:
		return fmt.Sprintf("%s limit of %d exceeded", e.Limit, e.Max)
	}
	return fmt.Sprintf("%s limit of %d bytes exceeded", e.Limit, e.Max)
}

// Unwrap returns the errno, nil where there is none.
func (e *LimitError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// checkLimits refuses what bounds nothing.
func checkLimits(spec *Spec) error {
	const bytes, number = "a number of bytes", "a number"
	l := spec.Limits
	for _, f := range []struct {
		field, want string
		value       int64
	}{
		{"memory", bytes, l.Memory},
		{"output", bytes, l.Output},
		{"fuel", number, l.Fuel},
		{"processes", number, int64(l.Processes)},
		{"descriptors", number, int64(l.Descriptors)},
		{"written", bytes, l.Written},
		{"created", number, l.Created},
		{"fileSize", bytes, l.FileSize},
		{"depth", number, int64(l.Depth)},
		{"pathLength", bytes, int64(l.PathLength)},
	} {
		if f.value < 0 {
			return invalid("limits."+f.field, fmt.Sprint(f.value), "give "+f.want+", or 0 for no limit")
		}
	}
	return nil
}
