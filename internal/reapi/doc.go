// Package reapi names runs and trees of files by digests of messages of the Remote
// Execution API, version 2 (build/bazel/remote/execution/v2/remote_execution.proto
// in the repository bazelbuild/remote-apis), so that whatever speaks that API finds
// them under the same names.
//
// Only Command, Directory and Action are here, and they are only written. As the API
// has it, lists are in order and each message is the bytes that protocol buffers have
// for it with fields in order of their numbers, and those left out that are zero.
// RATIONALE.md says why this is not generated code; the module in the folder interop
// compares it with that.
package reapi
