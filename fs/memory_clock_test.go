package fs_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// datedChanges each leave a new time of change on name, which they return.
var datedChanges = map[string]func(t *testing.T, d fs.Dir) (name string){
	"made": func(t *testing.T, d fs.Dir) string {
		require.NoError(t, d.Mkdir("new", 0o755))
		return "new"
	},
	"made in": func(t *testing.T, d fs.Dir) string {
		sub, err := d.OpenDir("dir")
		require.NoError(t, err)
		defer sub.Close()
		require.NoError(t, sub.Symlink("x", "y"))
		return "dir"
	},
	"written to": func(t *testing.T, d fs.Dir) string {
		node, err := d.OpenFile("file", os.O_WRONLY, 0)
		require.NoError(t, err)
		defer node.Close()
		_, err = node.WriteAt([]byte("x"), 0)
		require.NoError(t, err)
		return "file"
	},
	"set": func(t *testing.T, d fs.Dir) string {
		require.NoError(t, d.SetTimes("file", time.Unix(1, 0), time.Unix(2, 0)))
		return "file"
	},
	"moded": func(t *testing.T, d fs.Dir) string {
		node, err := d.OpenFile("file", os.O_RDWR, 0)
		require.NoError(t, err)
		defer node.Close()
		require.NoError(t, node.SetMode(0o600))
		return "file"
	},
}

func TestWhatIsInMemoryIsDatedByTheGivenClock(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000_000, 5)
	clock := fs.WithClock(func() time.Time { return now })
	for name, change := range datedChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memory := fs.Memory()
			require.NoError(t, memory.Write("file", []byte("old")))
			require.NoError(t, memory.EnsureDir("dir"))
			over, err := fs.Overlay(memory, clock)
			require.NoError(t, err)
			own := fs.Memory(clock)
			require.NoError(t, own.Write("file", []byte("old")))
			require.NoError(t, own.EnsureDir("dir"))
			for _, f := range []*fs.Fs{over.Fs, own} {
				d, err := f.Dir()
				require.NoError(t, err)
				defer d.Close()
				st, err := d.Lookup(change(t, d))
				require.NoError(t, err)
				assert.Equal(t, now, st.Ctime)
			}
		})
	}
}

func TestANewNameOfAFileIsDatedByTheGivenClock(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000_000, 5)
	f := fs.Memory(fs.WithClock(func() time.Time { return now }))
	require.NoError(t, f.Write("file", nil))
	d, err := f.Dir()
	require.NoError(t, err)
	defer d.Close()
	now = now.Add(time.Hour)
	require.NoError(t, d.Link("file", d, "link"))
	st, err := d.Lookup("file")
	require.NoError(t, err)
	assert.Equal(t, now, st.Ctime)
}
