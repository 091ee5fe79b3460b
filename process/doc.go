// Package process runs processes: the words for them (Spec, Handle, Exit,
// Event, the errors), and the one lifecycle that all backends share. What a
// process is, a native executable or a WebAssembly guest, is up to the Executor;
// everything a caller sees of it is made here and so is the same for all.
//
// # States
//
//	          Start          Executor.Start returned       ended by itself
//	(nothing) -----> pending ----------------------> running -------------> exited
//	                    |                              |
//	                    | could not start              | trap, backend failed
//	                    +-----------> failed <---------+
//	                                                   | signal, kill, deadline, limit,
//	                                                   | failing reader or writer, shutdown
//	                                                   +-------------> killed
//
// The last three are final. A process whose pending start was stopped is failed.
//
// # How a process ends
//
// It ends by itself, or it is stopped. The reasons to stop it are a kill,
// Spec.Timeout, the end of the ctx that it was started with, and shutdown, which
// ask first; and a limit, SIGKILL, or a caller's reader or writer that fails,
// which do not. The first reason is the one reported, whatever the process does
// from then on: one that leaves politely when its time is up has timed out.
//
// To ask is one Signal to the Instance, ever. To kill is to end the ctx that the
// Executor was given, with the reason as its cause, once. Between them lies the
// grace period; a later reason can shorten it and cannot extend it. A backend
// that has no signals is killed at once.
//
// All of this goes by the monotonic clock: to set the host's clock ends nothing
// sooner or later, and the time that the host sleeps does not count on Linux.
//
// Code 124 stands for a deadline and 137 for everything else that was stopped;
// the typed Exit.Reason says which, since a process may exit with these numbers
// by itself.
//
// # Adoption
//
// A process that this service did not start enters the same diagram by Adopt, as
// pending, with an Identity in the place of a program. What its streams are was
// decided at its start, so there is no output to follow; how it ended may be
// unknown, which is failed, with ErrExitUnknown, and never a code that was made up.
//
// # Output
//
// There are four ways to it. Spec.Stdout and Spec.Stderr, and the OutputEvents of
// WithEvents, get every byte, and the process waits for them. Handle.Follow and
// Service.Events are for any number of readers who come and go, and nobody waits
// for those.
//
// A follower pulls. What Spec.Capture keeps, head and tail of each stream, can be
// read by offset, so a follower is no more than two offsets: it begins at 0,
// whenever it comes, also after the end, and where the next byte was dropped it
// goes on at the next one that is kept and says how many are missing. It sleeps on
// a channel that is made when somebody sleeps, and that the next write closes:
// neither a follower nor a write ever waits for the other, but for the copying of
// 32 KiB.
//
// Service.Events queues. Each queue is bounded; what does not fit is dropped and
// counted in its place. Only ends are always let in, of processes whose start was,
// which bounds them too.
//
// # Terminals
//
// With Spec.Terminal both outputs are one, as with Merge. What else there is to a
// terminal is the backend's.
//
// # Callers' readers, writers and event receivers
//
// They are called from goroutines of their own. A slow one slows the process
// down, which is what keeps memory bounded, and it holds up neither kill nor
// deadline: 100 ms after the kill it is left behind, and only the one goroutine
// that is inside it remains, until it returns. So a Spec.Stdout that was still
// blocked when the process was killed may be in use after Wait; every other is
// the caller's again when Wait returns. Output is captured before it is passed
// on, so capture has what a writer that was left behind did not get.
//
// Spec.Stdin is read only when the process reads, and never further than it
// asked. When the process ends during a Read, SetReadDeadline interrupts it if
// the reader has that; a reader that has not keeps its goroutine until it
// returns, and must not be read by others before that.
//
// # What is promised about order
//
//   - All output is captured and passed on before Done is closed; Done is closed
//     before ExitedEvent is delivered.
//   - The events of one process are delivered one at a time: StartedEvent, then
//     OutputEvent, DeniedEvent, OutwardLinkEvent, LimitedEvent and AskedEvent as
//     things happened, then ExitedEvent, which is the last. A process that never ran has one
//     FailedEvent, which is the last too.
//   - Output of one stream is in order and without gaps, until 100 ms after a
//     kill: from then on, events for which a slow receiver has no room are
//     dropped. ExitedEvent never is.
//   - For whoever ranges over Service.Events, the same order holds, with MissedEvents
//     where others were dropped. Whoever got a StartedEvent gets the ExitedEvent.
//   - Each stream that is followed is in order, and its pieces and gaps add up to
//     all of it.
//   - Shutdown returns after the last events of what it stopped, unless ctx ends.
//
// Nothing is promised about the order of events of different processes, nor
// about that between stdout and stderr of one unless Spec.Merge made them one.
//
// # Locks
//
// No lock is held while code that is not of this package runs (an Executor, a
// reader, a receiver), with one exception: sink.serial and writer.serial are
// held while a caller's writer or logger blocks, and pump.serial while a reader does.
// These are taken by Write and Read alone, and, once nothing can block any more,
// by the end of the process; kill never needs them.
//
// The order is Service.mu, then Handle.mu, then capture.mu. subscribers.mu comes
// before bell.mu and after sink.serial. budget.mu, pump.mu, pipe.mu and bell.mu are
// leaves. sink.serial comes before writer.serial, and both come before Handle.mu.
package process
