package core

import "runtime/debug"

// catch, deferred, turns a panic into the failure of r.
func catch(r *Result, where string) {
	if v := recover(); v != nil {
		*r = Fail(&PanicError{Where: where, Value: v, Stack: debug.Stack()})
	}
}

// guard is f under recover.
func guard(where string, f func() Result) (r Result) {
	defer catch(&r, where)
	return f()
}
