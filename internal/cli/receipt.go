package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/hermetic"
)

// source tells where all is that the flags name, seen from the receipt, if there is to
// be one.
func (f runFlags) source() (s hermetic.Source, err error) {
	if f.receipt == "" {
		return s, nil
	}
	dir, err := realDir(filepath.Dir(f.receipt))
	if err != nil {
		return s, fmt.Errorf("--receipt: %w", err)
	}
	seen := func(host string) (string, error) {
		host, err := filepath.Abs(host)
		if err != nil {
			return "", err
		}
		if rel, err := filepath.Rel(dir, host); err == nil {
			host = rel // on Windows there is none to another drive
		}
		if !utf8.ValidString(host) {
			return "", fmt.Errorf("--receipt: the path %q is not UTF-8, and so cannot be written down", host)
		}
		return filepath.ToSlash(host), nil
	}
	s.Program = f.program
	if isModuleFile(f.program) {
		if s.Program, err = seen(f.program); err != nil {
			return s, err
		}
	}
	for _, m := range f.modulePath {
		if m, err = seen(m); err != nil {
			return s, err
		}
		s.ModulePath = append(s.ModulePath, m)
	}
	if f.stdin != "" && f.stdin != "none" {
		if s.Stdin, err = seen(string(f.stdin)); err != nil {
			return s, err
		}
	}
	for _, d := range f.dirs {
		if err := outside(dir, d); err != nil {
			return s, err
		}
		host, err := seen(d.host)
		if err != nil {
			return s, err
		}
		s.Mounts = append(s.Mounts, host)
	}
	return s, nil
}

// outside refuses a receipt that would lie among what the program was given, so that
// the next run would be given more.
func outside(dir string, d dirFlag) error {
	host, err := realDir(d.host)
	if err != nil {
		return fmt.Errorf("--%s: %w", d.name(), err)
	}
	rel, err := filepath.Rel(host, dir)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil
	}
	return fmt.Errorf("--receipt: it would lie in %s, which the program sees, so that the next run would see more; write it elsewhere", d.host)
}

// realDir is the path of a directory without symlinks.
func realDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

func (r *recording) writeReceipt(file string, source hermetic.Source) error {
	if err := r.checkInputs(); err != nil {
		return err
	}
	receipt, err := hermetic.NewReceipt(source, r.given, r.result)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := receipt.Write(&text); err != nil {
		return err
	}
	dir, err := fs.New(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.WriteAtomic(filepath.Base(file), text.Bytes())
}
