// Package jq holds jq: its command line over the library github.com/itchyny/gojq, which documents where its language differs. The
// difference that shows most is that the keys of objects come out sorted.
package jq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"dappco.re/go/cloche/userland/internal/tool"
)

// The exit statuses of jq(1).
const (
	exitUsage   = 2
	exitCompile = 3
	exitNoValue = 4
	exitRuntime = 5
)

type runner struct {
	env *tool.Env

	null, slurp, rawInput, rawOutput, join, compact, ascii, tab, status, stream, seq, nul bool
	indent                                                                                int
	names                                                                                 []string
	values                                                                                []any
	named                                                                                 map[string]any
	positional                                                                            []any

	code *gojq.Code
	last any
	seen bool

	halted bool
}

// Jq runs a filter over JSON values.
func Jq(e *tool.Env) int {
	e.Trouble = exitUsage
	r := &runner{env: e, indent: 2, named: map[string]any{}, positional: []any{}}
	filter, files, ok := r.parse()
	if !ok {
		return e.Status()
	}
	in := &inputs{runner: r, files: files}
	defer in.close()
	query, err := gojq.Parse(filter)
	if err == nil {
		err = r.compile(query, in)
	}
	if err != nil {
		e.Warn("error: %s", err)
		fmt.Fprintln(e.Stderr, "jq: 1 compile error")
		return exitCompile
	}
	code := r.run(in)
	if in.failed != 0 && code == 0 {
		code = in.failed
	}
	if code == 0 && r.status {
		switch {
		case !r.seen:
			return exitNoValue
		case r.last == nil || r.last == false:
			return 1
		}
	}
	return code
}

// parse reads the command line. The filter is the first operand, and --args takes the rest as values, so that the options with
// two values and the end of the files are dealt with here before the usual rules apply.
func (r *runner) parse() (filter string, files []string, ok bool) {
	e := r.env
	args, rest := e.Args, []string{}
	var fromFile *string
	fail := func(format string, a ...any) (string, []string, bool) {
		e.Warn(format, a...)
		fmt.Fprintf(e.Stderr, "Use %s --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq\n", e.Name)
		e.Raise(exitUsage)
		return "", nil, false
	}
	const asFiles, asStrings, asJSON = 0, 1, 2
	mode, given := asFiles, false
	operand := func(arg string) error {
		switch {
		case !given && fromFile == nil:
			filter, given = arg, true
		case mode == asStrings:
			r.positional = append(r.positional, arg)
		case mode == asJSON:
			value, err := parseOne([]byte(arg))
			if err != nil {
				return fmt.Errorf("Invalid JSON text passed to --jsonargs")
			}
			r.positional = append(r.positional, value)
		default:
			files = append(files, arg)
		}
		return nil
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		two := 0
		switch arg {
		case "--arg", "--argjson", "--slurpfile", "--rawfile", "--argfile":
			two = 2
		case "--indent":
			two = 1
		case "--args":
			mode = asStrings
			continue
		case "--jsonargs":
			mode = asJSON
			continue
		case "-f", "--from-file":
			name := ""
			fromFile = &name
			if given {
				// The operand read as the filter is the file that holds it.
				*fromFile, given = filter, false
			} else if len(args) > 0 {
				*fromFile, args = args[0], args[1:]
			}
			continue
		case "--":
			for _, arg := range args {
				if err := operand(arg); err != nil {
					return fail("%s", err)
				}
			}
			args = nil
			continue
		}
		if len(args) < two {
			return fail("%s takes %s (e.g. %s value)", arg, map[int]string{1: "one parameter", 2: "two parameters"}[two], arg)
		}
		switch {
		case two == 2:
			if err := r.variable(arg, args[0], args[1]); err != nil {
				return fail("%s", err)
			}
			args = args[2:]
		case two == 1:
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 0 {
				return fail("Cannot indent less than zero")
			}
			if n > 7 {
				return fail("Cannot indent more than 7 characters")
			}
			r.indent, r.compact = n, n == 0
			args = args[1:]
		case len(arg) > 1 && arg[0] == '-':
			rest = append(rest, arg)
		default:
			if err := operand(arg); err != nil {
				return fail("%s", err)
			}
		}
	}
	inner := &tool.Env{Name: e.Name, Args: rest, Stdout: e.Stdout, Stderr: e.Stderr, Trouble: exitUsage}
	if !r.switches(inner) {
		e.Raise(inner.Status())
		return "", nil, false
	}
	if fromFile != nil {
		data, err := os.ReadFile(*fromFile)
		if err != nil {
			e.Warn("error: Could not open %s: %s", *fromFile, tool.Reason(err))
			e.Raise(exitUsage)
			return "", nil, false
		}
		return string(data), files, true
	}
	if !given {
		filter = "."
	}
	return filter, files, true
}

func (r *runner) switches(e *tool.Env) bool {
	f := e.Flags("[OPTIONS] FILTER [FILES...]")
	on := func(p *bool) func(string) error { return func(string) error { *p = true; return nil } }
	nothing := func(string) error { return nil }
	f.Call("a,ascii-output", "", "escape non-ASCII characters", on(&r.ascii))
	f.Call("c,compact-output", "", "compact instead of pretty-printed output", on(&r.compact))
	f.Call("C,color-output", "", "(ignored)", nothing)
	f.Call("e,exit-status", "", "set the exit status code based on the output", on(&r.status))
	f.Call("j,join-output", "", "like -r, without newlines", func(string) error { r.rawOutput, r.join = true, true; return nil })
	f.Call("M,monochrome-output", "", "(default)", nothing)
	f.Call("n,null-input", "", "use null as the single input value", on(&r.null))
	f.Call("r,raw-output", "", "output raw strings, not JSON texts", on(&r.rawOutput))
	f.Call(",raw-output0", "", "like -r, with NUL after each output", func(string) error { r.rawOutput, r.nul = true, true; return nil })
	f.Call("R,raw-input", "", "read raw strings, not JSON texts", on(&r.rawInput))
	f.Call("s,slurp", "", "read all inputs into an array", on(&r.slurp))
	f.Call("S,sort-keys", "", "(always)", nothing)
	f.Call(",stream", "", "parse the input in streaming fashion", on(&r.stream))
	f.Call(",seq", "", "use the application/json-seq MIME type scheme", on(&r.seq))
	f.Call(",tab", "", "use tabs for indentation", on(&r.tab))
	f.Call(",unbuffered", "", "(ignored)", nothing)
	f.Call("h,", "", "show this help", func(string) error { return tool.Usage("use --help") })
	_, ok := f.Parse()
	return ok
}

