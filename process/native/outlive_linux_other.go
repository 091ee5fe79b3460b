//go:build linux && !amd64 && !arm64

package native

import "golang.org/x/sys/unix"

const canOutlive = false

type registers struct{}

func registersOf(int) (registers, error) { return registers{}, unix.ENOSYS }

func (*registers) load(int) error                               { return unix.ENOSYS }
func (*registers) at() uintptr                                  { return 0 }
func (*registers) call(_, _, _ uint64) (code []byte, err error) { return nil, unix.ENOSYS }
func (*registers) result() int64                                { return 0 }
