// Package dates reads and writes times as GNU date does.
package dates

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Default is the format of date without one, in the C locale.
const Default = "%a %b %e %H:%M:%S %Z %Y"

// Format writes t by a format of strftime(3), with GNU's flags (- no padding, _ spaces, 0 zeros, ^ upper case), widths, %N and %:z.
func Format(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		text, n := directive(format[i+1:], t)
		b.WriteString(text)
		i += n
	}
	return b.String()
}

// directive formats what follows a percent sign and returns its length.
func directive(spec string, t time.Time) (text string, n int) {
	flag := byte(0)
	upper := false
	for n < len(spec) && strings.IndexByte("-_0^#", spec[n]) >= 0 {
		if spec[n] == '^' {
			upper = true
		} else {
			flag = spec[n]
		}
		n++
	}
	start := n
	for n < len(spec) && '0' <= spec[n] && spec[n] <= '9' {
		n++
	}
	width, _ := strconv.Atoi(spec[start:n])
	colons := 0
	for n < len(spec) && spec[n] == ':' {
		colons++
		n++
	}
	if n < len(spec) && (spec[n] == 'E' || spec[n] == 'O') {
		n++
	}
	if n == len(spec) {
		return "%" + spec, n
	}
	verb := spec[n]
	n++
	if number, digits, padding, ok := numeric(verb, t); ok {
		switch flag {
		case '-':
			digits = 0
		case '_':
			padding = ' '
		case '0':
			padding = '0'
		}
		digits = max(digits, width)
		if padding == ' ' {
			return fmt.Sprintf("%*d", digits, number), n
		}
		return fmt.Sprintf("%0*d", digits, number), n
	}
	switch verb {
	case 'N':
		digits := fmt.Sprintf("%09d", t.Nanosecond())
		if width > 0 && width < 9 {
			digits = digits[:width]
		}
		if flag == '-' {
			digits = strings.TrimRight(digits, "0")
		}
		return digits, n
	case 'z':
		return zone(t, colons), n
	}
	text, ok := textual(verb, t)
	if !ok {
		return "%" + spec[:n], n
	}
	if upper || flag == '#' {
		text = strings.ToUpper(text)
	}
	if len(text) < width {
		fill := " "
		if flag == '0' {
			fill = "0"
		}
		text = strings.Repeat(fill, width-len(text)) + text
	}
	return text, n
}

func numeric(verb byte, t time.Time) (number, digits int, padding byte, ok bool) {
	isoYear, isoWeek := t.ISOWeek()
	hour := (t.Hour()+11)%12 + 1
	switch verb {
	case 'C':
		return t.Year() / 100, 2, '0', true
	case 'd':
		return t.Day(), 2, '0', true
	case 'e':
		return t.Day(), 2, ' ', true
	case 'g':
		return isoYear % 100, 2, '0', true
	case 'G':
		return isoYear, 4, '0', true
	case 'H':
		return t.Hour(), 2, '0', true
	case 'I':
		return hour, 2, '0', true
	case 'j':
		return t.YearDay(), 3, '0', true
	case 'k':
		return t.Hour(), 2, ' ', true
	case 'l':
		return hour, 2, ' ', true
	case 'm':
		return int(t.Month()), 2, '0', true
	case 'M':
		return t.Minute(), 2, '0', true
	case 'q':
		return (int(t.Month())-1)/3 + 1, 1, '0', true
	case 's':
		return int(t.Unix()), 1, '0', true
	case 'S':
		return t.Second(), 2, '0', true
	case 'u':
		return (int(t.Weekday())+6)%7 + 1, 1, '0', true
	case 'U':
		return (t.YearDay() + 6 - int(t.Weekday())) / 7, 2, '0', true
	case 'V':
		return isoWeek, 2, '0', true
	case 'w':
		return int(t.Weekday()), 1, '0', true
	case 'W':
		return (t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7, 2, '0', true
	case 'y':
		return t.Year() % 100, 2, '0', true
	case 'Y':
		return t.Year(), 1, '0', true
	}
	return 0, 0, 0, false
}

func textual(verb byte, t time.Time) (string, bool) {
	switch verb {
	case '%':
		return "%", true
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Format("Monday"), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Format("January"), true
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006"), true
	case 'D', 'x':
		return t.Format("01/02/06"), true
	case 'F':
		return t.Format("2006-01-02"), true
	case 'n':
		return "\n", true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	case 'r':
		return t.Format("03:04:05 PM"), true
	case 'R':
		return t.Format("15:04"), true
	case 't':
		return "\t", true
	case 'T', 'X':
		return t.Format("15:04:05"), true
	case 'Z':
		name, _ := t.Zone()
		return name, true
	}
	return "", false
}

func zone(t time.Time, colons int) string {
	_, offset := t.Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	h, m, s := offset/3600, offset/60%60, offset%60
	switch colons {
	case 0:
		return fmt.Sprintf("%c%02d%02d", sign, h, m)
	case 1:
		return fmt.Sprintf("%c%02d:%02d", sign, h, m)
	case 2:
		return fmt.Sprintf("%c%02d:%02d:%02d", sign, h, m, s)
	}
	return fmt.Sprintf("%c%02d", sign, h)
}
