package native

import (
	"errors"
	iofs "io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// searchPath is the directories that programs are looked up in, all absolute.
type searchPath []string

func hostPath() searchPath {
	return newSearchPath(filepath.SplitList(os.Getenv("PATH")))
}

func newSearchPath(dirs []string) searchPath {
	var p searchPath
	for _, dir := range dirs {
		if filepath.IsAbs(dir) {
			p = append(p, dir)
		}
	}
	return p
}

// find returns the host's path of the program that command names.
func (e *Executor) find(command, dir string) (string, error) {
	if strings.ContainsRune(command, '/') || strings.ContainsRune(command, os.PathSeparator) {
		return e.findFile(command, dir)
	}
	return e.path.find(command)
}

// find goes on past a file that cannot be executed, as execvp(3) does, and past
// a directory, as shells do.
func (p searchPath) find(command string) (string, error) {
	answer := notFound(command, "install it, or give its directory to native.WithPath")
	if command == "" {
		return "", answer
	}
	for _, dir := range p {
		program, err := exec.LookPath(filepath.Join(dir, command))
		if err == nil {
			return program, nil
		}
		if errors.Is(err, iofs.ErrPermission) {
			answer = notExecutable(command, makeExecutable)
		}
	}
	return "", answer
}

// findFile resolves a command that holds a slash in the Fs. A last element that
// is a symlink is followed by hand, so that it means what it means in the Fs.
func (e *Executor) findFile(command, dir string) (string, error) {
	file := command
	if !path.IsAbs(file) {
		file = dir + "/" + file
	}
	const most = 40 // as the walk in package fs
	for range most {
		parent, base := path.Split(file)
		host, err := hostDir(e.fsys, parent)
		if err != nil {
			return "", fileError(command, err)
		}
		if base == "" || base == "." || base == ".." {
			return "", notExecutable(command, "it is a directory")
		}
		target, err := os.Readlink(filepath.Join(host, base))
		if err != nil {
			return executable(command, filepath.Join(host, base))
		}
		if path.IsAbs(target) {
			file = target
		} else {
			file = parent + target
		}
	}
	return "", notFound(command, "its symlinks go round in a circle")
}

func executable(command, file string) (string, error) {
	program, err := exec.LookPath(file)
	if err != nil {
		return "", fileError(command, err)
	}
	return program, nil
}

func fileError(command string, err error) error {
	if _, denied := errors.AsType[*process.DeniedError](err); denied {
		return err
	}
	if shortage(err) != "" {
		return short(command, err)
	}
	if errors.Is(err, iofs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return notFound(command, "a name that holds a slash is a path in the Fs")
	}
	return notExecutable(command, makeExecutable)
}

// hostDir is the host's path of the directory dir of fsys; "" is the root. A nil
// Fs denies.
func hostDir(fsys *fs.Fs, dir string) (string, error) {
	host, err := fsys.HostDir(dir)
	if err != nil {
		return "", dirError(dir, err)
	}
	return host, nil
}
