package process

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// complete checks spec and returns a copy that shares nothing the caller may
// change, with every default in place.
func complete(spec Spec) (Spec, error) {
	for _, check := range []func(*Spec) error{
		checkCommand, checkEnv, checkStreams, checkTerminal, checkTimeout, checkLimits, checkMounts,
	} {
		if err := check(&spec); err != nil {
			return Spec{}, err
		}
	}
	spec.Args = slices.Clone(spec.Args)
	spec.Env = lastOfEach(spec.Env)
	spec.Mounts = cleanMounts(spec.Mounts)
	if spec.GracePeriod == 0 {
		spec.GracePeriod = DefaultGracePeriod
	}
	return spec, nil
}

func invalid(field, value, fix string) error {
	return &SpecError{Field: field, Value: clip(value), Err: ErrInvalid, Fix: fix}
}

// clip keeps a culprit of ten megabytes out of an error's text.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

const noNUL = "remove the NUL byte: no system takes one here"

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

func checkCommand(spec *Spec) error {
	if spec.Command == "" {
		return invalid("command", "", "name a program")
	}
	if hasNUL(spec.Command) {
		return invalid("command", spec.Command, noNUL)
	}
	for i, arg := range spec.Args {
		if hasNUL(arg) {
			return invalid(fmt.Sprintf("args[%d]", i), arg, noNUL)
		}
	}
	if hasNUL(spec.Dir) {
		return invalid("dir", spec.Dir, noNUL)
	}
	return nil
}

// checkEnv never puts a variable's value into an error: it may be a secret.
func checkEnv(spec *Spec) error {
	for i, entry := range spec.Env {
		field := fmt.Sprintf("env[%d]", i)
		key, _, found := strings.Cut(entry, "=")
		switch {
		case !found:
			return invalid(field, key, `write "KEY=VALUE"`)
		case key == "":
			return invalid(field, "=", `put a name before the "="`)
		case hasNUL(entry):
			return invalid(field, key, noNUL)
		}
	}
	return nil
}

func checkStreams(spec *Spec) error {
	if spec.OpenStdin && spec.Stdin != nil {
		return invalid("stdin", "", "give either Stdin or OpenStdin, not both")
	}
	if spec.Merge && spec.Stderr != nil {
		return invalid("stderr", "", "give either Stderr or Merge, not both: a merged stderr goes to Stdout")
	}
	return checkOutputFile(spec)
}

func checkOutputFile(spec *Spec) error {
	switch {
	case spec.OutputFile == "":
	case hasNUL(spec.OutputFile):
		return invalid("outputFile", spec.OutputFile, noNUL)
	case spec.Stdout != nil || spec.Stderr != nil || spec.Terminal != nil || spec.Limits.Output != 0:
		return invalid("outputFile", spec.OutputFile, "leave out Stdout, Stderr, Terminal and Limits.Output: none of them would see what goes to the file")
	}
	return nil
}

func checkTimeout(spec *Spec) error {
	if spec.Timeout < 0 {
		return invalid("timeout", spec.Timeout.String(), "give a positive duration, or 0 for no deadline")
	}
	return nil
}

func checkMounts(spec *Spec) error {
	seen := make(map[string]bool, len(spec.Mounts))
	for i, m := range spec.Mounts {
		target := path.Clean(m.Target)
		switch {
		case hasNUL(m.Source):
			return invalid(fmt.Sprintf("mounts[%d].source", i), m.Source, noNUL)
		case hasNUL(m.Target):
			return invalid(fmt.Sprintf("mounts[%d].target", i), m.Target, noNUL)
		case !path.IsAbs(m.Target):
			return invalid(fmt.Sprintf("mounts[%d].target", i), m.Target, "begin it with a slash: it is a path as the process sees it")
		case seen[target]:
			return invalid(fmt.Sprintf("mounts[%d].target", i), m.Target, "mount only one directory there")
		}
		seen[target] = true
	}
	return nil
}

func cleanMounts(mounts []Mount) []Mount {
	mounts = slices.Clone(mounts)
	for i := range mounts {
		mounts[i].Target = path.Clean(mounts[i].Target)
	}
	return mounts
}

// lastOfEach keeps the last value of a variable given twice, so that it means
// the same to every backend and every program.
func lastOfEach(env []string) []string {
	seen := make(map[string]bool, len(env))
	kept := make([]string, 0, len(env))
	for _, entry := range slices.Backward(env) {
		key, _, _ := strings.Cut(entry, "=")
		if !seen[key] {
			seen[key] = true
			kept = append(kept, entry)
		}
	}
	slices.Reverse(kept)
	return kept
}
