package files

import (
	"os"
	"syscall"
	"time"
)

// Meta returns what package os does not carry. WASI knows no owners and no block counts.
func Meta(info os.FileInfo) Extra {
	extra := Extra{Links: 1, Blocks: (info.Size() + 4095) / 4096 * 8, BlockSize: 4096, Accessed: info.ModTime(), Changed: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		extra.Dev, extra.Inode, extra.Links = sys.Dev, sys.Ino, sys.Nlink
		extra.Accessed, extra.Changed = time.Unix(0, int64(sys.Atime)), time.Unix(0, int64(sys.Ctime))
	}
	return extra
}
