//go:build linux || darwin || freebsd

package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/fs"
)

// disk records what is done to a directory in memory, to tell what a power cut would
// leave of it. It grants no more than POSIX does: what fsync(2) was not called for,
// on the file for its bytes and on the directory for its names, survives or not,
// each change by itself and in no order. A write can survive in part, with nothing or
// with zeros in the place of the rest; a rename can have made the new name without
// taking the old one away, and the other way round.
type disk struct {
	names map[string]int // which file a name leads to
	files int
	log   []change
}

// change is one thing that was done. What a sync has made durable is its past.
type change struct {
	kind kind
	name string // of the entry
	file int    // what the entry leads to, or what is written or synced
	data []byte // written from the beginning, for it is all that is done here
}

type kind int

const (
	given kind = iota // the name leads to the file
	taken             // the name leads nowhere
	emptied
	written
	fileSynced
	dirSynced
)

func (k kind) isName() bool { return k == given || k == taken }

// syncOf is what makes a change durable.
func (c change) syncOf(by change) bool {
	if c.kind.isName() {
		return by.kind == dirSynced
	}
	return by.kind == fileSynced && by.file == c.file
}

func (d *disk) add(c change) { d.log = append(d.log, c) }

type diskDir struct {
	fs.Dir
	*disk
}

func newDisk(t require.TestingT) diskDir {
	d, err := fs.Memory().Dir()
	require.NoError(t, err)
	return diskDir{d, &disk{names: make(map[string]int)}}
}

func (d diskDir) Dup() (fs.Dir, error) {
	dup, err := d.Dir.Dup()
	if err != nil {
		return nil, err
	}
	return diskDir{dup, d.disk}, nil
}

func (d diskDir) OpenFile(name string, flag int, perm iofs.FileMode) (fs.Node, error) {
	n, err := d.Dir.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	file, old := d.names[name]
	if !old {
		d.files++
		file = d.files
		d.names[name] = file
		d.add(change{kind: given, name: name, file: file})
	}
	if flag&os.O_TRUNC != 0 {
		d.add(change{kind: emptied, file: file})
	}
	return diskNode{n, d.disk, file}, nil
}

func (d diskDir) Rename(name string, to fs.Dir, newname string) error {
	if err := d.Dir.Rename(name, to.(diskDir).Dir, newname); err != nil {
		return err
	}
	d.names[newname] = d.names[name]
	delete(d.names, name)
	d.add(change{kind: given, name: newname, file: d.names[newname]})
	d.add(change{kind: taken, name: name})
	return nil
}

func (d diskDir) Unlink(name string) error {
	if err := d.Dir.Unlink(name); err != nil {
		return err
	}
	delete(d.names, name)
	d.add(change{kind: taken, name: name})
	return nil
}

func (d diskDir) Sync() error {
	d.add(change{kind: dirSynced})
	return d.Dir.Sync()
}

type diskNode struct {
	fs.Node
	disk *disk
	file int
}

func (n diskNode) WriteAt(p []byte, off int64) (int, error) {
	if off != 0 {
		return 0, errors.New("the disk knows writes from the beginning only")
	}
	m, err := n.Node.WriteAt(p, off)
	n.disk.add(change{kind: written, file: n.file, data: slices.Clone(p[:m])})
	return m, err
}

func (n diskNode) Sync() error {
	n.disk.add(change{kind: fileSynced, file: n.file})
	return n.Node.Sync()
}

// pick chooses one of n ways that something may go, from 0.
type pick func(n int) int

// cut is what is there under each name when the power fails after the first done
// changes, and comes back.
func (d *disk) cut(done int, pick pick) map[string][]byte {
	past := d.log[:done]
	names, data := make(map[string]int), make(map[int][]byte)
	for i, c := range past {
		durable := slices.ContainsFunc(past[i:], c.syncOf)
		switch {
		case c.kind == written && durable:
			data[c.file] = over(data[c.file], c.data)
		case c.kind == written:
			data[c.file] = over(data[c.file], remains(c.data, pick))
		case c.kind == fileSynced || c.kind == dirSynced:
		case !durable && pick(2) == 0: // lost
		case c.kind == emptied:
			data[c.file] = nil
		case c.kind == given:
			names[c.name] = c.file
		case c.kind == taken:
			delete(names, c.name)
		}
	}
	left := make(map[string][]byte)
	for name, file := range names {
		left[name] = append([]byte{}, data[file]...)
	}
	return left
}

// over is what p, written from the beginning, makes of old.
func over(old, p []byte) []byte {
	if len(p) >= len(old) {
		return p
	}
	return slices.Concat(p, old[len(p):])
}

// remains is what is left of a write.
func remains(p []byte, pick pick) []byte {
	kept := slices.Clone(p[:pick(len(p)+1)])
	if pick(2) == 1 {
		kept = append(kept, make([]byte, len(p)-len(kept))...)
	}
	return kept
}

// everyWay calls try once for each way in which its picks can come out.
func everyWay(try func(pick pick)) {
	var way, of []int
	for {
		at := 0
		try(func(n int) int {
			if at == len(way) {
				way, of = append(way, 0), append(of, n)
			}
			at++
			return way[at-1]
		})
		for len(way) > 0 && way[len(way)-1]+1 == of[len(of)-1] {
			way, of = way[:len(way)-1], of[:len(of)-1]
		}
		if len(way) == 0 {
			return
		}
		way[len(way)-1]++
	}
}

