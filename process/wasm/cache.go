package wasm

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/cpu"

	"dappco.re/go/cloche/internal/private"
	"dappco.re/go/cloche/process/wasm/internal/meter"
)

const (
	// cacheSize is what all entries together may hold; beyond it those that were
	// not used for the longest time go.
	cacheSize = 2 << 30
	// leftoverAge is how old a temporary must be to be taken for one whose
	// process was killed. Taking one too early would only lose an entry.
	leftoverAge = time.Hour

	tempPrefix  = "tmp-"
	sumFile     = "sum"
	meteredFile = "metered.wasm"
)

// digest is the SHA-256 of a module.
type digest [sha256.Size]byte

// diskCache keeps compiled code in a folder that concurrent processes share.
//
// Each entry is a directory named by all that the code depends on. It holds a
// wazero cache directory with one file in it, the module as it was rewritten for
// the engine, which takes longer than to read it, and the file "sum" with the
// SHA-256 and the names of these two. An entry is made under another name and
// renamed, so it is there wholly or not at all; nobody changes it afterwards.
// The sums are checked before each use, since wazero checks only part of what it
// reads and what it reads is machine code.
//
// Nothing here is needed to run a module: whatever goes wrong, the module is
// compiled anew and the entry, if it can be, replaced.
type diskCache struct {
	dir    string
	engine string // its version
	max    int64
}

// errUnknownEngine keeps the code of one engine from being run by another.
var errUnknownEngine = errors.New("the version of wazero cannot be told, so code it made is not kept")

// openDiskCache prepares dir, or the user's own cache folder if dir is empty.
func openDiskCache(dir string) (*diskCache, error) {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(user, "cloche")
	}
	dir, err := private.Dir(dir)
	if err != nil {
		return nil, err
	}
	c := &diskCache{dir: dir, engine: engineVersion(), max: cacheSize}
	if c.engine == "" {
		return nil, errUnknownEngine
	}
	c.sweep(time.Now().Add(-leftoverAge))
	return c, nil
}

// key names the entry of a module. It covers all that the machine code depends
// on; the processor counts, since wazero uses what it finds and the folder may
// be on a disk that several machines share.
func (c *diskCache) key(d digest) string {
	h := sha256.New()
	fmt.Fprintf(h, "cloche 2\n%x\n%s\n%s/%s\n%v %v\nfeatures %d meter %d",
		d, c.engine, runtime.GOOS, runtime.GOARCH, cpu.X86, cpu.ARM64, features, meter.Version)
	return hex.EncodeToString(h.Sum(nil))
}

// engineVersion is the version of wazero in this program, or "" if it cannot be
// told. It is that of the build information, which test binaries lack, or else
// part of the folder that the sources were compiled from, as in
// "github.com/tetratelabs/wazero@v1.12.0".
func engineVersion() string {
	const wazeroPath = "github.com/tetratelabs/wazero"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path != wazeroPath {
				continue
			}
			if m.Replace == nil {
				return m.Version
			}
			if m.Replace.Sum != "" { // a folder has none, and may hold anything
				return m.Replace.Path + "@" + m.Replace.Version
			}
			return ""
		}
	}
	source := runtime.FuncForPC(reflect.ValueOf(wazero.NewRuntime).Pointer())
	file, _ := source.FileLine(source.Entry())
	if _, rest, ok := strings.Cut(filepath.ToSlash(file), wazeroPath+"@"); ok {
		version, _, _ := strings.Cut(rest, "/")
		return version
	}
	return ""
}

// lookup returns the directory of a sound entry, or "".
func (c *diskCache) lookup(key string) string {
	dir := filepath.Join(c.dir, key)
	if err := verify(dir); err != nil {
		if !errors.Is(err, iofs.ErrNotExist) {
			c.discard(key)
		}
		return ""
	}
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, sumFile), now, now) // the mark of its last use
	return dir
}

// temp makes a directory to build an entry in.
func (c *diskCache) temp() (string, error) {
	dir := filepath.Join(c.dir, tempPrefix+rand.Text())
	return dir, os.Mkdir(dir, 0o700)
}

// publish makes the directory temp the entry key. If another process was
// first, its entry stays and temp goes.
func (c *diskCache) publish(temp, key string) error {
	if err := seal(temp); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	entry := filepath.Join(c.dir, key)
	if err := os.Rename(temp, entry); err != nil {
		_ = os.RemoveAll(temp)
		if verify(entry) != nil {
			return err
		}
	}
	c.prune(key)
	return nil
}

// discard removes an entry. It is renamed first, so that nobody finds half of it.
func (c *diskCache) discard(key string) {
	temp := filepath.Join(c.dir, tempPrefix+rand.Text())
	if os.Rename(filepath.Join(c.dir, key), temp) == nil {
		_ = os.RemoveAll(temp)
	}
}

// sweep removes temporaries older than before.
func (c *diskCache) sweep(before time.Time) {
	names, _ := os.ReadDir(c.dir)
	for _, n := range names {
		if !strings.HasPrefix(n.Name(), tempPrefix) {
			continue
		}
		if info, err := n.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.RemoveAll(filepath.Join(c.dir, n.Name()))
		}
	}
}

// prune removes the entries used least recently until the rest fits, but never
// the entry keep.
func (c *diskCache) prune(keep string) {
	type entry struct {
		key  string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	names, _ := os.ReadDir(c.dir)
	for _, n := range names {
		if !isKey(n.Name()) {
			continue
		}
		dir := filepath.Join(c.dir, n.Name())
		e := entry{key: n.Name(), size: diskUse(dir)}
		if info, err := os.Stat(filepath.Join(dir, sumFile)); err == nil {
			e.used = info.ModTime()
		}
		total += e.size
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.key, b.key)) })
	for _, e := range entries {
		if total <= c.max {
			return
		}
		if e.key != keep {
			c.discard(e.key)
			total -= e.size
		}
	}
}

// isKey reports whether name is that of an entry, so that nothing else that
// lies in the folder is ever removed.
func isKey(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size
}

func diskUse(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d iofs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// seal writes the sums of what is in dir.
func seal(dir string) error {
	sums, err := sumsOf(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumFile), sums, 0o600)
}

// verify reports whether dir is an entry as seal left it.
func verify(dir string) error {
	want, err := os.ReadFile(filepath.Join(dir, sumFile))
	if err != nil {
		if _, statErr := os.Lstat(dir); statErr == nil {
			return errors.New("entry without sum") // broken, not missing
		}
		return err
	}
	got, err := sumsOf(dir)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("entry does not match its sum")
	}
	return nil
}

// sumsOf is what the sum of dir should say: of the module, and of the one file that
// wazero keeps.
func sumsOf(dir string) (sums []byte, err error) {
	var files []string
	err = filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if rel != sumFile {
			files = append(files, rel)
		}
		return err
	})
	if err == nil && (len(files) != 2 || !slices.Contains(files, meteredFile)) {
		err = fmt.Errorf("entry holds %d files instead of two", len(files))
	}
	if err != nil {
		return nil, err
	}
	for _, file := range files { // in lexical order
		sum, err := sumOf(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		sums = fmt.Appendf(sums, "%x  %s\n", sum, filepath.ToSlash(file))
	}
	return sums, nil
}

func sumOf(path string) (sum digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return digest(h.Sum(nil)), nil
}
