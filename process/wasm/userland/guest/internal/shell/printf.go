package shell

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// Printf formats its arguments.
func Printf(e *tool.Env) int {
	args := e.Args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	} else if len(args) == 1 && args[0] == "--help" {
		e.Stdout.WriteString("Usage: printf FORMAT [ARGUMENT]...\n")
		return 0
	}
	if len(args) == 0 {
		return e.Misused("missing operand")
	}
	p := &printf{env: e, args: args[1:]}
	for {
		before := len(p.args)
		if !p.format(args[0]) || len(p.args) == 0 {
			break
		}
		if len(p.args) == before {
			e.Warn("warning: ignoring excess arguments, starting with %s", tool.Quote(p.args[0]))
			break
		}
	}
	return e.Status()
}

type printf struct {
	env  *tool.Env
	args []string
}

func (p *printf) next() (string, bool) {
	if len(p.args) == 0 {
		return "", false
	}
	arg := p.args[0]
	p.args = p.args[1:]
	return arg, true
}

// format goes through the format once. It returns false when the output is to end there.
func (p *printf) format(format string) bool {
	out := p.env.Stdout
	for format != "" {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			i = len(format)
		}
		text, stopped := unescape(format[:i], false)
		out.WriteString(text)
		if stopped {
			return false
		}
		format = format[i:]
		switch {
		case format == "":
		case strings.HasPrefix(format, "%%"):
			out.WriteByte('%')
			format = format[2:]
		default:
			n, ok := p.directive(format)
			if !ok {
				return false
			}
			format = format[n:]
		}
	}
	return true
}

// directive prints the directive at the beginning of the format and returns its length.
func (p *printf) directive(format string) (int, bool) {
	i := 1
	for i < len(format) && strings.IndexByte("-+ #0'", format[i]) >= 0 {
		i++
	}
	flags := strings.ReplaceAll(format[1:i], "'", "")
	width, n := p.size(format[i:])
	i += n
	precision := -1
	if i < len(format) && format[i] == '.' {
		precision, n = p.size(format[i+1:])
		precision = max(precision, 0)
		i += 1 + n
	}
	for i < len(format) && strings.IndexByte("hlLjzt", format[i]) >= 0 {
		i++
	}
	if width < 0 && n >= 0 {
		flags, width = flags+"-", -width
	}
	spec := "%" + flags
	if width > 0 {
		spec += strconv.Itoa(width)
	}
	if precision >= 0 {
		spec += "." + strconv.Itoa(precision)
	}
	if i == len(format) {
		p.env.Fail("%s: invalid conversion specification", format)
		return 0, false
	}
	return i + 1, p.convert(spec, format[i], format[:i+1])
}

// size reads a width or precision, which an asterisk takes from the arguments.
func (p *printf) size(format string) (value, n int) {
	if strings.HasPrefix(format, "*") {
		arg, _ := p.next()
		return int(p.integer(arg)), 1
	}
	for n < len(format) && '0' <= format[n] && format[n] <= '9' {
		n++
	}
	value, _ = strconv.Atoi(format[:n])
	return value, n
}

func (p *printf) convert(spec string, verb byte, directive string) bool {
	out := p.env.Stdout
	if strings.IndexByte("sbcq", verb) >= 0 && strings.ContainsAny(spec[:len(spec)-len(strings.TrimLeft(spec[1:], "-+ #0"))], "+ #0") {
		p.env.Fail("%s: invalid conversion specification", directive)
		return false
	}
	arg, given := p.next()
	switch verb {
	case 's':
		out.Printf(padBytes(spec)+"s", arg)
	case 'b':
		text, stopped := unescape(arg, true)
		out.Printf(padBytes(spec)+"s", text)
		return !stopped
	case 'q':
		out.Printf(padBytes(spec)+"s", shellQuote(arg))
	case 'c':
		if !given || arg == "" {
			arg = "\x00"
		}
		out.Printf(padBytes(spec)+"s", arg[:1])
	case 'd', 'i':
		out.Printf("%s", integerText(spec, p.integer(arg)))
	case 'u', 'o', 'x', 'X':
		if verb == 'u' {
			verb = 'd'
		}
		out.Printf("%s", unsignedText(spec, verb, uint64(p.integer(arg))))
	case 'f', 'F', 'e', 'E', 'g', 'G', 'a', 'A':
		out.Printf("%s", floatText(spec, verb, p.float(arg)))
	default:
		p.env.Fail("%s: invalid conversion specification", directive)
		return false
	}
	return true
}

