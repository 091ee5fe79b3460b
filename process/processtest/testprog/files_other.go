//go:build !unix

package main

func wantErrors() {}
