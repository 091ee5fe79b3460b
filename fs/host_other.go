//go:build !(linux || darwin || freebsd)

package fs

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

func openHost(root string) (Dir, string, error) {
	d, err := openRootDir(root)
	if err != nil {
		return nil, "", err
	}
	host, err := filepath.Abs(root)
	if err == nil {
		host, err = filepath.EvalSymlinks(host)
	}
	if err != nil {
		d.Close()
		return nil, "", err
	}
	return d, host, nil
}

// hostRoot is the root of the working directory's volume.
func hostRoot() string {
	wd, err := os.Getwd()
	if err != nil {
		return string(filepath.Separator)
	}
	return filepath.VolumeName(wd) + string(filepath.Separator)
}

func openWhole() (Dir, error) { return openRootDir(hostRoot()) }

func restrict(d Dir) (Dir, error) { return d, nil }

// isHostDir cannot compare more than the kind: there are no inode numbers here.
func isHostDir(host string, _ Stat) bool {
	i, err := os.Lstat(host)
	return err == nil && i.IsDir()
}

func identify(iofs.FileInfo) (dev, ino, nlink uint64) { return 0, 0, 1 }

// posixErrno translates by the classes that package os knows; Windows's own
// numbers mean other things in POSIX.
func posixErrno(err syscall.Errno) error {
	if runtime.GOOS != "windows" {
		return err
	}
	const (
		errorNotSameDevice  = syscall.Errno(17)
		errorDiskFull       = syscall.Errno(112)
		errorDirNotEmpty    = syscall.Errno(145)
		errorDirectory      = syscall.Errno(267)
		errorFilenameTooBig = syscall.Errno(206)
	)
	switch err {
	case errorNotSameDevice:
		return syscall.EXDEV
	case errorDiskFull:
		return syscall.ENOSPC
	case errorDirNotEmpty:
		return syscall.ENOTEMPTY
	case errorDirectory:
		return syscall.ENOTDIR
	case errorFilenameTooBig:
		return syscall.ENAMETOOLONG
	}
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, iofs.ErrExist):
		return syscall.EEXIST
	case errors.Is(err, iofs.ErrPermission):
		return syscall.EACCES
	}
	return err
}

// syncDir has nothing to do: these systems cannot sync a directory.
func syncDir(*os.File) error { return nil }

// lockDir: Update needs flock(2) on a directory.
func lockDir(*os.File) error { return errors.ErrUnsupported }
