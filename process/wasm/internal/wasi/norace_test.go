//go:build !race

package wasi_test

const underRace = false
