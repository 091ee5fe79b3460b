//go:build !unix

package main

func spawn([]string) { fail("there are no children here") }
