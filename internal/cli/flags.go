package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
)

// runFlags is what "cloche run" was told.
type runFlags struct {
	dirs       []dirFlag
	env        []string
	workdir    string
	stdin      stdinFlag
	timeout    time.Duration
	killAfter  time.Duration
	limits     process.Limits
	native     bool
	confine    string // the directory that a native process is held to
	cgroup     string // where a native process gets its control group
	modulePath []string
	diff       string // where to write the overlays' changes: a file, "-" for stderr, "" for nowhere
	commit     bool
	json       bool
	explain    bool
	hermetic   bool
	seed       uint64
	time       time.Time // when a hermetic run begins
	receipt    string    // the file to write one to
	cache      cacheFlag

	program string
	args    []string
	found   *wasm.Program // what program means; nil if that is to be looked up
}

const runUsage = `Usage: cloche run [flags] [--] program [args...]

Runs a program of "cloche list", or the file of a path that ends in .wasm. All
behind the program's name is the program's own. It sees no files, no
environment and no network unless flags give them.

Flags:
  --dir HOST[:GUEST][:ro]  show the directory HOST to the guest as GUEST, read-only with
                           :ro; may be repeated; "--dir ." alone is the guest's /
  --overlay HOST[:GUEST]   show HOST so that what the guest writes stays in memory; at the end,
                           a person at a terminal is asked whether to keep it
  --diff[=FILE]            write what changed in overlays to stderr, or to FILE, as a patch
  --commit                 keep what changed in overlays if the program exits with 0
  --env K=V, --env K       set a variable, or pass on this one's; may be repeated
  --workdir DIR            the working directory, a guest path (a host path with --native)
  --stdin[=FILE|none]      read input from FILE, or none at all; this command's own otherwise
  --timeout DURATION       end it after, say, 500ms, 30s or 5m; exit code 124
  --kill-after DURATION    with --native: the time between SIGTERM and SIGKILL
  --memory SIZE            the most memory it may use, say 64M or 1G
  --max-fuel N             the most it may compute, in units of about one instruction
  --max-output SIZE        the most it may write to stdout and stderr together
  --max-written SIZE       the most it may write to files
  --max-file-size SIZE     the most that one file may grow to
  --max-files N            the most files, directories and links it may make
  --max-descriptors N      the most files it may have open, its streams included
  --max-depth N            how deep below its / a directory may be
  --max-path N             how many bytes a path may have
  --max-processes N        how many processes and threads there may be at once
  --best-effort            run with fewer limits, and say so, where some cannot be kept
  --module-path LIST       directories to look for NAME.wasm in, before the built-in programs
  --native                 run a native executable instead, with no sandbox at all
  --confine DIR            with --native: have the kernel hold it to DIR, the system's own programs
                           and no network; --workdir is a path in DIR then (Linux)
  --cgroup DIR             with --native: make its control group in DIR, of a cgroup2 filesystem and
                           with nobody in it, so that --memory and --max-processes hold (Linux)
  --hermetic               do the same at every run that is given the same: directories read-only
                           or as overlays, and chance and time by the next two flags
  --seed N                 with --hermetic: what random bytes come from; 0 otherwise
  --time TIME              with --hermetic: when it begins, as in 2000-01-01T00:00:00Z, the default
  --receipt FILE           with --hermetic: write down what it was given, the values of variables
                           included, and digests of what it did, for "cloche verify FILE"
  --cache[=DIR]            with --hermetic: answer without running it if it ran before and was given
                           the same to the last bit; results are in DIR or the user's cache folder
  --explain                tell at the end what it was denied, and how to allow that
  --json                   report to stderr at the end, as one JSON object

Exit codes: the program's own; 124 out of time, 125 cloche failed, 126 denied or
not executable, 127 not found, 134 trap, 137 killed.
`

