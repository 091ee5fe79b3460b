//go:build !unix

package native

import (
	"errors"

	"dappco.re/go/cloche/process"
)

// hasTerminals says whether Spec.Terminal can be honoured.
const hasTerminals = false

// openTerminal is never asked.
func openTerminal(process.Spec) (streams, error) { return nil, errors.ErrUnsupported }
