package hermetic

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dappco.re/go/cloche/internal/private"
)

const (
	// MaxEntry is how many bytes an Answer may have to be kept.
	MaxEntry = 64 << 20
	// cacheSize is what all entries together may have; beyond it those that were not
	// used for the longest time go.
	cacheSize = 1 << 30
	// leftoverAge is how old a temporary must be to be one whose writer is gone.
	leftoverAge = time.Hour

	tempPrefix = "tmp-"
)

// Cache keeps the Answers to Runs in a folder that concurrent processes share, one file
// for each, by the run's Key. A file is written under another name and renamed, and
// its sum is checked at every use: what is damaged is no answer.
type Cache struct {
	dir string
	max int64
}

// OpenCache opens the cache in dir, or in the user's own cache folder if that is empty.
func OpenCache(dir string) (*Cache, error) {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(user, "cloche", "results")
	}
	dir, err := private.Dir(dir)
	if err != nil {
		return nil, err
	}
	return &Cache{dir, cacheSize}, nil
}

// Get returns the answer to the run with that key, or nil.
func (c *Cache) Get(key string) *Answer {
	file := filepath.Join(c.dir, key)
	entry, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	a, err := decode(key, entry)
	if err != nil {
		_ = os.Remove(file)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // the mark of its last use
	return a
}

// Put keeps the answer to the run with that key.
func (c *Cache) Put(key string, a *Answer) error {
	entry, err := encode(key, a)
	if err != nil {
		return err
	}
	if int64(len(entry)) > min(MaxEntry, c.max) {
		return errNotKept
	}
	temp := filepath.Join(c.dir, tempPrefix+rand.Text())
	err = os.WriteFile(temp, entry, 0o600)
	if err == nil {
		err = os.Rename(temp, filepath.Join(c.dir, key))
	}
	if err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	return c.prune(key)
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	return nil
}

// prune removes old temporaries, and the entries used least recently until the rest
// fits, but never the entry keep. Nothing else that lies in the folder is touched.
func (c *Cache) prune(keep string) error {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var entries []iofs.FileInfo
	var total int64
	for _, e := range list {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // another process was quicker
		}
		switch {
		case isKey(e.Name()):
			total += info.Size()
			entries = append(entries, info)
		case strings.HasPrefix(e.Name(), tempPrefix) && time.Since(info.ModTime()) > leftoverAge:
			_ = os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
	slices.SortFunc(entries, func(a, b iofs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, e := range entries {
		if total <= c.max {
			break
		}
		if e.Name() != keep && removeIfThere(filepath.Join(c.dir, e.Name())) == nil {
			total -= e.Size()
		}
	}
	return nil
}

func isKey(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size
}
