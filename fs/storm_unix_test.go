//go:build linux || darwin || freebsd

package fs_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/fs"
)

// roles are what this program plays in a process of its own, in its working
// directory.
var roles = map[string]func(){
	"crowd":     playCrowd,
	"updater":   func() { playWriter(true) },
	"rewriter":  func() { playWriter(false) },
	"truncater": playTruncater,
}

func inRole(t *testing.T, role, dir string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self)
	c.Dir, c.Env = dir, []string{"CLOCHE_TEST_ROLE=" + role}
	return c
}

func currentDir() *fs.Fs {
	f, err := fs.New(".")
	if err != nil {
		panic(err)
	}
	return f
}

// status is what everybody writes to status.json: a number for each writer, and a
// text that grows and shrinks, under a checksum.
type status struct {
	Counts map[string]int
	Text   string
	Sum    uint32
}

func newStatus() *status { return &status{Counts: make(map[string]int)} }

func (s *status) sum() uint32 { return crc32.ChecksumIEEE(fmt.Append(nil, s.Counts, s.Text)) }

func (s *status) encode() []byte {
	s.Text = strings.Repeat("x", rand.N(64<<10))
	s.Sum = s.sum()
	text, _ := json.Marshal(s) // cannot fail
	return text
}

// errTorn says that a status is neither old nor new.
var errTorn = errors.New("torn")

func decode(text []byte) (*status, error) {
	s := newStatus()
	if text == nil {
		return s, nil
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%w: %w", errTorn, err)
	}
	if s.Sum != s.sum() {
		return nil, errTorn
	}
	return s, nil
}

// count adds one to a writer's number, and returns it.
func count(f *fs.Fs, writer string) (n int, err error) {
	err = f.Update("status.json", func(old []byte) ([]byte, error) {
		s, err := decode(old)
		if err != nil {
			return nil, err
		}
		s.Counts[writer]++
		n = s.Counts[writer]
		return s.encode(), nil
	})
	return n, err
}

const (
	crowds  = 5 // one in this process, the others in theirs
	members = 5 // writers of each, and as many readers
)

