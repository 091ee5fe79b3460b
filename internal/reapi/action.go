package reapi

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Command is what to run.
type Command struct {
	Arguments        []string // the program's name first
	Environment      []Pair   // by name
	OutputPaths      []string // seen from WorkingDirectory
	WorkingDirectory string   // without a leading slash; "" for the root
}

// Pair is a variable, or a property of a platform.
type Pair struct{ Name, Value string }

// Action is all that decides how a run ends.
type Action struct {
	Command   Digest
	InputRoot Digest        // of a Directory
	Timeout   time.Duration // zero means none
	Salt      string        // what made the result, where others would make another
	Platform  []Pair        // what the run needs beside its files
}

// Encode returns the message. Strings that are not UTF-8 cannot be told.
func (c Command) Encode() ([]byte, error) {
	var m message
	for _, a := range c.Arguments {
		m.item(1, a)
	}
	for _, v := range sorted(c.Environment) {
		m.message(2, pair(v.Name, v.Value))
	}
	m.text(6, c.WorkingDirectory)
	for _, p := range slices.Compact(slices.Sorted(slices.Values(c.OutputPaths))) {
		m.item(7, p)
	}
	texts := slices.Concat(c.Arguments, c.OutputPaths, []string{c.WorkingDirectory})
	for _, v := range c.Environment {
		texts = append(texts, v.Name, v.Value)
	}
	return m, checkTexts(texts...)
}

// Encode returns the message.
func (a Action) Encode() []byte {
	var m message
	m.message(1, a.Command.message())
	m.message(2, a.InputRoot.message())
	if a.Timeout > 0 {
		var d message // google.protobuf.Duration
		d.number(1, uint64(a.Timeout/time.Second))
		d.number(2, uint64(a.Timeout%time.Second))
		m.message(6, d)
	}
	m.text(9, a.Salt)
	if len(a.Platform) > 0 {
		var p message
		for _, property := range sorted(a.Platform) {
			p.message(1, pair(property.Name, property.Value))
		}
		m.message(10, p)
	}
	return m
}

func sorted(pairs []Pair) []Pair {
	return slices.SortedFunc(slices.Values(pairs), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
}

func checkTexts(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not UTF-8, and other text has no digest in the Remote Execution API", s)
		}
	}
	return nil
}
