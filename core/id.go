package core

import (
	"crypto/rand"
	"strings"
)

// ID returns a new name that nobody can guess or has had before: at least 128
// random bits as lower-case letters and digits, fit for file names, URLs and
// action names. IDs do not sort by age.
func ID() string { return strings.ToLower(rand.Text()) }
