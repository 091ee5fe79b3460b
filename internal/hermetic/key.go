package hermetic

import (
	"encoding/hex"
	"fmt"

	"dappco.re/go/cloche/internal/reapi"
)

// Key is the digest of all that the run is given, in hexadecimal: its Action, and what
// an Action does not tell. A mode shows in files that a guest renames or appends to, and
// which names are those of one file it can ask.
func (r *Run) Key() (string, error) {
	action, err := r.Action()
	if err != nil {
		return "", err
	}
	h := reapi.NewHasher()
	fmt.Fprintf(h, "cloche result %d\n%s\n", entryVersion, reapi.Sum(action.Encode()))
	devices, files := make(map[uint64]int), make(map[fileID]int)
	for _, m := range r.Mounts {
		fmt.Fprintf(h, "mount %s\n", m.Files.Perms())
		for _, id := range m.twins {
			fmt.Fprintln(h, number(devices, id.dev), number(files, id))
		}
	}
	sum := h.Sum()
	return hex.EncodeToString(sum.Hash[:]), nil
}

// number is how many others were asked for before.
func number[K comparable](seen map[K]int, k K) int {
	n, ok := seen[k]
	if !ok {
		n = len(seen)
		seen[k] = n
	}
	return n
}
