package process

import "crypto/rand"

// newID is unguessable, so that knowing one process says nothing about others.
func newID() string { return rand.Text() }
