package cli

import (
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// A dirFlag is one --dir host[:guest][:ro].
type dirFlag struct {
	host, guest string
	readOnly    bool
}

// parseDir reads it from the right, so that a host path may hold colons when
// the guest path is given. Without one, the guest sees host below its root:
// "--dir ." is the root itself and "--dir src" is /src.
func parseDir(s string) (dirFlag, error) {
	var d dirFlag
	rest := s
	if before, ok := strings.CutSuffix(rest, ":ro"); ok {
		rest, d.readOnly = before, true
	} else {
		rest = strings.TrimSuffix(rest, ":rw")
	}
	d.host = rest
	if i := strings.LastIndexByte(rest, ':'); i > driveColon(rest) {
		d.host, d.guest = rest[:i], rest[i+1:]
		if !strings.HasPrefix(d.guest, "/") {
			return d, fmt.Errorf("--dir %q: the guest path %q is not absolute; write host:/guest, with :ro behind it for read-only", s, d.guest)
		}
	}
	if d.host == "" {
		return d, fmt.Errorf("--dir %q: the host directory is empty; write --dir . for this one", s)
	}
	if d.guest == "" {
		guest, err := guestFor(d.host)
		if err != nil {
			return d, fmt.Errorf("--dir %q: %w", s, err)
		}
		d.guest = guest
	}
	d.guest = path.Clean(d.guest)
	return d, nil
}

// driveColon is the index of the colon of a Windows drive, or -1.
func driveColon(s string) int {
	if runtime.GOOS == "windows" && len(s) > 1 && s[1] == ':' {
		return 1
	}
	return -1
}

func guestFor(host string) (string, error) {
	p := filepath.ToSlash(filepath.Clean(host))
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", fmt.Errorf("a directory above this one has no place in the guest; name it, as in %s:/src", host)
	}
	return path.Join("/", strings.TrimPrefix(p, filepath.ToSlash(filepath.VolumeName(host)))), nil
}

// openMounts opens every directory of dirs. The caller closes what it gets.
func openMounts(dirs []dirFlag) ([]process.Mount, func(), error) {
	var mounts []process.Mount
	closeAll := func() {
		for _, m := range mounts {
			m.Fs.Close()
		}
	}
	for _, d := range dirs {
		f, err := fs.New(d.host)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("--dir: %w", err)
		}
		mounts = append(mounts, process.Mount{Fs: f, Target: d.guest, ReadOnly: d.readOnly})
	}
	return mounts, closeAll, nil
}
