package shell

import (
	"math"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/userland/internal/tool"
)

// Seq prints numbers.
func Seq(e *tool.Env) int {
	separator, format, equal := "\n", "", false
	args := e.Args
	// A negative number is an operand, so options are read here up to the first number.
	var options []string
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" && !isNumberStart(args[0][1]) {
		options = append(options, args[0])
		takes := args[0] == "-s" || args[0] == "-f" || args[0] == "--separator" || args[0] == "--format"
		args = args[1:]
		if takes && len(args) > 0 {
			options = append(options, args[0])
			args = args[1:]
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	operands := args
	inner := *e
	inner.Args = options
	f := inner.Flags("[OPTION]... LAST\n  or:  seq [OPTION]... FIRST LAST\n  or:  seq [OPTION]... FIRST INCREMENT LAST")
	f.Call("s,separator", "STRING", "use STRING to separate numbers (default: \\n)", func(v string) error { separator = v; return nil })
	f.Call("f,format", "FORMAT", "use printf style floating-point FORMAT", func(v string) error { format = v; return nil })
	f.Call("w,equal-width", "", "equalize width by padding with leading zeroes", func(string) error { equal = true; return nil })
	if _, ok := f.Parse(); !ok {
		return f.Code()
	}
	switch {
	case len(operands) == 0:
		return e.Misused("missing operand")
	case len(operands) > 3:
		return e.Misused("extra operand %s", tool.Quote(operands[3]))
	}
	values := []float64{1, 1, 1}
	texts := []string{"1", "1", "1"}
	slots := [][]int{{2}, {0, 2}, {0, 1, 2}}[len(operands)-1]
	for i, text := range operands {
		value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(value) {
			return e.Misused("invalid floating point argument: %s", tool.Quote(text))
		}
		values[slots[i]], texts[slots[i]] = value, strings.TrimPrefix(strings.TrimSpace(text), "+")
	}
	if values[1] == 0 {
		return e.Misused("invalid Zero increment value: %s", tool.Quote(texts[1]))
	}
	s := series{first: values[0], step: values[1], last: values[2]}
	places := max(decimals(texts[0]), decimals(texts[1]))
	width := 0
	if equal {
		width = s.width(places)
	}
	print := func(v float64) string { return pad(strconv.FormatFloat(v, 'f', places, 64), width) }
	if format != "" {
		head, spec, verb, tail, err := splitFormat(format)
		if err != "" {
			return e.Fail("%s", err)
		}
		print = func(v float64) string { return head + floatText(spec, verb, v) + tail }
	}
	printed := false
	for v := range s.values(places) {
		if printed {
			e.Stdout.WriteString(separator)
		}
		printed = true
		e.Stdout.WriteString(print(v))
		if e.Stdout.Broken() {
			return 0
		}
	}
	if printed {
		e.Stdout.WriteByte('\n')
	}
	return 0
}

func isNumberStart(c byte) bool { return '0' <= c && c <= '9' || c == '.' || c == 'i' }

func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	if strings.ContainsAny(fraction, "eE") {
		return 6
	}
	return len(fraction)
}

type series struct{ first, step, last float64 }

// values yields the numbers. Each is computed from the first, so that errors do not add up; half a unit of the last
// place is allowed beyond the end.
func (s series) values(places int) func(yield func(float64) bool) {
	slack := 0.0
	if places > 0 {
		slack = math.Pow(10, -float64(places)) / 2
	}
	return func(yield func(float64) bool) {
		for i := 0.0; ; i++ {
			v := s.first + i*s.step
			if s.step > 0 && v > s.last+slack || s.step < 0 && v < s.last-slack {
				return
			}
			if !yield(v) {
				return
			}
		}
	}
}

func (s series) width(places int) int {
	last := s.last
	if !math.IsInf(last, 0) {
		last = s.first + math.Floor((s.last-s.first)/s.step+1e-9)*s.step
	}
	return max(len(strconv.FormatFloat(s.first, 'f', places, 64)), len(strconv.FormatFloat(last, 'f', places, 64)))
}

func pad(text string, width int) string {
	if len(text) >= width {
		return text
	}
	zeros := strings.Repeat("0", width-len(text))
	if strings.HasPrefix(text, "-") {
		return "-" + zeros + text[1:]
	}
	return zeros + text
}

// splitFormat takes a format with exactly one floating-point directive apart.
func splitFormat(format string) (head, spec string, verb byte, tail, problem string) {
	at := -1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		if strings.HasPrefix(format[i:], "%%") {
			i++
			continue
		}
		at = i
		break
	}
	if at < 0 {
		return "", "", 0, "", "format " + tool.Quote(format) + " has no % directive"
	}
	i := at + 1
	for i < len(format) && strings.IndexByte("-+ #0123456789.'", format[i]) >= 0 {
		i++
	}
	if i == len(format) {
		return "", "", 0, "", "format " + tool.Quote(format) + " ends in %"
	}
	if strings.IndexByte("efgaEFGA", format[i]) < 0 {
		return "", "", 0, "", "format " + tool.Quote(format) + " has unknown %" + format[i:i+1] + " directive"
	}
	tail = format[i+1:]
	if strings.Contains(strings.ReplaceAll(tail, "%%", ""), "%") {
		return "", "", 0, "", "format " + tool.Quote(format) + " has too many % directives"
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "%%", "%") }
	return plain(format[:at]), format[at:i], format[i], plain(tail), ""
}

// Sleep waits.
func Sleep(e *tool.Env) int {
	f := e.Flags("NUMBER[SUFFIX]...")
	args, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(args) == 0 {
		return e.Misused("missing operand")
	}
	units := map[byte]float64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
	total := 0.0
	for _, arg := range args {
		text, unit := arg, 1.0
		if arg != "" {
			if u, ok := units[arg[len(arg)-1]]; ok {
				text, unit = arg[:len(arg)-1], u
			}
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < 0 || math.IsNaN(n) {
			e.Fail("invalid time interval %s", tool.Quote(arg))
			continue
		}
		total += n * unit
	}
	if e.Status() != 0 {
		return e.Hint()
	}
	nanoseconds := math.Ceil(total * 1e9)
	if nanoseconds > math.MaxInt64 {
		nanoseconds = math.MaxInt64 / 2
	}
	time.Sleep(time.Duration(nanoseconds))
	return 0
}
