//go:build !linux

package native

import (
	"errors"

	"dappco.re/go/cloche/process"
)

func identify(int) (process.Identity, error) { return process.Identity{}, errors.ErrUnsupported }
