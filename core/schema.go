package core

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Field is one option that an action takes.
type Field struct {
	Key      string
	Type     Type // never nil; Any takes everything
	Required bool
}

// Type is a set of values that a Field takes: a Kind, what TypeOf returns, or
// the user's own.
type Type interface {
	// Want says what is in the set, as in "a string".
	Want() string
	// Check tells whether v is in it, and if not, may say how to mend that.
	Check(v any) (fix string, ok bool)
}

// Kind is a Type of everyday values.
type Kind int

// The kinds, and by which method of Options their values are read.
const (
	Any      Kind = iota // every value, nil too; Get
	String               // a string; String
	Strings              // []string, or []any of strings; Strings
	Int                  // any integer type, if the value fits an int; Int
	Bool                 // a bool; Bool
	Duration             // a time.Duration, or a string such as "30s"; Duration
)

// Want is part of Type.
func (k Kind) Want() string {
	switch k {
	case Any:
		return "any value"
	case String:
		return "a string"
	case Strings:
		return "a list of strings"
	case Int:
		return "an integer"
	case Bool:
		return "true or false"
	case Duration:
		return "a duration"
	}
	return fmt.Sprintf("a value of the unknown Kind(%d)", int(k))
}

// Check is part of Type.
func (k Kind) Check(v any) (fix string, ok bool) {
	switch k {
	case Any:
		return "", true
	case String:
		_, ok = v.(string)
		return "pass a string", ok
	case Strings:
		_, ok = toStrings(v)
		return "pass []string", ok
	case Int:
		_, ok = toInt(v)
		return "pass an int", ok
	case Bool:
		_, ok = v.(bool)
		return "pass a bool", ok
	case Duration:
		return checkDuration(v)
	}
	return "use one of the kinds that core names", false
}

func checkDuration(v any) (fix string, ok bool) {
	if _, ok := toDuration(v); ok {
		return "", true
	}
	switch v := v.(type) {
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return `an integer has no unit; pass time.Duration or "30s"`, false
	case string:
		_, err := time.ParseDuration(v)
		return err.Error() + `; pass time.Duration or a string such as "30s"`, false
	}
	return `pass time.Duration or "30s"`, false
}

// TypeOf is the Type of the values that assert to T; want describes them, as in
// "an io.Reader".
func TypeOf[T any](want string) Type { return assertable[T](want) }

type assertable[T any] string

func (a assertable[T]) Want() string { return string(a) }

func (a assertable[T]) Check(v any) (fix string, ok bool) {
	_, ok = v.(T)
	return "pass " + string(a), ok
}

// schema is what an action takes.
type schema struct {
	fields []Field
	err    error // the schema itself is wrong: it then takes nothing
}

func newSchema(action string, fields []Field) *schema {
	s := &schema{fields: slices.Clone(fields)}
	seen := make(map[string]bool)
	for _, f := range fields {
		switch {
		case f.Key == "":
			s.err = E("Accept", culprit("action", action)+": a field has no Key", nil)
		case f.Type == nil:
			s.err = E("Accept", fmt.Sprintf("%s: field %q has no Type; core.Any takes every value", culprit("action", action), f.Key), nil)
		case seen[f.Key]:
			s.err = E("Accept", fmt.Sprintf("%s: field %q is there twice", culprit("action", action), f.Key), nil)
		}
		seen[f.Key] = true
	}
	return s
}

// takes tells whether key is a field. A nil schema takes every key.
func (s *schema) takes(key string) bool { return s == nil || s.field(key) != nil }

func (s *schema) check(action string, opts Options) error {
	if s == nil {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	for _, o := range opts.items {
		if err := s.checkOption(action, o); err != nil {
			return err
		}
	}
	for _, f := range s.fields {
		if f.Required && !opts.Has(f.Key) {
			return &SchemaError{Action: action, Key: f.Key, Want: f.Type.Want(), Got: "nothing", Fix: "set it"}
		}
	}
	return nil
}

func (s *schema) checkOption(action string, o Option) error {
	f := s.field(o.Key)
	if f == nil {
		return &SchemaError{Action: action, Key: o.Key, Want: s.keys(), Got: "an unknown key", Fix: "leave it out"}
	}
	if fix, ok := f.Type.Check(o.Value); !ok {
		return &SchemaError{Action: action, Key: o.Key, Want: f.Type.Want(), Got: typeName(o.Value), Fix: fix}
	}
	return nil
}

func (s *schema) field(key string) *Field {
	for i := range s.fields {
		if s.fields[i].Key == key {
			return &s.fields[i]
		}
	}
	return nil
}

func (s *schema) keys() string {
	if len(s.fields) == 0 {
		return "no options"
	}
	keys := make([]string, len(s.fields))
	for i, f := range s.fields {
		keys[i] = f.Key
	}
	return "one of " + strings.Join(keys, ", ")
}