func (r *runner) variable(option, name, text string) error {
	var value any
	switch option {
	case "--arg":
		value = text
	case "--argjson":
		v, err := parseOne([]byte(text))
		if err != nil {
			return fmt.Errorf("Invalid JSON text passed to --argjson")
		}
		value = v
	default:
		data, err := os.ReadFile(text)
		if err != nil {
			return fmt.Errorf("Bad JSON in --%s %s %s: Could not open %s: %s", option[2:], name, text, text, tool.Reason(err))
		}
		if value = string(data); option != "--rawfile" {
			values, err := parseAll(data)
			if err != nil {
				return fmt.Errorf("Bad JSON in --%s %s %s: %s", option[2:], name, text, err)
			}
			value = values
		}
	}
	if _, again := r.named[name]; !again {
		r.names = append(r.names, "$"+name)
		r.values = append(r.values, value)
	}
	r.named[name] = value
	return nil
}

func (r *runner) compile(query *gojq.Query, in *inputs) error {
	if r.stream {
		wrapped, err := gojq.Parse("tostream")
		if err != nil {
			return err
		}
		query = &gojq.Query{Left: wrapped, Op: gojq.OpPipe, Right: query}
	}
	var err error
	names := append([]string{"$ARGS"}, r.names...)
	r.values = append([]any{map[string]any{"named": r.named, "positional": r.positional}}, r.values...)
	r.code, err = gojq.Compile(query, gojq.WithVariables(names), gojq.WithEnvironLoader(func() []string { return r.env.Environ }),
		gojq.WithInputIter(in))
	return err
}

func (r *runner) run(in *inputs) int {
	if r.null {
		return r.filter(nil)
	}
	if r.slurp {
		value, err := in.slurp()
		if err != nil {
			r.env.Warn("error: %s", err)
			return exitUsage
		}
		return r.filter(value)
	}
	code := 0
	for !r.env.Stdout.Broken() {
		value, more := in.Next()
		if !more {
			break
		}
		if err, bad := value.(error); bad {
			r.env.Warn("error: %s", err)
			return exitUsage
		}
		if c := r.filter(value); c != 0 {
			code = c
			if r.halted {
				break
			}
		}
	}
	return code
}

// filter prints what the filter makes of one value.
func (r *runner) filter(value any) int {
	iter := r.code.Run(value, r.values...)
	for !r.env.Stdout.Broken() {
		result, more := iter.Next()
		if !more {
			return 0
		}
		if err, bad := result.(error); bad {
			return r.failure(err)
		}
		r.last, r.seen = result, true
		r.print(result)
	}
	return 0
}

func (r *runner) failure(err error) int {
	if halt, ok := errors.AsType[*gojq.HaltError](err); ok {
		r.halted = true
		if text, ok := halt.Value().(string); ok {
			r.env.Stdout.Flush()
			io.WriteString(r.env.Stderr, text)
		} else if halt.Value() != nil {
			text, _ := gojq.Marshal(halt.Value())
			r.env.Stdout.Flush()
			fmt.Fprintf(r.env.Stderr, "%s\n", text)
		}
		return halt.ExitCode()
	}
	r.env.Warn("error: %s", err)
	return exitRuntime
}

func (r *runner) print(value any) {
	out := r.env.Stdout
	if r.seq {
		out.WriteByte(0x1e)
	}
	if text, ok := value.(string); ok && r.rawOutput {
		if r.ascii {
			text = string(escapeNonASCII([]byte(text)))
		}
		out.WriteString(text)
	} else {
		out.Write(r.encode(value))
	}
	switch {
	case r.nul:
		out.WriteByte(0)
	case !r.join:
		out.WriteByte('\n')
	}
}

func (r *runner) encode(value any) []byte {
	data, err := gojq.Marshal(value)
	if err != nil {
		return fmt.Appendf(nil, "null")
	}
	if r.ascii {
		data = escapeNonASCII(data)
	}
	if r.compact && !r.tab {
		return data
	}
	indent := strings.Repeat(" ", r.indent)
	if r.tab {
		indent = "\t"
	}
	var b bytes.Buffer
	if json.Indent(&b, data, "", indent) != nil {
		return data
	}
	return b.Bytes()
}

func escapeNonASCII(data []byte) []byte {
	var b []byte
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		data = data[size:]
		switch {
		case c < 0x80:
			b = append(b, byte(c))
		case c > 0xffff:
			c -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return b
}

func decoder(r io.Reader) *json.Decoder {
	d := json.NewDecoder(r)
	d.UseNumber()
	return d
}

func parseOne(data []byte) (any, error) {
	values, err := parseAll(data)
	if err == nil && len(values) != 1 {
		err = errors.New("not one value")
	}
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

func parseAll(data []byte) ([]any, error) {
	values := []any{}
	d := decoder(bytes.NewReader(data))
	for {
		var value any
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}
