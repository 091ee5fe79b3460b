// Package shell holds the small commands of shell scripts: basename, date, dirname, echo, env, false, printf, pwd, seq, sleep,
// test, true and yes.
package shell

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// True succeeds.
func True(*tool.Env) int { return 0 }

// False fails.
func False(*tool.Env) int { return 1 }

// Echo prints its arguments.
func Echo(e *tool.Env) int {
	args := e.Args
	newline, escapes := true, false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, c := range args[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		var stopped bool
		text, stopped = unescape(text, true)
		newline = newline && !stopped
	}
	e.Stdout.WriteString(text)
	if newline {
		e.Stdout.WriteByte('\n')
	}
	return 0
}

// unescape replaces escapes in the manner of echo -e, where octal numbers begin with a zero, or of a printf format, where they need
// not. It stops at \c and says so.
func unescape(text string, echo bool) (result string, stopped bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'a', 'b', 'e', 'f', 'n', 'r', 't', 'v':
			b.WriteByte("\a\b\x1b\f\n\r\t\v"[strings.IndexByte("abefnrtv", c)])
		case '\\':
			b.WriteByte('\\')
		case '"':
			if echo {
				b.WriteByte('\\')
			}
			b.WriteByte('"')
		case 'c':
			return b.String(), true
		case 'x':
			value, n := digits(text[i+1:], 16, 2)
			if n == 0 {
				b.WriteString(`\x`)
				continue
			}
			b.WriteByte(byte(value))
			i += n
		case 'u', 'U':
			value, n := digits(text[i+1:], 16, map[byte]int{'u': 4, 'U': 8}[c])
			if n == 0 {
				b.WriteString(`\` + string(c))
				continue
			}
			b.WriteRune(rune(value))
			i += n
		case '0', '1', '2', '3', '4', '5', '6', '7':
			if echo && c == '0' {
				value, n := digits(text[i+1:], 8, 3)
				b.WriteByte(byte(value))
				i += n
				continue
			}
			value, n := digits(text[i:], 8, 3)
			b.WriteByte(byte(value))
			i += n - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), false
}

func digits(text string, base, most int) (value, n int) {
	for n < most && n < len(text) {
		digit := strings.IndexByte("0123456789abcdef", lower(text[n]))
		if digit < 0 || digit >= base {
			break
		}
		value = value*base + digit
		n++
	}
	return value, n
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 0x20
	}
	return c
}

// Pwd prints the working directory.
func Pwd(e *tool.Env) int {
	f := e.Flags("[OPTION]...")
	logical := f.Bool("L,logical", "use PWD from environment, even if it contains symlinks")
	f.Call("P,physical", "", "avoid all symlinks", func(string) error { *logical = false; return nil })
	operands, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(operands) > 0 {
		e.Warn("ignoring non-option arguments")
	}
	dir, err := os.Getwd()
	if err != nil {
		return e.Fail("%s", tool.Reason(err))
	}
	if !*logical {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
	}
	e.Stdout.Printf("%s\n", dir)
	return 0
}

// Basename strips directories and a suffix from names.
func Basename(e *tool.Env) int {
	f := e.Flags("NAME [SUFFIX]\n  or:  basename OPTION... NAME...")
	f.InOrder = true
	many := f.Bool("a,multiple", "support multiple arguments and treat each as a NAME")
	suffix := f.String("s,suffix", "SUFFIX", "", "remove a trailing SUFFIX; implies -a")
	zero := f.Bool("z,zero", "end each output line with NUL, not newline")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	if !*many && *suffix == "" {
		if len(names) > 2 {
			return e.Misused("extra operand %s", tool.Quote(names[2]))
		}
		if len(names) == 2 {
			*suffix = names[1]
		}
		names = names[:1]
	}
	for _, name := range names {
		base := name
		if trimmed := strings.TrimRight(name, "/"); trimmed != "" {
			base = trimmed[strings.LastIndexByte(trimmed, '/')+1:]
		} else if name != "" {
			base = "/"
		}
		if cut := strings.TrimSuffix(base, *suffix); cut != "" {
			base = cut
		}
		e.Stdout.Line([]byte(base), end(*zero))
	}
	return 0
}

// Dirname strips the last element from names.
func Dirname(e *tool.Env) int {
	f := e.Flags("[OPTION] NAME...")
	zero := f.Bool("z,zero", "end each output line with NUL, not newline")
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	for _, name := range names {
		e.Stdout.Line([]byte(dirname(name)), end(*zero))
	}
	return 0
}

func dirname(name string) string {
	rooted := strings.HasPrefix(name, "/")
	name = strings.TrimRight(name, "/")
	name = strings.TrimRight(name[:strings.LastIndexByte(name, '/')+1], "/")
	switch {
	case name != "":
		return name
	case rooted:
		return "/"
	}
	return "."
}

func end(zero bool) byte {
	if zero {
		return 0
	}
	return '\n'
}

// Yes prints a line until nobody reads it.
func Yes(e *tool.Env) int {
	f := e.Flags("[STRING]...")
	args, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	line := []byte("y\n")
	if len(args) > 0 {
		line = []byte(strings.Join(args, " ") + "\n")
	}
	block := bytes.Repeat(line, 1+(16<<10)/len(line))
	for !e.Stdout.Broken() {
		e.Stdout.Write(block)
	}
	return 0
}

// Env prints the environment. It cannot run a command in a changed one: WASI has no way to start a program.
func Env(e *tool.Env) int {
	e.Trouble = 125
	f := e.Flags("[OPTION]... [NAME=VALUE]... [COMMAND [ARG]...]")
	f.InOrder = true
	ignore := f.Bool("i,ignore-environment", "start with an empty environment")
	zero := f.Bool("0,null", "end each output line with NUL, not newline")
	var unset []string
	f.Call("u,unset", "NAME", "remove variable from the environment", func(v string) error {
		if v == "" || strings.Contains(v, "=") {
			return fmt.Errorf("cannot unset %s: Invalid argument", tool.Quote(v))
		}
		unset = append(unset, v)
		return nil
	})
	args, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	var environ []string
	set := func(entry string) {
		key, _, _ := strings.Cut(entry, "=")
		for i, old := range environ {
			if strings.HasPrefix(old, key+"=") {
				environ[i] = entry
				return
			}
		}
		environ = append(environ, entry)
	}
	if len(args) > 0 && args[0] == "-" {
		*ignore = true
		args = args[1:]
	}
	if !*ignore {
		environ = append(environ, e.Environ...)
	}
	for _, name := range unset {
		kept := environ[:0]
		for _, entry := range environ {
			if !strings.HasPrefix(entry, name+"=") {
				kept = append(kept, entry)
			}
		}
		environ = kept
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		set(args[0])
		args = args[1:]
	}
	if len(args) > 0 {
		e.Warn("cannot run %s: a sandboxed program cannot start another one", tool.Quote(args[0]))
		return 126
	}
	for _, entry := range environ {
		e.Stdout.Line([]byte(entry), end(*zero))
	}
	return 0
}