// parseRun reads flags up to the program's name. flag.ErrHelp means that help
// was asked for.
func parseRun(args []string) (runFlags, error) {
	var f runFlags
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.Func("dir", "", func(s string) error {
		d, err := parseDir(s)
		f.dirs = append(f.dirs, d)
		return err
	})
	set.Func("overlay", "", func(s string) error {
		d, err := parseOverlay(s)
		f.dirs = append(f.dirs, d)
		return err
	})
	set.Var((*diffFlag)(&f.diff), "diff", "")
	set.BoolVar(&f.commit, "commit", false, "")
	set.Func("env", "", func(s string) error {
		kv, err := environ(s)
		f.env = append(f.env, kv...)
		return err
	})
	set.StringVar(&f.workdir, "workdir", "", "")
	set.Var(&f.stdin, "stdin", "")
	set.DurationVar(&f.timeout, "timeout", 0, "")
	set.DurationVar(&f.killAfter, "kill-after", 0, "")
	set.Func("memory", "", sizeFlag(&f.limits.Memory))
	set.Func("max-fuel", "", countFlag(&f.limits.Fuel, math.MaxInt64))
	set.Func("max-output", "", sizeFlag(&f.limits.Output))
	set.Func("max-written", "", sizeFlag(&f.limits.Written))
	set.Func("max-file-size", "", sizeFlag(&f.limits.FileSize))
	set.Func("max-files", "", countFlag(&f.limits.Created, math.MaxInt32))
	set.Func("max-descriptors", "", countFlag(&f.limits.Descriptors, math.MaxInt32))
	set.Func("max-depth", "", countFlag(&f.limits.Depth, math.MaxInt32))
	set.Func("max-path", "", countFlag(&f.limits.PathLength, math.MaxInt32))
	set.Func("max-processes", "", countFlag(&f.limits.Processes, math.MaxInt32))
	set.BoolVar(&f.limits.BestEffort, "best-effort", false, "")
	set.BoolVar(&f.native, "native", false, "")
	set.StringVar(&f.confine, "confine", "", "")
	set.StringVar(&f.cgroup, "cgroup", "", "")
	set.Func("module-path", "", pathFlag(&f.modulePath))
	set.BoolVar(&f.json, "json", false, "")
	set.BoolVar(&f.explain, "explain", false, "")
	set.BoolVar(&f.hermetic, "hermetic", false, "")
	set.Uint64Var(&f.seed, "seed", 0, "")
	set.TextVar(&f.time, "time", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "")
	set.StringVar(&f.receipt, "receipt", "", "")
	set.Var(&f.cache, "cache", "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() == 0 {
		return f, errors.New("no program given; \"cloche list\" shows what there is")
	}
	switch {
	case (f.commit || f.diff != "") && !slices.ContainsFunc(f.dirs, func(d dirFlag) bool { return d.overlay }):
		return f, errors.New("--commit and --diff are about overlays; name one with --overlay")
	case f.explain && f.json:
		return f, errors.New("--explain and --json exclude each other; the report has all that was denied")
	case f.confine != "" && !f.native:
		return f, errors.New("--confine is about native executables; add --native, or give --dir to the sandbox")
	case f.cgroup != "" && !f.native:
		return f, errors.New("--cgroup is about native executables, and the sandbox keeps all limits without; leave it out, or add --native")
	case f.explain && f.native:
		return f, errors.New("--explain is about the sandbox, and --native has none; leave one of them out")
	}
	if err := f.checkHermetic(set); err != nil {
		return f, err
	}
	f.program, f.args = set.Arg(0), set.Args()[1:]
	return f, nil
}

// environ is the variable of one --env; a bare name that is not set passes
// nothing on, as in env(1) and container tools.
func environ(s string) ([]string, error) {
	name, _, given := strings.Cut(s, "=")
	if name == "" {
		return nil, fmt.Errorf("the variable in %q has no name", s)
	}
	if given {
		return []string{s}, nil
	}
	if v, ok := os.LookupEnv(name); ok {
		return []string{name + "=" + v}, nil
	}
	return nil, nil
}

// stdinFlag is "" for the command's own input, "none", or a file. It counts as
// a boolean flag so that a bare --stdin never swallows the program's name.
type stdinFlag string

func (s *stdinFlag) String() string   { return string(*s) }
func (s *stdinFlag) IsBoolFlag() bool { return true }
func (s *stdinFlag) Set(v string) error {
	switch v {
	case "", "-", "true":
		*s = ""
	case "false":
		*s = "none"
	default:
		*s = stdinFlag(v)
	}
	return nil
}

// unlessTerminal is none where it would be the command's own input, and that a person's.
func (s stdinFlag) unlessTerminal(own io.Reader) stdinFlag {
	if s == "" && isTerminal(own) {
		return "none"
	}
	return s
}

// open returns the input it names, and what closes it.
func (s stdinFlag) open(own io.Reader) (io.Reader, func() error, error) {
	switch s {
	case "":
		return own, func() error { return nil }, nil
	case "none":
		return nil, func() error { return nil }, nil
	}
	f, err := os.Open(string(s))
	if err != nil {
		return nil, nil, fmt.Errorf("--stdin: %w", err)
	}
	return f, f.Close, nil
}

// diffFlag is where a patch goes. It counts as a boolean flag for the same reason
// as stdinFlag.
type diffFlag string

func (d *diffFlag) String() string   { return string(*d) }
func (d *diffFlag) IsBoolFlag() bool { return true }
func (d *diffFlag) Set(v string) error {
	switch v {
	case "", "-", "true":
		*d = "-"
	case "false":
		*d = ""
	default:
		*d = diffFlag(v)
	}
	return nil
}

// cacheFlag says whether to use the cache of results, and in which folder; "" is the
// user's own. It counts as a boolean flag for the same reason as stdinFlag.
type cacheFlag struct {
	on  bool
	dir string
}

func (c *cacheFlag) String() string   { return c.dir }
func (c *cacheFlag) IsBoolFlag() bool { return true }
func (c *cacheFlag) Set(v string) error {
	switch v {
	case "", "true":
		*c = cacheFlag{on: true}
	case "false":
		*c = cacheFlag{}
	default:
		*c = cacheFlag{on: true, dir: v}
	}
	return nil
}

func sizeFlag(to *int64) func(string) error {
	return func(s string) (err error) {
		*to, err = parseSize(s)
		return err
	}
}

func countFlag[N int | int64](to *N, most int64) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 || n > most {
			return fmt.Errorf("%q is not a number from 1 to %d", s, most)
		}
		*to = N(n)
		return nil
	}
}

// parseSize reads bytes, with K, M, G or T for powers of 1024.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGTkmgt")
	unit := int64(1)
	switch strings.ToUpper(s[len(digits):]) {
	case "":
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	case "T":
		unit = 1 << 40
	default:
		return 0, fmt.Errorf("%q is not a size; write bytes, or a number with K, M, G or T", s)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size; write bytes, or a number with K, M, G or T", s)
	}
	return n * unit, nil
}

func pathFlag(to *[]string) func(string) error {
	return func(s string) error {
		*to = append(*to, filepath.SplitList(s)...)
		return nil
	}
}
