// Package kernel is what a guest process sees of a system: descriptors, a tree
// of files, clocks, entropy, and ways to wait.
//
// # Mechanism
//
// A Process owns a table of descriptors. A descriptor is a small number with
// rights; it refers to an open file description, which has an offset and flags
// and may be shared; that refers to an object: a file, a directory, the input or
// the output. Objects say what they can do by the small interfaces they
// implement (source, sink, waitable), so a new kind of object is a new file in
// this package and nothing else.
//
// Nothing here sees the guest's memory: calls take and fill byte slices, which
// the caller has bounds-checked, and file contents move between those slices and
// the fs.Node without a copy. Only the two streams that lead to a foreign
// io.Reader or io.Writer copy, because a call into those cannot be cancelled,
// and the guest's memory must be free for reuse once the guest is gone.
//
// # Waiting
//
// A waitable object never blocks. It answers EAGAIN, and rings a bell when that
// may have changed. Blocking is written once, above it, in await and Poll: both
// listen to bells, to the clock, and to the context that the Process was made
// with. When that context ends, every call that waits answers ErrStopped at once.
//
// # Errors
//
// Errors are syscall.Errno values or wrap one, except ErrNotCapable, which POSIX
// has no number for, and ErrStopped, which no guest sees. Each *fs.DeniedError is
// told to Config.Denied once, with the path as the guest gave it, cut off at 4095
// bytes; for an operation on a descriptor, that under which it was opened. What
// POSIX itself would answer, that a file does not exist or that two mounts are two
// filesystems (EXDEV), is an error and no refusal.
//
// # Limits
//
// An Account counts what all processes of a tree use. It is asked before anything
// is done, so a limit holds against any number of guests that race for it. It does
// not see what others do to the same files: a file that a host's program makes
// longer while a guest appends to it can end up longer than the guest alone could
// make it. Nor does it see that two names are one where the host folds case, or
// where one directory is mounted twice: for the depth of what is in them, these
// are different directories.
//
// # Locks
//
// In this order: atlas.moving, table.mu, description.mu, Account.growing, an
// object's own lock, atlas.mu, bell.mu. A description's lock is held during a read
// or write of a file, so that moving bytes and moving the offset are one step; it
// is never held while waiting. table.mu, atlas.mu and bell.mu are held for a few
// instructions only.
//
// atlas.moving and Account.growing belong to a whole tree of processes, and are
// taken only under the limits that need them, on depth and on the size of a file.
// The first is also held while Config.Denied is told of what failed.
//
// # Not promised
//
// File names are bytes on the host. A name there that is not UTF-8 is listed as
// it is, though the guest, whose paths must be UTF-8, cannot open it: a directory
// that looks empty but cannot be removed would be worse.
//
// An io.Writer that never returns cannot be stopped. Close waits closeGrace for
// it and then leaves its goroutine to the writer.
package kernel
