//go:build linux

package files

import (
	"os"
	"syscall"
	"time"
)

// Meta returns what package os does not carry.
func Meta(info os.FileInfo) Extra {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Extra{Links: 1, Blocks: (info.Size() + 511) / 512, BlockSize: 4096}
	}
	return Extra{
		Dev: uint64(sys.Dev), Inode: sys.Ino, Links: uint64(sys.Nlink), UID: sys.Uid, GID: sys.Gid,
		Blocks: sys.Blocks, BlockSize: int64(sys.Blksize),
		Accessed: time.Unix(sys.Atim.Unix()), Changed: time.Unix(sys.Ctim.Unix()),
	}
}
