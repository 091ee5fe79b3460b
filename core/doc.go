// Package core is the container: it holds named services, named actions and
// messages between them, and hands out the two capabilities that a program
// needs of its host, a filesystem (Core.Fs) and processes (Core.Process). It
// knows no backend of either: what was not registered cannot be done, and says
// so.
//
// # Answers
//
// Everything answers a Result. A refusal is a failed Result whose error names
// the culprit and the way to mend it, and which errors.Is and errors.As see
// through. Nothing here panics into its caller: actions, message handlers,
// service hooks and options all run under recover, and a panic becomes a
// *PanicError.
//
// # Order
//
// New applies its options in order, then runs the service factories in order,
// so that a factory finds the Core's options and Fs whatever their place in the
// list. Services start in registration order and stop in reverse. Broadcasts
// and queries call their handlers in registration order, in the goroutine of
// the caller.
//
// # Locks
//
// Every type here is safe for concurrent use, except Options, which is a plain
// value: copy it. Locks are leaves: none is held while foreign code runs or
// another is taken, so a handler may call anything. The one exception is the
// lifecycle: ServiceStartup and ServiceShutdown exclude each other, so a service
// hook must not call either.
package core
