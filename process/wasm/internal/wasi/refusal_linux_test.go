package wasi_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// newMountedWorld has the tree of a world at "/" and again, for reading only, at
// "/ro".
func newMountedWorld(t *testing.T, h *host) *world {
	w := &world{root: filepath.Join(scratch(t), "root")}
	plant(t, w.root)
	writable, err := fs.New(w.root)
	require.NoError(t, err)
	other := filepath.Join(scratch(t), "root")
	plant(t, other)
	fixed, err := fs.New(other)
	require.NoError(t, err)
	root, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: writable}, {Target: "/ro", Fs: fixed.ReadOnly()}})
	require.NoError(t, err)
	w.proxy = newProxyIn(t, h, t.Context(), kernel.Config{Root: root, Preopens: []string{"/ro"}})
	w.reset()
	return w
}

func TestMountsAnswerBySpecialNumbers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	write, read := kernel.RightWrite, kernel.RightRead
	for _, tt := range []struct {
		fn   string
		args []any
		want int
	}{
		{"path_create_directory", []any{fdRoot, "ro/new"}, rofs},
		{"path_create_directory", []any{fdRoot, "ro/d"}, exist},
		{"path_create_directory", []any{fdRoot, "ro"}, exist},
		{"path_create_directory", []any{fdMount, "new"}, rofs},
		{"path_remove_directory", []any{fdRoot, "ro/empty"}, rofs},
		{"path_remove_directory", []any{fdRoot, "ro/new"}, noent},
		{"path_remove_directory", []any{fdRoot, "ro"}, busy},
		{"path_unlink_file", []any{fdRoot, "ro/f"}, rofs},
		{"path_unlink_file", []any{fdRoot, "ro/new"}, noent},
		{"path_unlink_file", []any{fdRoot, "ro"}, isdir},
		{"path_symlink", []any{"f", fdRoot, "ro/new"}, rofs},
		{"path_symlink", []any{"f", fdRoot, "ro/f"}, exist},
		{"path_symlink", []any{"f", fdRoot, "ro"}, exist},
		{"path_link", []any{fdRoot, 0, "ro/f", fdRoot, "ro/new"}, rofs},
		{"path_link", []any{fdRoot, 0, "f", fdRoot, "ro/new"}, xdev},
		{"path_link", []any{fdRoot, 0, "ro/f", fdRoot, "new"}, xdev},
		{"path_rename", []any{fdRoot, "ro/f", fdRoot, "ro/new"}, rofs},
		{"path_rename", []any{fdRoot, "f", fdRoot, "ro/new"}, xdev},
		{"path_rename", []any{fdRoot, "ro/f", fdRoot, "new"}, xdev},
		{"path_rename", []any{fdRoot, "ro", fdRoot, "new"}, busy},
		{"path_rename", []any{fdRoot, "d", fdRoot, "ro"}, busy},
		{"path_filestat_set_times", []any{fdRoot, 0, "ro/f", 1, 1, 5}, rofs},
		{"path_filestat_set_times", []any{fdMount, 0, ".", 1, 1, 5}, rofs},
		{"fd_filestat_set_times", []any{fdMount, 1, 1, 5}, rofs},
		{"path_open", []any{fdRoot, 0, "ro/f", 0, write, 0, 0, res}, rofs},
		{"path_open", []any{fdRoot, 0, "ro/f", oTrunc, read, 0, 0, res}, rofs},
		{"path_open", []any{fdRoot, 0, "ro/new", oCreat, read, 0, 0, res}, rofs},
		{"path_open", []any{fdRoot, 0, "ro/f", oCreat, read, 0, 0, res}, success},
		{"path_open", []any{fdRoot, 0, "ro/f", oCreat | oExcl, read, 0, 0, res}, exist},
		{"path_open", []any{fdRoot, 0, "ro/f", 0, read, 0, 0, res}, success},
		{"path_open", []any{fdMount, 0, "../f", 0, write, 0, 0, res}, success},
		{"path_readlink", []any{fdRoot, "ro/lf", area(9), res}, success},
		{"path_readlink", []any{fdRoot, "ro", area(9), res}, inval},
	} {
		w := newMountedWorld(t, h)
		assert.Equal(t, tt.want, w.do(tt.fn, tt.args...), "%s%v", tt.fn, tt.args)
	}
}

func TestAFIFOIsRefusedWithoutWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newHost(t))
	require.NoError(t, unix.Mkfifo(w.host("fifo"), 0o644))
	for _, rights := range []kernel.Rights{kernel.RightRead, kernel.RightWrite, kernel.RightRead | kernel.RightWrite} {
		assert.Equal(t, acces, w.do("path_open", fdRoot, 0, "fifo", 0, rights, 0, 0, res))
	}
	assert.Equal(t, notdir, w.do("path_open", fdRoot, 0, "fifo", oDir, kernel.RightRead, 0, 0, res))
	w.must("path_filestat_get", fdRoot, 0, "fifo", res)
	assert.Zero(t, w.bytes(res+16, 1)[0], "unknown")
	w.must("path_unlink_file", fdRoot, "fifo")
}

// failing is a writer or a reader that answers err.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestErrorsOfTheHostsStreamsHaveNumbers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"closed pipe":       {io.ErrClosedPipe, pipe},
		"broken pipe":       {syscall.EPIPE, pipe},
		"full disk":         {&fs.DeniedError{Op: "write", Err: syscall.ENOSPC}, nospc},
		"something":         {errors.New("of the host's own, which no guest may read"), ioerror},
		"short write":       {nil, ioerror},
		"no number we know": {syscall.Errno(9999), ioerror},
	} {
		p := newProxyIn(t, h, t.Context(), kernel.Config{
			Stdin:   io.NopCloser(iotest.ErrReader(tt.err)),
			Stdout:  failing{tt.err},
			Entropy: iotest.ErrReader(tt.err),
		})
		w := &world{proxy: p}
		w.reset()
		assert.Equal(t, tt.want, w.do("fd_write", fdStdout, iov{3}, res), name)
		assert.Equal(t, tt.want, w.do("fd_write", fdStdout, iov{3}, res), "%s: and again", name)
		if tt.err != nil {
			assert.Equal(t, tt.want, w.do("fd_read", fdStdin, iov{3}, res), name)
			assert.Equal(t, tt.want, w.do("random_get", area(3)), name)
		}
	}
}

func TestEntropyThatEndsIsAnError(t *testing.T) {
	t.Parallel()
	w := &world{proxy: newProxy(t, kernel.Config{Entropy: strings.NewReader("abc")})}
	w.reset()
	w.must("random_get", area(2))
	assert.Equal(t, ioerror, w.do("random_get", area(2)))
}