// padBytes is the spec for strings, for which C knows no zero padding.
func padBytes(spec string) string {
	rest := strings.TrimLeft(spec[1:], "-+ #0")
	if strings.Contains(spec[:len(spec)-len(rest)], "-") {
		return "%-" + rest
	}
	return "%" + rest
}

// integerText prints as C does: a precision is a least number of digits and takes away the flag 0.
func integerText(spec string, n int64) string {
	if strings.Contains(spec, ".") && n == 0 && strings.HasSuffix(spec, ".0") {
		return fmt.Sprintf(strings.TrimSuffix(padBytes(spec), ".0")+"s", "")
	}
	return fmt.Sprintf(strings.ReplaceAll(spec, "#", "")+"d", n)
}

func unsignedText(spec string, verb byte, n uint64) string {
	spec = strings.NewReplacer("+", "", " ", "").Replace(spec)
	if n == 0 && verb != 'o' {
		spec = strings.ReplaceAll(spec, "#", "")
	}
	return fmt.Sprintf(spec+string(verb), n)
}

// floatText prints as C does where package fmt differs: infinities, %g without the trailing zeros that # keeps, and %a.
func floatText(spec string, verb byte, f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		text := strings.TrimPrefix(strings.ToLower(fmt.Sprintf("%f", f)), "+")
		if strings.Contains(spec, "+") && f > 0 {
			text = "+" + text
		}
		if verb < 'a' {
			text = strings.ToUpper(text)
		}
		spec, _, _ = strings.Cut(padBytes(spec), ".")
		return fmt.Sprintf(spec+"s", text)
	}
	if (verb == 'g' || verb == 'G') && !strings.Contains(spec, ".") {
		spec += ".6"
	}
	if verb == 'F' {
		verb = 'f'
	}
	if verb == 'a' || verb == 'A' {
		verb += 'x' - 'a'
	}
	return fmt.Sprintf(spec+string(verb), f)
}

// integer reads a number as C's strtoimax(3) with base 0 does, or a quote and a character, whose code it is.
func (p *printf) integer(arg string) int64 {
	if arg == "" {
		return 0
	}
	if arg[0] == '\'' || arg[0] == '"' {
		if len(arg) == 1 {
			p.env.Fail("%s: expected a numeric value", tool.Quote(arg))
			return 0
		}
		return int64(arg[1])
	}
	text := strings.TrimLeft(arg, " \t\n\v\f\r")
	negative := strings.HasPrefix(text, "-")
	unsigned := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	base, prefix := 10, 0
	switch {
	case len(unsigned) > 2 && (unsigned[:2] == "0x" || unsigned[:2] == "0X"):
		base, prefix = 16, 2
	case len(unsigned) > 1 && unsigned[0] == '0':
		base = 8
	}
	n := prefix
	for n < len(unsigned) && strings.IndexByte("0123456789abcdef"[:base], lower(unsigned[n])) >= 0 {
		n++
	}
	if n == prefix {
		p.env.Fail("%s: expected a numeric value", tool.Quote(arg))
		return 0
	}
	value, err := strconv.ParseUint(unsigned[prefix:n], base, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || negative && value > 1<<63:
		p.env.Fail("%s: Numerical result out of range", tool.Quote(arg))
		if negative {
			return math.MinInt64
		}
		return math.MaxInt64
	case n < len(unsigned):
		p.env.Fail("%s: value not completely converted", tool.Quote(arg))
	}
	if negative {
		return -int64(value)
	}
	return int64(value)
}

func (p *printf) float(arg string) float64 {
	if arg == "" {
		return 0
	}
	if arg[0] == '\'' || arg[0] == '"' {
		return float64(p.integer(arg))
	}
	text := strings.TrimLeft(arg, " \t\n\v\f\r")
	for end := len(text); end > 0; end-- {
		f, err := strconv.ParseFloat(text[:end], 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsRune(text[:end], '_') {
			continue
		}
		if end < len(text) {
			p.env.Fail("%s: value not completely converted", tool.Quote(arg))
		}
		return f
	}
	p.env.Fail("%s: expected a numeric value", tool.Quote(arg))
	return 0
}

func shellQuote(s string) string {
	if s == "" {
		return "''"
	}
	return tool.ShellWord(s)
}