// saver replaces the file "status".
type saver func(f *fs.Fs, data []byte) error

var savers = map[string]saver{
	"WriteAtomic": func(f *fs.Fs, data []byte) error { return f.WriteAtomic("status", data) },
	"Update": func(f *fs.Fs, data []byte) error {
		return f.Update("status", func([]byte) ([]byte, error) { return data, nil })
	},
}

// saved says what may be in a file; nil is that there is none.
func saved(left map[string][]byte, may ...[]byte) bool {
	got := left["status"]
	return slices.ContainsFunc(may, func(want []byte) bool {
		return (got == nil) == (want == nil) && bytes.Equal(got, want)
	})
}

// lossesOf has the power fail at every point of a save, with everything that this can
// leave, and tells what was lost.
func lossesOf(t *testing.T, old, data []byte, save saver) (losses []string) {
	d := newDisk(t)
	f := fs.FromDir(d)
	defer f.Close()
	if old != nil {
		require.NoError(t, savers["WriteAtomic"](f, old))
	}
	begin := len(d.log)
	require.NoError(t, save(f, data))
	for done := begin; done <= len(d.log); done++ {
		may := [][]byte{old, data}
		if done == len(d.log) {
			may = may[1:] // it has returned
		}
		everyWay(func(pick pick) {
			if left := d.cut(done, pick); !saved(left, may...) {
				losses = append(losses, fmt.Sprintf("after %d of %d changes: %q", done-begin, len(d.log)-begin, left["status"]))
			}
		})
	}
	return losses
}

func TestAPowerCutAtAnyPointLeavesTheOldFileOrTheNew(t *testing.T) {
	t.Parallel()
	for name, save := range savers {
		for _, old := range [][]byte{nil, {}, []byte("old"), []byte("the old one")} {
			for _, data := range [][]byte{{}, []byte("new")} {
				assert.Empty(t, lossesOf(t, old, data, save), "%s of %q over %q", name, data, old)
			}
		}
	}
}

// What the check is for: each of these loses something, and it sees that.
func TestAPowerCutLosesWhatIsSavedCarelessly(t *testing.T) {
	t.Parallel()
	const temp = "temp"
	steps := map[string]func(d fs.Dir, n fs.Node) error{
		"sync":     func(_ fs.Dir, n fs.Node) error { return n.Sync() },
		"rename":   func(d fs.Dir, _ fs.Node) error { return d.Rename(temp, d, "status") },
		"sync dir": func(d fs.Dir, _ fs.Node) error { return d.Sync() },
	}
	for name, test := range map[string]struct {
		open  string
		flag  int
		steps []string
		safe  bool
	}{
		"as it should be":       {temp, os.O_CREATE | os.O_EXCL, []string{"sync", "rename", "sync dir"}, true},
		"without the file's":    {temp, os.O_CREATE | os.O_EXCL, []string{"rename", "sync dir"}, false},
		"without the folder's":  {temp, os.O_CREATE | os.O_EXCL, []string{"sync", "rename"}, false},
		"synced after renaming": {temp, os.O_CREATE | os.O_EXCL, []string{"rename", "sync", "sync dir"}, false},
		"renamed after syncing": {temp, os.O_CREATE | os.O_EXCL, []string{"sync", "sync dir", "rename"}, false},
		"written in place":      {"status", os.O_CREATE | os.O_TRUNC, []string{"sync", "sync dir"}, false},
	} {
		save := func(f *fs.Fs, data []byte) error {
			d, err := f.Dir()
			if err != nil {
				return err
			}
			defer d.Close()
			n, err := d.OpenFile(test.open, os.O_WRONLY|test.flag, 0o600)
			if err != nil {
				return err
			}
			defer n.Close()
			_, err = n.WriteAt(data, 0)
			for _, step := range test.steps {
				err = errors.Join(err, steps[step](d, n))
			}
			return err
		}
		losses := lossesOf(t, []byte("old"), []byte("new"), save)
		assert.Equal(t, test.safe, len(losses) == 0, "%s: %q", name, losses)
	}
}

// Many saves, of which some fail half-way, and a cut at any moment after.
func TestAPowerCutAfterAnyHistoryLeavesTheLastSaveOrTheOneUnderWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := newDisk(r)
		faults := &faults{err: syscall.EIO}
		f := fs.FromDir(faultyDir{d, faults})
		defer f.Close()
		may := map[int][][]byte{0: {nil}} // by number of changes
		for range rapid.IntRange(1, 6).Draw(r, "saves") {
			data := append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(r, "data")...)
			faults.count.Store(0)
			faults.at = rapid.Int64Range(0, 20).Draw(r, "fault at") // beyond the last call, none
			begin := len(d.log)
			before := may[begin]
			err := savers[rapid.SampledFrom([]string{"Update", "WriteAtomic"}).Draw(r, "by")](f, data)
			under := append(slices.Clone(before), data)
			for done := begin + 1; done <= len(d.log); done++ {
				may[done] = under
			}
			if err == nil {
				may[len(d.log)] = [][]byte{data}
			}
		}
		done := rapid.IntRange(0, len(d.log)).Draw(r, "cut after")
		left := d.cut(done, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "fate") })
		if !saved(left, may[done]...) {
			r.Fatalf("%q is left, and may not be: %q", left["status"], may[done])
		}
	})
}
