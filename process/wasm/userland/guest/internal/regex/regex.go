// Package regex matches POSIX basic and extended regular expressions with GNU's additions (\+ \? \| in basic ones; \w \W \s \S
// \b \B \< \> \` \' and back-references in both), leftmost and longest, on bytes.
//
// A pattern is parsed into a tree. From it a program for package regexp is made, whose time is linear, wherever that package
// can express the tree. Package regexp reads UTF-8, so text with bytes above 0x7f is handed to it as Latin-1, one rune a byte. What
// it cannot express (back-references, word edges next to arbitrary text, counts above a thousand) goes to a backtracking matcher.
package regex

import (
	"bytes"
	"regexp"
)

// Options say how patterns are written and matched. The zero value is a basic regular expression.
type Options struct {
	Extended bool
	Literal  bool // no character is special
	FoldCase bool // ASCII letters only, as in the C locale
	Words    bool // a match must not touch other word characters
	Whole    bool // a match must be the whole text
	Lines    bool // ^ and $ also match at newlines
	Escapes  bool // \n \t \f \v \a \r \dNNN \oNNN \xHH stand for characters, as in sed
}

// Regexp is a compiled pattern. It is safe for one goroutine at a time.
type Regexp struct {
	groups  int
	lines   bool
	fold    bool
	literal []byte // the whole pattern, where it is plain text
	program *regexp.Regexp
	tree    *node // for the backtracking matcher, where program is nil

	wide   []byte // scratch: text as UTF-8
	origin []int  // scratch: for each offset in wide, the offset in the text
}

// Compile compiles a pattern.
func Compile(pattern string, opts Options) (*Regexp, error) {
	return CompileAny([]string{pattern}, opts)
}

// CompileAny compiles patterns of which any may match.
func CompileAny(patterns []string, opts Options) (*Regexp, error) {
	tree, groups, err := parse(patterns, opts)
	if err != nil {
		return nil, err
	}
	r := &Regexp{groups: groups, lines: opts.Lines, fold: opts.FoldCase}
	if text, ok := tree.plain(); ok && len(text) > 0 {
		r.literal = text
	}
	var e emitter
	e.lines = opts.Lines
	if source, ok := e.emit(tree); ok {
		if r.program, err = regexp.Compile(source); err == nil {
			r.program.Longest()
			return r, nil
		}
	}
	r.tree = tree
	return r, nil
}

// Groups is the number of groups in the pattern.
func (r *Regexp) Groups() int { return r.groups }

// Match tells whether the pattern matches anywhere in text.
func (r *Regexp) Match(text []byte) bool {
	switch {
	case r.literal != nil:
		return bytes.Contains(text, r.literal)
	case r.program == nil:
		return newMatcher(r, text).search(0) != nil
	case isASCII(text):
		return r.program.Match(text)
	}
	r.widen(text)
	return r.program.Match(r.wide)
}

// FindAll returns the offsets of the first n matches that do not overlap, all of them if n < 0. For each there are pairs for
// the match and its groups, -1 where a group took no part. An empty match right behind a match is none.
func (r *Regexp) FindAll(text []byte, n int) [][]int {
	switch {
	case r.literal != nil && !bytes.Contains(text, r.literal):
		return nil
	case r.program == nil:
		return newMatcher(r, text).all(n)
	case isASCII(text):
		return r.program.FindAllSubmatchIndex(text, n)
	}
	r.widen(text)
	found := r.program.FindAllSubmatchIndex(r.wide, n)
	for _, match := range found {
		for i, offset := range match {
			if offset >= 0 {
				match[i] = r.origin[offset]
			}
		}
	}
	return found
}

// Find returns the first match, or nil.
func (r *Regexp) Find(text []byte) []int {
	if found := r.FindAll(text, 1); found != nil {
		return found[0]
	}
	return nil
}

func (r *Regexp) widen(text []byte) {
	r.wide, r.origin = r.wide[:0], r.origin[:0]
	for i, c := range text {
		r.origin = append(r.origin, i)
		if c < 0x80 {
			r.wide = append(r.wide, c)
			continue
		}
		r.origin = append(r.origin, i)
		r.wide = append(r.wide, 0xc0|c>>6, 0x80|c&0x3f)
	}
	r.origin = append(r.origin, len(text))
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
