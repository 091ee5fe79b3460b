package cli

import (
	"fmt"
	"io"
	iofs "io/fs"
	"path/filepath"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm"
	"dappco.re/go/cloche/process/wasm/userland"
)

// programs are the options that decide what a name means: the module file that
// was named, then --module-path, then the userland.
func (f runFlags) programs(stderr io.Writer) ([]wasm.Option, error) {
	options, err := f.table()
	if err == nil && !f.json {
		options = append(options, progress(stderr)...)
	}
	return options, err
}

func (f runFlags) table() ([]wasm.Option, error) {
	if f.found != nil {
		return []wasm.Option{wasm.WithPrograms(*f.found)}, nil
	}
	options, err := lookup(f.modulePath)
	if err == nil && isModuleFile(f.program) {
		options = append(options, wasm.WithPrograms(moduleFile(f.program)))
	}
	return options, err
}

// find returns the program that the flags name, and where that is.
func (f runFlags) find() (wasm.Program, wasm.Source, error) {
	options, err := f.table()
	if err != nil {
		return wasm.Program{}, "", err
	}
	executor, err := wasm.New(nil, options...)
	if err != nil {
		return wasm.Program{}, "", err
	}
	defer executor.Close()
	return executor.Find(f.command())
}

// lookup is the module path and, behind it, the userland.
func lookup(modulePath []string) ([]wasm.Option, error) {
	var dirs []iofs.FS
	for _, dir := range modulePath {
		d, err := fs.New(dir)
		if err != nil {
			return nil, fmt.Errorf("--module-path: %w", err)
		}
		dirs = append(dirs, d.IOFS())
	}
	return []wasm.Option{wasm.WithModulePath(dirs...), wasm.WithFallback(userland.Programs()...)}, nil
}

// isModuleFile reports whether program is a file of the host and not a name.
func isModuleFile(program string) bool { return strings.HasSuffix(program, ".wasm") }

// command is what the backend is asked for.
func (f runFlags) command() string {
	if f.native {
		return f.program
	}
	return commandOf(f.program)
}

// commandOf is the name that a program goes by, as its argv[0] too.
func commandOf(program string) string {
	if isModuleFile(program) {
		return strings.TrimSuffix(filepath.Base(program), ".wasm")
	}
	return program
}

// moduleFile is the program in a file of the host, read when it is run.
func moduleFile(file string) wasm.Program {
	return wasm.Program{
		Name: commandOf(file),
		Module: func() ([]byte, error) {
			dir, err := fs.New(filepath.Dir(file))
			if err != nil {
				return nil, err
			}
			defer dir.Close()
			return dir.Read(filepath.Base(file))
		},
	}
}
