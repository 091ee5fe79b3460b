package wasm

import (
	"cmp"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"

	"dappco.re/go/cloche/process"
)

// Program is a WebAssembly module that a command can name.
type Program struct {
	// Name is the module's name. It is also the one command that runs it,
	// unless Commands says otherwise.
	Name string
	// Commands are the commands that run it, for a module that holds many
	// programs and looks at argv[0] to know which is meant.
	Commands []string
	// Module returns the module's bytes, always the same. It is called when the
	// program is needed and its compiled code is not in memory, possibly from
	// several goroutines at once. The bytes are neither changed nor kept.
	Module func() ([]byte, error)
}

func (p Program) commands() []string {
	if len(p.Commands) == 0 {
		return []string{p.Name}
	}
	return p.Commands
}

// Source tells where a program comes from.
type Source string

const (
	Registered Source = "registered"  // WithPrograms
	ModulePath Source = "module path" // WithModulePath
	Fallback   Source = "fallback"    // WithFallback
	File       Source = "file"        // a path in the Core's Fs
)

// ProgramInfo describes one command.
type ProgramInfo struct {
	Name   string // the command
	Module string // the module that it runs, as in "userland" for "ls"
	Source Source
}

// table finds programs by name: those registered in code, then the module path,
// then the fallback. It never changes once made.
type table struct {
	registered map[string]*entry
	path       []iofs.FS
	fallback   map[string]*entry
}

// entry is a Program in the table. All commands of one Program share it, so
// that the module is fetched once.
type entry struct {
	program Program
	mu      sync.Mutex
	digest  *digest // of the module, once it has been fetched
}

func newTable(registered []Program, path []iofs.FS, fallback []Program) (*table, error) {
	t := &table{path: path}
	var err error
	if t.registered, err = index(registered); err != nil {
		return nil, err
	}
	if t.fallback, err = index(fallback); err != nil {
		return nil, err
	}
	return t, nil
}

func index(programs []Program) (map[string]*entry, error) {
	byName := make(map[string]*entry)
	for _, p := range programs {
		if p.Module == nil {
			return nil, &process.SpecError{Field: "program", Value: p.Name, Err: process.ErrInvalid, Fix: "set Program.Module"}
		}
		e := &entry{program: p}
		for _, name := range p.commands() {
			if !isName(name) {
				return nil, &process.SpecError{Field: "program", Value: name, Err: process.ErrInvalid,
					Fix: "give it a name without slash and NUL that does not end in .wasm: such a command is a path to a module"}
			}
			if _, taken := byName[name]; taken {
				return nil, &process.SpecError{Field: "program", Value: name, Err: process.ErrInvalid, Fix: "register each command once"}
			}
			byName[name] = e
		}
	}
	return byName, nil
}

// isName reports whether command is looked up in the table, and is not a path
// to a module.
func isName(command string) bool {
	return command != "" && command != "." && command != ".." && !isPath(command) && !strings.ContainsRune(command, 0)
}

func isPath(command string) bool {
	return strings.Contains(command, "/") || strings.HasSuffix(command, ".wasm")
}

// find returns the source of the module that command names.
func (t *table) find(command string) (source, error) {
	if !isName(command) {
		return nil, notFound(command)
	}
	if e, ok := t.registered[command]; ok {
		return e, nil
	}
	for _, dir := range t.path {
		// Like a shell, the search stops at the first file of that name: if it
		// cannot be read, running another one instead would surprise.
		if file := command + ".wasm"; iofs.ValidPath(file) {
			if _, err := iofs.Stat(dir, file); err == nil || !isNotExist(err) {
				return pathSource{dir: dir, file: file}, nil
			}
		}
	}
	if e, ok := t.fallback[command]; ok {
		return e, nil
	}
	return nil, notFound(command)
}

// Find returns the program that command names and where it comes from, as Start
// would find it. It knows no paths of modules.
func (e *Executor) Find(command string) (Program, Source, error) {
	return e.table.program(command)
}

func (t *table) program(command string) (Program, Source, error) {
	if isPath(command) {
		return Program{}, "", notFound(command)
	}
	src, err := t.find(command)
	switch s := src.(type) {
	case pathSource:
		return Program{Name: s.file, Module: s.fetch}, ModulePath, nil
	case *entry:
		if s == t.registered[command] {
			return s.program, Registered, nil
		}
		return s.program, Fallback, nil
	}
	return Program{}, "", err
}

func notFound(command string) error {
	return &process.SpecError{Field: "command", Value: command, Err: process.ErrNotFound,
		Fix: "name a program of the table, add its folder to the module path, or give the path of a .wasm file"}
}

// list describes every command that can be found, by name.
func (t *table) list() []ProgramInfo {
	seen := make(map[string]bool)
	var all []ProgramInfo
	add := func(p ProgramInfo) {
		if !seen[p.Name] {
			seen[p.Name] = true
			all = append(all, p)
		}
	}
	for name, e := range t.registered {
		add(ProgramInfo{Name: name, Module: e.program.Name, Source: Registered})
	}
	for _, dir := range t.path {
		files, _ := iofs.Glob(dir, "*.wasm") // a folder that cannot be read offers nothing
		for _, file := range files {
			if name := strings.TrimSuffix(file, ".wasm"); isName(name) {
				add(ProgramInfo{Name: name, Module: file, Source: ModulePath})
			}
		}
	}
	for name, e := range t.fallback {
		add(ProgramInfo{Name: name, Module: e.program.Name, Source: Fallback})
	}
	slices.SortFunc(all, func(a, b ProgramInfo) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// known returns the digest if the module has been fetched before: that of a
// registered program never changes.
func (e *entry) known() (digest, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.digest == nil {
		return digest{}, false
	}
	return *e.digest, true
}

func (e *entry) fetch() (b []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("module function panicked: %v", v)
		}
	}()
	return e.program.Module()
}

func (e *entry) remember(d digest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.digest = &d
}

func (e *entry) name() string { return e.program.Name }
