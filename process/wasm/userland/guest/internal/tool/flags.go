package tool

import (
	"errors"
	"fmt"
	"strings"
)

// Flags reads a command's options by the rules of GNU getopt_long(3): short options can be bundled, a value may follow
// directly or as the next argument, long names may be cut short while they stay unique, options and operands may mix, and `--`
// ends the options.
type Flags struct {
	// InOrder makes the first operand end the options, as POSIX has it.
	InOrder bool
	// Digits receives the number of an option like -5.
	Digits func(number string) error

	env   *Env
	usage string
	list  []flag
	words []string
	code  int
}

type flag struct {
	short    string
	long     string
	arg      string // name of the value, "" when it has none
	optional bool   // the value can only follow directly
	help     string
	set      func(value string) error
}

// Flags returns an empty set of options. The usage is what follows the command's name in the first line of --help.
func (e *Env) Flags(usage string) *Flags { return &Flags{env: e, usage: usage} }

// Bool adds an option without a value. Names are "n,number", "n" or ",number".
func (f *Flags) Bool(names, help string) *bool {
	on := new(bool)
	f.Call(names, "", help, func(string) error { *on = true; return nil })
	return on
}

// String adds an option with a value; the last one given wins.
func (f *Flags) String(names, arg, value, help string) *string {
	p := &value
	f.Call(names, arg, help, func(v string) error { *p = v; return nil })
	return p
}

// Call adds an option that calls set each time it is given. An arg like "[WHEN]" says that the value is optional.
func (f *Flags) Call(names, arg, help string, set func(value string) error) {
	short, long, _ := strings.Cut(names, ",")
	optional := strings.HasPrefix(arg, "[")
	f.list = append(f.list, flag{short, long, strings.Trim(arg, "[]"), optional, help, set})
}

// Parse reads the arguments and returns the operands. When ok is false the command is to return Code at once: the help was
// printed, or a message.
func (f *Flags) Parse() (operands []string, ok bool) {
	args := f.env.Args
	for len(args) > 0 {
		arg := args[0]
		before := args
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			return append(operands, args...), true
		case arg == "--help":
			f.help()
			return nil, false
		case arg == "--version":
			f.env.Stdout.Printf("%s (cloche userland)\n", f.env.Name)
			return nil, false
		case strings.HasPrefix(arg, "--"):
			args, err = f.longOption(arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = f.shortOptions(arg[1:], args)
		default:
			operands = append(operands, arg)
			if f.InOrder {
				return append(operands, args...), true
			}
		}
		if err != nil {
			f.code = f.report(err)
			return nil, false
		}
		if len(arg) > 1 && arg[0] == '-' {
			f.words = append(f.words, before[:len(before)-len(args)]...)
		}
	}
	return operands, true
}

// Words are the arguments that were options or their values.
func (f *Flags) Words() []string { return f.words }

// Code is the exit status after Parse returned false.
func (f *Flags) Code() int { return f.code }

// Usage is a mistake in the options themselves: the message points at the help.
type Usage string

func (u Usage) Error() string { return string(u) }

func (f *Flags) report(err error) int {
	if usage, ok := errors.AsType[Usage](err); ok {
		return f.env.Misused("%s", string(usage))
	}
	return f.env.Fail("%s", err.Error())
}

func (f *Flags) longOption(arg string, rest []string) ([]string, error) {
	name, value, given := strings.Cut(arg, "=")
	opt, err := f.byLongName(name)
	if err != nil {
		return nil, err
	}
	switch {
	case opt.arg == "" && given:
		return nil, Usage(fmt.Sprintf("option '--%s' doesn't allow an argument", opt.long))
	case opt.arg != "" && !given && !opt.optional:
		if len(rest) == 0 {
			return nil, Usage(fmt.Sprintf("option '--%s' requires an argument", opt.long))
		}
		value, rest = rest[0], rest[1:]
	}
	return rest, opt.set(value)
}

func (f *Flags) byLongName(name string) (flag, error) {
	var found []flag
	for _, opt := range f.list {
		if opt.long == name && name != "" {
			return opt, nil
		}
		if opt.long != "" && strings.HasPrefix(opt.long, name) {
			found = append(found, opt)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return flag{}, Usage(fmt.Sprintf("unrecognized option '--%s'", name))
	}
	possible := ""
	for _, opt := range found {
		possible += fmt.Sprintf(" '--%s'", opt.long)
	}
	return flag{}, Usage(fmt.Sprintf("option '--%s' is ambiguous; possibilities:%s", name, possible))
}

func (f *Flags) shortOptions(letters string, rest []string) ([]string, error) {
	for letters != "" {
		if f.Digits != nil && isDigit(letters[0]) {
			number := letters[:countDigits(letters)]
			letters = letters[len(number):]
			if err := f.Digits(number); err != nil {
				return nil, err
			}
			continue
		}
		opt, ok := f.byLetter(letters[:1])
		if !ok {
			return nil, Usage(fmt.Sprintf("invalid option -- '%s'", letters[:1]))
		}
		letters = letters[1:]
		value := ""
		switch {
		case opt.arg == "":
		case letters != "" || opt.optional:
			value, letters = letters, ""
		case len(rest) == 0:
			return nil, Usage(fmt.Sprintf("option requires an argument -- '%s'", opt.short))
		default:
			value, rest = rest[0], rest[1:]
		}
		if err := opt.set(value); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func (f *Flags) byLetter(letter string) (flag, bool) {
	for _, opt := range f.list {
		if opt.short == letter {
			return opt, true
		}
	}
	return flag{}, false
}

func (f *Flags) help() {
	out := f.env.Stdout
	out.Printf("Usage: %s %s\n", f.env.Name, f.usage)
	for _, opt := range f.list {
		out.Printf("  %-28s %s\n", opt.title(), opt.help)
	}
}

func (o flag) title() string {
	var names []string
	if o.short != "" {
		names = append(names, "-"+o.short)
	}
	if o.long != "" {
		names = append(names, "--"+o.long)
	}
	title := strings.Join(names, ", ")
	switch {
	case o.optional:
		return title + "[=" + o.arg + "]"
	case o.arg != "":
		return title + " " + o.arg
	}
	return title
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func countDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
