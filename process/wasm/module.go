package wasm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/meter"
	"github.com/tetratelabs/wazero/api"
)

const (
	pageSize    = 64 << 10
	wasiModule  = "wasi_snapshot_preview1"
	startExport = "_start"
	fixSize     = "build it in smaller parts"
	fixStart    = "build it as a command, with an exported function _start"
)

// ModuleError says why a file cannot be run as a program. It matches
// process.ErrNotExecutable.
type ModuleError struct {
	Problem string   // as in "it is a directory"
	Imports []string // what it wants and cannot have, as "module.name"
	Fix     string
	Err     error // what the engine said, if it was the engine
}

func (e *ModuleError) Error() string {
	s := process.ErrNotExecutable.Error() + ": " + e.Problem
	if len(e.Imports) > 0 {
		s += ": " + strings.Join(e.Imports, ", ")
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap makes the error match process.ErrNotExecutable and Err.
func (e *ModuleError) Unwrap() []error {
	if e.Err == nil {
		return []error{process.ErrNotExecutable}
	}
	return []error{process.ErrNotExecutable, e.Err}
}

var errTooLarge = &ModuleError{Problem: fmt.Sprintf("it is larger than %d bytes", MaxModuleSize)}

// hostFunctions are the functions that a module may import, by name.
type hostFunctions map[string]api.FunctionDefinition

// check reports as a *ModuleError why the module cannot run as a program.
func (o *outline) check(host hostFunctions) error {
	if err := o.checkImports(host); err != nil {
		return err
	}
	if o.tableMin > meter.MaxTableEntries {
		return &ModuleError{Problem: fmt.Sprintf("it wants tables of %d entries, and %d are allowed", o.tableMin, meter.MaxTableEntries)}
	}
	return o.checkStart()
}

func (o *outline) checkStart() error {
	kind, ok := o.exports[startExport]
	switch _, reactor := o.exports["_initialize"]; {
	case !ok && reactor:
		return &ModuleError{Problem: "it is a reactor (it exports _initialize), which cannot be run as a program", Fix: fixStart}
	case !ok:
		return &ModuleError{Problem: "it exports no function _start", Fix: fixStart}
	case kind != externFunc:
		return &ModuleError{Problem: fmt.Sprintf("its export _start is a %s, not a function", kind), Fix: fixStart}
	}
	return nil
}

func (o *outline) checkImports(host hostFunctions) error {
	var unknown, mistyped []string
	for _, i := range o.imports {
		full := i.module + "." + i.name
		def, ok := host[i.name]
		switch {
		case i.kind != externFunc:
			unknown = append(unknown, fmt.Sprintf("%s (a %s)", full, i.kind))
		case i.module != wasiModule || !ok:
			unknown = append(unknown, full)
		case int(i.typ) >= len(o.types) || !o.types[i.typ].is(def):
			mistyped = append(mistyped, full)
		}
	}
	const fix = "build it for WASI preview 1 (wasm32-wasip1), which offers the functions of " + wasiModule + " and nothing else"
	if len(unknown) > 0 {
		return &ModuleError{Problem: "it imports what a guest does not have", Imports: sorted(unknown), Fix: fix}
	}
	if len(mistyped) > 0 {
		return &ModuleError{Problem: "it imports functions with another signature than theirs", Imports: sorted(mistyped), Fix: fix}
	}
	return nil
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (t funcType) is(def api.FunctionDefinition) bool {
	return slices.Equal(t.params, def.ParamTypes()) && slices.Equal(t.results, def.ResultTypes())
}

// checkMemory reports whether a guest limited to limit bytes can start at all.
func (o *outline) checkMemory(limit int64) error {
	if need := o.memoryMin * pageSize; need > uint64(limit) {
		return &ModuleError{
			Problem: fmt.Sprintf("it needs %d bytes of memory to start, and the limit is %d", need, limit),
			Fix:     "raise the memory limit",
			Err:     &process.LimitError{Limit: process.LimitMemory, Max: limit},
		}
	}
	return nil
}

// notExecutable names the command that err is about. Errors that say all that
// is to be said, such as a refusal, pass unchanged.
func notExecutable(command string, err error) error {
	if denied, ok := errors.AsType[*process.DeniedError](err); ok {
		return denied
	}
	if errors.Is(err, syscall.EISDIR) {
		err = &ModuleError{Problem: "it is a directory"}
	}
	fix := "give a WebAssembly module built for WASI preview 1 (wasm32-wasip1)"
	if m, ok := errors.AsType[*ModuleError](err); ok && m.Fix != "" {
		fix = m.Fix
	}
	return &process.SpecError{Field: "command", Value: command, Err: err, Fix: fix}
}
