// Package glob matches file names against shell patterns, as fnmatch(3) does.
package glob

import (
	"strings"

	"dappco.re/go/cloche/userland/internal/regex"
)

// Match tells whether the whole name matches the pattern: * stands for any text, slashes included, ? for any character, [...] for one
// of a set, and a backslash takes away the meaning of what follows.
func Match(pattern, name string, foldCase bool) bool {
	if foldCase {
		pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	}
	return match(pattern, name)
}

func match(pattern, name string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for pattern != "" && pattern[0] == '*' {
				pattern = pattern[1:]
			}
			if pattern == "" {
				return true
			}
			for i := range len(name) + 1 {
				if match(pattern, name[i:]) {
					return true
				}
			}
			return false
		case '?':
			if name == "" {
				return false
			}
			pattern = pattern[1:]
		case '[':
			if name == "" {
				return false
			}
			in, rest, ok := inSet(pattern, name[0])
			if !ok {
				rest, in = pattern[1:], name[0] == '['
			}
			if !in {
				return false
			}
			pattern = rest
		default:
			if pattern[0] == '\\' && len(pattern) > 1 {
				pattern = pattern[1:]
			}
			if name == "" || name[0] != pattern[0] {
				return false
			}
			pattern = pattern[1:]
		}
		name = name[1:]
	}
	return name == ""
}

// inSet matches c with the set at the beginning of the pattern and returns what follows it. A bracket that is never closed is no set.
func inSet(pattern string, c byte) (in bool, rest string, ok bool) {
	p := pattern[1:]
	negated := p != "" && (p[0] == '!' || p[0] == '^')
	if negated {
		p = p[1:]
	}
	for first := true; p != ""; first = false {
		if p[0] == ']' && !first {
			return in != negated, p[1:], true
		}
		if strings.HasPrefix(p, "[:") {
			if name, after, closed := strings.Cut(p[2:], ":]"); closed {
				members, _ := regex.Class(name)
				in = in || strings.IndexByte(string(members), c) >= 0
				p = after
				continue
			}
		}
		lo, hi := p[0], p[0]
		if lo == '\\' && len(p) > 1 {
			p = p[1:]
			lo, hi = p[0], p[0]
		}
		p = p[1:]
		if len(p) > 1 && p[0] == '-' && p[1] != ']' {
			hi = p[1]
			p = p[2:]
		}
		in = in || lo <= c && c <= hi
	}
	return false, "", false
}
