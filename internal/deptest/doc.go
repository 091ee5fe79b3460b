// Package deptest holds no code, only the test of what may import what, and that
// of the tests which CONTRIBUTING.md names. The tables in rules_test.go are the
// rules, with a reason per row.
//
// What a package imports is the union over Linux, macOS and Windows as the go
// command lists it, and over all source files whatever their build constraints,
// test files and files that the tag "ignore" keeps out of every build excepted.
package deptest
