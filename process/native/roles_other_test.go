//go:build !linux

package native

var roles map[string]func()
