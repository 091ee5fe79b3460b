package tool

import (
	"cmp"
	"strings"
)

// CompareVersions orders as sort -V does (coreutils manual, "Version sort ordering"): digits as numbers, letters before other
// characters, ~ before everything, and file name suffixes only where the rest is equal.
func CompareVersions(a, b string) int {
	if a == b {
		return 0
	}
	for _, special := range []string{"", ".", ".."} {
		switch {
		case a == special:
			return -1
		case b == special:
			return 1
		}
	}
	if (a[0] == '.') != (b[0] == '.') {
		if a[0] == '.' {
			return -1
		}
		return 1
	}
	order := compareRuns(withoutSuffix(a), withoutSuffix(b))
	return cmp.Or(order, compareRuns(a, b), strings.Compare(a, b))
}

// withoutSuffix takes off what matches (\.[A-Za-z~][A-Za-z0-9~]*)*$.
func withoutSuffix(s string) string {
	end := len(s)
	for i := end - 1; i > 0; i-- {
		c := s[i]
		switch {
		case c == '.':
			if i+1 == end || isDigit(s[i+1]) {
				return s[:end]
			}
			end = i
		case c != '~' && !isDigit(c) && !('a' <= c|0x20 && c|0x20 <= 'z'):
			return s[:end]
		}
	}
	return s[:end]
}

func compareRuns(a, b string) int {
	weight := func(s string) int {
		switch {
		case s == "" || isDigit(s[0]):
			return 0
		case s[0] == '~':
			return -1
		case 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z':
			return int(s[0])
		}
		return int(s[0]) + 256
	}
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			if order := weight(a) - weight(b); order != 0 {
				return order
			}
			a, b = a[1:], b[1:]
		}
		x, y := a[:countDigits(a)], b[:countDigits(b)]
		a, b = a[len(x):], b[len(y):]
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if order := cmp.Or(len(x)-len(y), strings.Compare(x, y)); order != 0 {
			return order
		}
	}
	return 0
}
