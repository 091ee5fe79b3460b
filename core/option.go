package core

import (
	"math"
	"slices"
	"time"
)

// Option is one named value.
type Option struct {
	Key   string
	Value any
}

// Options is an ordered set of named values. The zero value is empty. A copy is
// independent of what it was copied from: Set never changes the other.
type Options struct {
	items []Option
}

// NewOptions makes Options of items; of two with the same key the later wins.
func NewOptions(items ...Option) Options {
	var o Options
	for _, item := range items {
		o.Set(item.Key, item.Value)
	}
	return o
}

// Set gives key a value, in the place of the old one if there is one.
func (o *Options) Set(key string, value any) {
	// A fresh slice each time keeps copies apart, for the few keys there are.
	items := slices.Clone(o.items)
	if i := o.index(key); i >= 0 {
		items[i].Value = value
	} else {
		items = append(items, Option{Key: key, Value: value})
	}
	o.items = items
}

// Get answers the value of key, or fails with a *SchemaError.
func (o Options) Get(key string) Result {
	i := o.index(key)
	if i < 0 {
		return Fail(&SchemaError{Key: key, Want: "a value", Got: "nothing", Fix: "set it"})
	}
	return Ok(o.items[i].Value)
}

// Has tells whether key has a value, be it nil.
func (o Options) Has(key string) bool { return o.index(key) >= 0 }

// String returns the string under key, or "" when there is none.
func (o Options) String(key string) string {
	s, _ := o.value(key).(string)
	return s
}

// Strings returns the list under key, given as []string or as []any that holds
// strings only, or nil when there is none. The result is the caller's to keep.
func (o Options) Strings(key string) []string {
	list, _ := toStrings(o.value(key))
	return list
}

// Int returns the integer under key, of whatever integer type it is, or 0 when
// there is none or it does not fit an int.
func (o Options) Int(key string) int {
	n, _ := toInt(o.value(key))
	return n
}

// Bool returns the bool under key, or false when there is none.
func (o Options) Bool(key string) bool {
	b, _ := o.value(key).(bool)
	return b
}

// Duration returns the duration under key, given as a time.Duration or as a
// string that time.ParseDuration takes, or 0 when there is none. An integer is
// none: it has no unit.
func (o Options) Duration(key string) time.Duration {
	d, _ := toDuration(o.value(key))
	return d
}

// Len returns the number of keys.
func (o Options) Len() int { return len(o.items) }

// Items returns a copy of all options in the order in which they were first set.
func (o Options) Items() []Option { return slices.Clone(o.items) }

func (o Options) index(key string) int {
	return slices.IndexFunc(o.items, func(item Option) bool { return item.Key == key })
}

func (o Options) value(key string) any {
	if i := o.index(key); i >= 0 {
		return o.items[i].Value
	}
	return nil
}

func toInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int8:
		return int(n), true
	case int16:
		return int(n), true
	case int32:
		return int(n), true
	case int64:
		return int(n), n >= math.MinInt && n <= math.MaxInt
	case uint:
		return unsigned(uint64(n))
	case uint8:
		return int(n), true
	case uint16:
		return int(n), true
	case uint32:
		return unsigned(uint64(n))
	case uint64:
		return unsigned(n)
	}
	return 0, false
}

func unsigned(n uint64) (int, bool) {
	if n > math.MaxInt {
		return 0, false
	}
	return int(n), true
}

func toStrings(v any) ([]string, bool) {
	switch list := v.(type) {
	case []string:
		return slices.Clone(list), true
	case []any: // what a decoder makes of a list
		out := make([]string, len(list))
		for i, item := range list {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

func toDuration(v any) (time.Duration, bool) {
	switch d := v.(type) {
	case time.Duration:
		return d, true
	case string:
		parsed, err := time.ParseDuration(d)
		return parsed, err == nil
	}
	return 0, false
}
