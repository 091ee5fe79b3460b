//go:build !linux

package native

import "syscall"

// cgroups are Linux's: elsewhere there are none.
type cgroups struct{}

func newCgroups() *cgroups { return nil }

func (*cgroups) make() *cgroup { return nil }

type cgroup struct{}

func (*cgroup) place(*syscall.SysProcAttr) {}
func (*cgroup) refused(error) bool         { return false }
func (*cgroup) kill()                      {}
func (*cgroup) vanish()                    {}
func (*cgroup) remove()                    {}
func (*cgroup) tree() string               { return "" }
