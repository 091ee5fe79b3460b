package cli

import (
	"errors"
	"flag"
	"fmt"

	"dappco.re/go/cloche/process/wasm"
)

// checkHermetic refuses what would let a hermetic run depend on more than it is
// given, or change it.
func (f runFlags) checkHermetic(set *flag.FlagSet) (err error) {
	if !f.hermetic {
		set.Visit(func(given *flag.Flag) {
			switch given.Name {
			case "seed", "time", "receipt", "cache":
				err = fmt.Errorf("--%s is about hermetic runs; add --hermetic", given.Name)
			}
		})
		return err
	}
	if f.native {
		return errors.New("--hermetic is about the sandbox, and --native has none; leave one of them out")
	}
	for _, d := range f.dirs {
		if !d.readOnly && !d.overlay {
			return fmt.Errorf("--hermetic: what is written to %[1]s would be there at the next run; give it with --dir %[1]s:%[2]s:ro, or --overlay %[1]s:%[2]s", d.host, d.guest)
		}
	}
	return nil
}

// steadiness are the options of a hermetic run.
func (f runFlags) steadiness() []wasm.Option {
	if !f.hermetic {
		return nil
	}
	return []wasm.Option{wasm.WithHermetic(f.seed, f.time)}
}
