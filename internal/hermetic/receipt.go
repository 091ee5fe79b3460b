package hermetic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dappco.re/go/cloche/internal/reapi"
)

// Receipt is what "cloche run --receipt" writes. Names of fields are part of the
// command's promise.
type Receipt struct {
	Version int          `json:"version"` // 1
	Action  reapi.Digest `json:"action"`
	Source  Source       `json:"source"`
	Run     Run          `json:"run"`
	Result  Result       `json:"result"`
}

// Source is where to find again what the run was given. Paths are the host's, with
// slashes, and seen from the receipt's directory. Nothing depends on them but that.
type Source struct {
	Program    string   `json:"program"` // a name, or the path of a file that ends in .wasm
	ModulePath []string `json:"modulePath,omitempty"`
	Stdin      string   `json:"stdin,omitempty"`  // a file; "" means the command's own input
	Mounts     []string `json:"mounts,omitempty"` // in the order of the run's
}

// Result is how a run ended.
type Result struct {
	Exit    int          `json:"exit"`
	Reason  string       `json:"reason"` // as in the report of "cloche run --json"
	Stdout  reapi.Digest `json:"stdout"`
	Stderr  reapi.Digest `json:"stderr"`
	Changes Changes      `json:"changes,omitempty"`
}

const version = 1

// NewReceipt names the run by the digest of its Action.
func NewReceipt(s Source, r Run, result Result) (*Receipt, error) {
	action, err := r.Action()
	if err != nil {
		return nil, err
	}
	return &Receipt{version, reapi.Sum(action.Encode()), s, r, result}, nil
}

// Write writes the receipt for people and for Read.
func (r *Receipt) Write(w io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// Read reads what Write wrote, and refuses what does not fit together.
func Read(text []byte) (*Receipt, error) {
	var r Receipt
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("not a receipt: %w", err)
	}
	if r.Version != version {
		return nil, fmt.Errorf("a receipt of version %d, of which this cloche knows only %d", r.Version, version)
	}
	if len(r.Run.Args) == 0 || len(r.Source.Mounts) != len(r.Run.Mounts) {
		return nil, errors.New("not a receipt: its run has no program, or mounts without a source")
	}
	action, err := r.Run.Action()
	if err != nil {
		return nil, err
	}
	if reapi.Sum(action.Encode()) != r.Action {
		return nil, errors.New("the receipt was changed: its run is not the one that its action names")
	}
	return &r, nil
}