// crowd has writers and readers of status.json go on until stop is closed, and
// returns how often each writer wrote.
func crowd(f *fs.Fs, name string, stop <-chan struct{}) (map[string]int, error) {
	wrote := make(map[string]int)
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	until := func(act func() error) {
		for {
			if err := act(); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}
	for i := range members {
		all.Go(func() {
			writer := fmt.Sprint(name, " ", i)
			until(func() error {
				n, err := count(f, writer)
				mu.Lock()
				defer mu.Unlock()
				if wrote[writer]++; err == nil && n != wrote[writer] {
					err = fmt.Errorf("%s wrote %d times, of which %d are left", writer, wrote[writer], n)
				}
				return err
			})
		})
		all.Go(func() {
			last := make(map[string]int)
			until(func() error {
				text, err := f.Read("status.json")
				if err != nil {
					return err
				}
				s, err := decode(text)
				if err != nil {
					return err
				}
				for writer, n := range last {
					if s.Counts[writer] < n {
						return fmt.Errorf("an update of %s is lost", writer)
					}
				}
				last = s.Counts
				return nil
			})
		})
		all.Go(func() { // nobody's last word, but always a whole one
			until(func() error { return rewrite(f, "shared.json") })
		})
	}
	all.Wait()
	return wrote, errors.Join(errs...)
}

// rewrite checks the file and replaces it, whatever it says.
func rewrite(f *fs.Fs, path string) error {
	text, err := f.Read(path)
	if err == nil {
		_, err = decode(text)
	}
	if err != nil {
		return err
	}
	return f.WriteAtomic(path, newStatus().encode())
}

// playCrowd goes on until its input ends, and tells how often each writer wrote.
func playCrowd() {
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	wrote, err := crowd(currentDir(), strconv.Itoa(os.Getpid()), stop)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(wrote)
}

// lasting is how long a storm takes: CLOCHE_STORM_TIME, or a second.
func lasting(t *testing.T) time.Duration {
	s := os.Getenv("CLOCHE_STORM_TIME")
	if s == "" {
		return time.Second
	}
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}

// Fifty writers and readers, in five processes, and twenty-five who use WriteAtomic on
// a file beside it.
func TestUpdateLosesNothingAmongProcessesAndGoroutines(t *testing.T) {
	t.Parallel()
	f, root := newFs(t)
	for _, name := range []string{"status.json", "shared.json"} {
		require.NoError(t, f.WriteAtomic(name, newStatus().encode()))
	}
	wrote := make(map[string]int)
	var mu sync.Mutex
	add := func(more map[string]int) {
		mu.Lock()
		defer mu.Unlock()
		for writer, n := range more {
			wrote[writer] += n
		}
	}
	over := time.After(lasting(t))
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range crowds - 1 {
		c := inRole(t, "crowd", root)
		var out, problems bytes.Buffer
		c.Stdout, c.Stderr = &out, &problems
		input, err := c.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		all.Go(func() {
			<-stop
			input.Close()
			if !assert.NoError(t, c.Wait(), problems.String()) {
				return
			}
			var more map[string]int
			assert.NoError(t, json.Unmarshal(out.Bytes(), &more))
			add(more)
		})
	}
	all.Go(func() {
		more, err := crowd(f, "here", stop)
		assert.NoError(t, err)
		add(more)
	})
	<-over
	close(stop)
	all.Wait()
	text, err := f.Read("status.json")
	require.NoError(t, err)
	last, err := decode(text)
	require.NoError(t, err)
	assert.Len(t, wrote, crowds*members)
	assert.Equal(t, wrote, last.Counts)
	assert.Equal(t, []string{"shared.json", "status.json"}, namesIn(t, root), "no lock file and no temporary stays")
}

// playWriter writes one status after another, and tells of each when it is written.
func playWriter(update bool) {
	f := currentDir()
	text, _ := f.Read("status.json")
	s, err := decode(text)
	for err == nil {
		s.Counts["n"]++
		if update {
			_, err = count(f, "n")
		} else {
			err = f.WriteAtomic("status.json", s.encode())
		}
		if err == nil {
			fmt.Println(s.Counts["n"])
		}
	}
	panic(err)
}

// playTruncater does it as os.WriteFile does.
func playTruncater() {
	s := newStatus()
	for {
		s.Counts["n"]++
		if err := os.WriteFile("status.json", s.encode(), 0o644); err != nil {
			panic(err)
		}
		fmt.Println(s.Counts["n"])
	}
}

// kill has a writer write in dir for a moment and kills it with SIGKILL. It returns
// the last number that the writer was sure of.
func kill(t *testing.T, role, dir string) (sure int) {
	writer := inRole(t, role, dir)
	out, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "it has begun")
	timer := time.AfterFunc(rand.N(15*time.Millisecond), func() { writer.Process.Kill() })
	defer timer.Stop()
	for more := true; more; more = lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		sure = n
	}
	assert.EqualError(t, writer.Wait(), "signal: killed")
	return sure
}

// kills is how many writers are killed: CLOCHE_STORM, or a hundred.
func kills(t *testing.T) int {
	s := os.Getenv("CLOCHE_STORM")
	switch {
	case s == "" && testing.Short():
		return 20
	case s == "":
		return 100
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func TestAWriterKilledAtAnyPointLeavesTheOldFileOrTheNewAndNoLock(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"updater", "rewriter"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			f, root := newFs(t)
			for range kills(t) {
				sure := kill(t, role, root)
				text, err := f.Read("status.json")
				require.NoError(t, err)
				s, err := decode(text)
				require.NoError(t, err)
				require.Contains(t, []int{sure, sure + 1}, s.Counts["n"], "what was written, or what was being written")
				_, err = count(f, "another")
				require.NoError(t, err, "nobody holds the lock")
			}
			for _, name := range namesIn(t, root) {
				if name != "status.json" {
					assert.True(t, strings.HasPrefix(name, ".cloche-"), "%s is left", name)
				}
			}
		})
	}
}

// What the test above is for: it sees a file that is written in place.
func TestAWriterKilledInPlaceLeavesHalfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	torn := false
	for tries := 0; !torn && tries < 1000; tries++ {
		kill(t, "truncater", dir)
		text, err := os.ReadFile(filepath.Join(dir, "status.json"))
		require.NoError(t, err)
		_, err = decode(text)
		torn = errors.Is(err, errTorn)
	}
	assert.True(t, torn)
}
