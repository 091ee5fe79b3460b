package realprograms

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cache keeps what was built, one folder for each key. A folder appears whole or
// not at all, so several test processes can share it: should two build the same
// thing at once, the first to finish wins.
type cache struct {
	dir string

	mu    sync.Mutex
	locks map[string]*sync.Mutex // so that this process builds nothing twice
}

func newCache(dir string) *cache { return &cache{dir: dir, locks: make(map[string]*sync.Mutex)} }

// get returns the folder of key. If there is none, build fills it.
func (c *cache) get(key string, build func(dir string) error) (string, error) {
	lock := c.lock(key)
	lock.Lock()
	defer lock.Unlock()
	final := filepath.Join(c.dir, key)
	if isDir(final) {
		return final, nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(c.dir, ".building-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	if err := build(scratch); err != nil {
		return "", fmt.Errorf("building %s: %w", key, err)
	}
	if err := os.Rename(scratch, final); err != nil && !isDir(final) {
		return "", err
	}
	return final, nil
}

func (c *cache) lock(key string) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locks[key] == nil {
		c.locks[key] = new(sync.Mutex)
	}
	return c.locks[key]
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// key names a build by program and version, and by everything else that decides
// what comes out.
func key(name, version string, recipe ...string) string {
	return fmt.Sprintf("%s-%s-%x", name, version, sha256.Sum256(fmt.Append(nil, recipe)))[:len(name)+len(version)+14]
}

func TestCacheBuildsOnce(t *testing.T) {
	t.Parallel()
	c := newCache(t.TempDir())
	var built sync.Map
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			dir, err := c.get("k", func(dir string) error {
				built.Store(dir, true)
				return os.WriteFile(filepath.Join(dir, "f"), []byte("whole"), 0o600)
			})
			if assert.NoError(t, err) {
				b, err := os.ReadFile(filepath.Join(dir, "f"))
				assert.NoError(t, err)
				assert.Equal(t, "whole", string(b))
			}
		})
	}
	all.Wait()
	builds := 0
	built.Range(func(_, _ any) bool { builds++; return true })
	assert.Equal(t, 1, builds)
}

func TestCachesOfTwoProcessesShareOneFolder(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	mine, theirs := newCache(shared), newCache(shared)
	got, err := mine.get("k", func(dir string) error {
		_, err := theirs.get("k", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "theirs"), nil, 0o600)
		})
		require.NoError(t, err)
		return os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600)
	})
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(got, "theirs"))
	assert.NoFileExists(t, filepath.Join(got, "mine"))
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCache(t.TempDir())
	_, err := c.get("k", func(dir string) error {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
		return os.ErrInvalid
	})
	require.ErrorIs(t, err, os.ErrInvalid)
	left, err := os.ReadDir(c.dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestAKeyTellsRecipesApart(t *testing.T) {
	t.Parallel()
	assert.NotEqual(t, key("p", "1", "-O2"), key("p", "1", "-Os"))
	assert.NotEqual(t, key("p", "1", "ab", "c"), key("p", "1", "a", "bc"))
	assert.Equal(t, key("p", "1", "-O2"), key("p", "1", "-O2"))
}
