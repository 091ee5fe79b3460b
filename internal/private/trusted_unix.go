//go:build unix

package private

import (
	"errors"
	iofs "io/fs"
	"os"
	"syscall"
)

// trusted reports whether only we can have written to a folder.
func trusted(info iofs.FileInfo) error {
	if !info.IsDir() {
		return syscall.ENOTDIR
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("others can write to it")
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return errors.New("it belongs to another user")
	}
	return nil
}
