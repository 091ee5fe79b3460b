// Package realprograms holds integration tests only. They run programs that
// nobody here wrote and that know nothing of this library, unmodified, in the
// sandbox: shfmt and gojq (Go), the shell of SQLite (C) and CPython.
//
// A test fetches a program from where its authors publish it and builds it the
// first time, and keeps it in the folder cloche-test of os.UserCacheDir. What an
// answer must be is told by the same program running natively, or where there is
// no native twin by the program's own documentation.
//
// A test whose build tool is missing says what to install and skips. With
// CLOCHE_CI set in the environment it fails instead.
package realprograms
