//go:build unix

package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// spawn starts a child that sleeps and holds all three streams, prints its
// number and exits; with "stay" it sleeps too, and with "setsid" the child
// leaves the process group.
func spawn(args []string) {
	self, err := os.Executable()
	must(err)
	attr := &os.ProcAttr{
		Env:   []string{},
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: len(args) > 0 && args[0] == "setsid"},
	}
	child, err := os.StartProcess(self, []string{self, "sleep"}, attr)
	must(err)
	write(os.Stdout, "child "+strconv.Itoa(child.Pid)+"\n")
	if len(args) > 0 && args[0] == "stay" {
		time.Sleep(time.Hour)
	}
}
