package supervise

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"strings"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
)

// records are files, one per unit that has a process: NAME.json in dir. A nil
// *records keeps none.
type records struct {
	fs   *fs.Fs
	dir  string
	held *fs.PIDFile
}

// record is what is written down of a process before it runs.
type record struct {
	Identity process.Identity `json:"identity"`
	Command  string           `json:"command"`
	Spec     string           `json:"spec"` // digestOf
}

// lockName is no unit's record.
const lockName = "supervisor.pid"

const suffix = ".json"

func (r *records) open() (err error) {
	if r == nil {
		return nil
	}
	if err := r.fs.EnsureDir(r.dir); err != nil {
		return err
	}
	r.held, err = r.fs.PIDFile(path.Join(r.dir, lockName))
	return err
}

func (r *records) close() {
	if r != nil {
		r.held.Close()
	}
}

// load reads what an earlier program has left. A record that cannot be read may
// stand for a process that runs, and so is an error.
func (r *records) load() (map[string]record, error) {
	left := make(map[string]record)
	if r == nil {
		return left, nil
	}
	entries, err := r.fs.List(r.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || !validName.MatchString(name) {
			continue
		}
		text, err := r.fs.Read(r.path(name))
		if err != nil {
			return nil, err
		}
		var rec record
		if err := json.Unmarshal(text, &rec); err != nil {
			return nil, &UnitError{name, fmt.Errorf("reading its record: %w", err), "end its process, then remove " + r.path(name)}
		}
		left[name] = rec
	}
	return left, nil
}

func (r *records) path(name string) string { return path.Join(r.dir, name+suffix) }

func (r *records) write(u Unit, id process.Identity) error {
	text, err := json.Marshal(record{Identity: id, Command: u.Spec.Command, Spec: digestOf(u.Spec)})
	if err != nil {
		return err
	}
	if err := r.fs.WriteAtomic(r.path(u.Name), append(text, '\n')); err != nil {
		return fmt.Errorf("recording the process: %w", err)
	}
	return nil
}

// remove crosses out a process that has ended. One that remains written down is
// found to be gone.
func (r *records) remove(name string) error {
	if r == nil {
		return nil
	}
	if err := r.fs.Delete(r.path(name)); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	return nil
}

// digestOf tells whether two Specs run the same, without telling what: variables
// may be secrets.
func digestOf(s process.Spec) string {
	text, _ := json.Marshal([]any{s.Command, s.Args, s.Dir, s.Env, s.OutputFile}) // strings cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
