package realprograms

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var shared = sync.OnceValues(func() (*cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return newCache(filepath.Join(dir, "cloche-test")), nil
})

// builds is the cache that lasts from one test run to the next.
func builds(t *testing.T) *cache {
	t.Helper()
	c, err := shared()
	require.NoError(t, err)
	return c
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}
