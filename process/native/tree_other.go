//go:build !linux && !windows

package native

import (
	"os"
	"syscall"
)

// trees keep a process and its descendants together, where the system can. Here it
// cannot.
type trees struct{}

func newTrees() *trees { return nil }

func treesIn(string) *trees { return nil }

func (*trees) make() *tree { return nil }

type tree struct{}

func (*tree) place(*syscall.SysProcAttr)         {}
func (*tree) started(*os.Process) error          { return nil }
func (*tree) refused(error, string, string) bool { return false }
func (*tree) kill()                              {}
func (*tree) vanish()                            {}
func (*tree) remove()                            {}
func (*tree) name() string                       { return "" }
