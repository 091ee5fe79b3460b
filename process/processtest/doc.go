// Package processtest helps to test what runs processes, and the backends that
// run them.
//
// # For tests of programs
//
// A test that must come out the same on every machine has four ways, from the
// quickest to the truest:
//
//   - Fake plays programs by Go functions, or by Answers; Record tells what was called.
//   - Cassette plays back what real programs did once.
//   - Core runs programs as WebAssembly guests, over files, a clock and a seed of the
//     test's. Script does so from the scripts of testscript.
//   - Both compares what the native program and the guest do.
//
// Fixture makes files of a txtar archive, Tree makes an archive of files, and Golden
// compares with a file. Nothing here registers a flag or keeps state: whether to
// write golden files and cassettes anew is each call's own argument. All of it may
// be used by tests that run in parallel, and ends with the test that it was given.
//
// # For tests of backends
//
// Run is the suite that every backend passes; Differential compares two of them,
// Flat looks for what many runs leave behind, Strict holds both sides of the seam
// to their contract, and Build makes the program that they run.
//
// # Imports
//
// This package knows no backend: the test hands it the ones that it wants, so that
// one with a Fake carries no WebAssembly engine.
package processtest
