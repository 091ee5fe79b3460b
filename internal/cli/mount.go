package cli

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// A dirFlag is one --dir host[:guest][:ro] or --overlay host[:guest].
type dirFlag struct {
	host, guest       string
	readOnly, overlay bool
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
			return d, fmt.Errorf("the guest path %q is not absolute; write host:/guest, with :ro behind it for read-only", d.guest)
		}
	}
	if d.host == "" {
		return d, errors.New("the host directory is empty; write \".\" for this one")
	}
	if d.guest == "" {
		guest, err := guestFor(d.host)
		if err != nil {
			return d, err
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

// parseOverlay reads an --overlay, of which the guest sees no host path that it
// may not write.
func parseOverlay(s string) (dirFlag, error) {
	d, err := parseDir(s)
	if err == nil && d.readOnly {
		err = errors.New("an overlay is for writing; give --dir for a directory that stays as it is")
	}
	d.overlay = true
	return d, err
}

// opened are the directories of the flags, ready to be mounted.
type opened struct {
	bases    []*fs.Fs // the host's directories themselves
	mounts   []process.Mount
	overlays []overlay
}

// openDirs opens every directory of dirs, all or none.
func openDirs(dirs []dirFlag) (*opened, error) {
	var o opened
	for _, d := range dirs {
		if err := o.open(d); err != nil {
			o.close()
			return nil, err
		}
	}
	return &o, nil
}

func (o *opened) open(d dirFlag) error {
	f, err := fs.New(d.host)
	if err != nil {
		return fmt.Errorf("--%s: %w", d.name(), err)
	}
	o.bases = append(o.bases, f)
	if !d.overlay {
		o.mounts = append(o.mounts, process.Mount{Fs: f, Target: d.guest, ReadOnly: d.readOnly})
		return nil
	}
	layer, err := fs.Overlay(f)
	if err != nil {
		return fmt.Errorf("--overlay: %w", err)
	}
	o.overlays = append(o.overlays, overlay{layer, d.host, d.guest})
	o.mounts = append(o.mounts, process.Mount{Fs: layer.Fs, Target: d.guest})
	return nil
}

// name is that of the flag.
func (d dirFlag) name() string {
	if d.overlay {
		return "overlay"
	}
	return "dir"
}

func (o *opened) close() {
	for _, m := range o.mounts {
		m.Fs.Close()
	}
	for _, f := range o.bases {
		f.Close() // again, for one that is mounted itself
	}
}
