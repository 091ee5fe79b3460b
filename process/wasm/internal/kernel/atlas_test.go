package kernel

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// descend makes directories of that name below fd and goes down into them, handle
// by handle, until it is refused, and returns how deep it came and the last handle.
func descend(t *testing.T, p *Process, fd FD, name string) (depth int, last FD, err error) {
	t.Helper()
	request := OpenRequest{Path: name, How: OpenDirectory, Base: directoryRights, Inheriting: everything}
	for {
		require.NoError(t, p.Mkdir(fd, name))
		next, err := p.Open(fd, request)
		if err != nil {
			return depth, fd, err
		}
		if depth > 0 {
			require.NoError(t, p.CloseFD(fd))
		}
		fd, depth = next, depth+1
	}
}

// A guest that goes down without end makes the host hold longer and longer paths,
// and one that moves what is open makes those it holds longer.
func TestThePathsOfOpenDirectoriesAreBounded(t *testing.T) {
	t.Parallel()
	p := start(t, Config{Root: fs.Memory()})
	name := strings.Repeat("d", 200)
	depth, deepest, err := descend(t, p, root, name)
	require.ErrorIs(t, err, syscall.ENAMETOOLONG)
	assert.Equal(t, maxWhere/(len(name)+1), depth)

	for range 3 {
		require.NoError(t, p.Mkdir(root, "above"))
		require.NoError(t, p.Rename(root, name, root, "above/"+name))
		require.NoError(t, p.Rename(root, "above", root, name))
	}
	e, err := p.fds.acquire(deepest)
	require.NoError(t, err)
	defer e.release()
	assert.Len(t, e.desc.obj.(*directory).where, maxWhere+1)
	_, err = p.Open(deepest, OpenRequest{Path: ".", How: OpenDirectory, Base: directoryRights})
	assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
	_, err = p.PathStat(deepest, ".", false)
	assert.NoError(t, err, "what takes no handle goes on")
}
