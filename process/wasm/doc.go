// Package wasm runs WebAssembly modules built for WASI preview 1 as processes,
// under the wazero engine. A guest is a goroutine, not a process of the host,
// and reaches nothing but what its Spec names: its files go through package fs,
// and its system calls are those of internal/wasi, answered by internal/kernel.
//
// # Programs
//
// A command is a name in the program table: programs registered in code
// (WithPrograms), then name.wasm in the folders of WithModulePath, then
// WithFallback. A command that contains a slash or ends in ".wasm" is the path
// of a module in the Core's Fs; a relative one starts at Spec.Dir, as it does
// natively, unless Spec.Mounts is given, which makes Dir a path that only the
// guest has. argv[0] is the command as it was given, so that a module can hold many
// programs. Nothing else is ever tried, native programs least of all.
//
// # Files
//
// With Spec.Mounts a guest sees exactly those. Without, the Core's Fs is its
// root directory, unless that Fs is unrestricted: a guest gets the whole host
// from nobody by accident, so it then sees an empty root directory.
//
// # The way of a start
//
// The module's bytes are looked over (survey.go, module.go), metered, compiled or taken
// from the cache on disk (compile.go, cache.go), and kept compiled in memory
// (module_set.go). Then the guest's tree of files is built (tree.go), and its
// goroutine instantiates the module and calls _start (instance.go). How that
// ended becomes an Exit (exit.go).
//
// # Time and chance
//
// A guest sees the host's time and gets the host's random bytes, unless WithClock
// and WithSeed make both the program's own. Then, and with no files of the host's, what
// a guest does depends on its Spec alone. What two guests do to the same files, or over
// one pipe, still depends on which of them is faster.
//
// # Stopping
//
// When its context ends, a guest blocked in a system call returns from it at
// once. One that computes does so on fuel: every module is rewritten before it is
// compiled (internal/meter), so that a guest comes back after a bounded number of
// instructions, whatever they are, and is given more or ended (fuel.go). The host's
// collector, which has to wait for machine code, gets its turn then, too.
//
// # Locks
//
// Executor.mu and moduleSet.mu are never held together, and no lock is held
// while a guest runs, a module compiles, or a caller's function is called;
// only entry.mu is below moduleSet.mu, and both are held for moments.
package wasm
