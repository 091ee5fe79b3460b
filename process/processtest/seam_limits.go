package processtest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fileLimits are the limits on files: each with what is done under it, "operation
// => answer", and the one path that is refused.
var fileLimits = []struct {
	field  string
	limits process.Limits
	steps  []string
	limit  process.LimitError
	denied string // "op path"
}{
	{
		"descriptors", process.Limits{Descriptors: 16},
		[]string{`hold:f:4 => 4 times`, `hold:f:20 => too many open`},
		process.LimitError{Limit: process.LimitDescriptors, Max: 16}, "open /f",
	},
	{
		"written", process.Limits{Written: 1000},
		[]string{`fill:new:600 => 600 bytes`, `cut:new:9999 => done`, `fill:new2:600 => 400 bytes, then over quota`},
		process.LimitError{Limit: process.LimitWritten, Max: 1000}, "write /new2",
	},
	{
		"created", process.Limits{Created: 3},
		[]string{`mkdir:d => done`, `symlink:s:f => done`, `write:d/new:x => done`, `append:f:x => done`, `write:s:x => done`, `link:hard:f => over quota`},
		process.LimitError{Limit: process.LimitCreated, Max: 3}, "link /hard",
	},
	{
		"fileSize", process.Limits{FileSize: 100},
		[]string{`fill:new:70 => 70 bytes`, `fill:new:70 => 30 bytes, then too big`},
		process.LimitError{Limit: process.LimitFileSize, Max: 100}, "write /new",
	},
	{
		"depth", process.Limits{Depth: 2},
		[]string{`mkdir:d => done`, `mkdir:d/e => done`, `write:d/e/f:x => done`, `mkdir:d/e/g => name too long`},
		process.LimitError{Limit: process.LimitDepth, Max: 2}, "mkdir /d/e/g",
	},
	{
		"pathLength", process.Limits{PathLength: 20},
		[]string{`write:short:x => done`, `write:a-name-of-some-length:x => name too long`},
		process.LimitError{Limit: process.LimitPathLength, Max: 20}, "open /a-name-of-some-length",
	},
}

var limitCases = []testCase{
	{"LimitsOnFilesAreKeptOrRefused", func(t *testing.T, b Backend) {
		for _, c := range fileLimits {
			s := process.Spec{Args: []string{"files"}, Limits: c.limits}
			if !slices.Contains(b.Limits, c.limit.Limit) {
				unsupported, ok := errors.AsType[*process.UnsupportedError](refused(t, b, s))
				require.True(t, ok, c.field)
				assert.Equal(t, "limits."+c.field, unsupported.Field)
				assert.NotEmpty(t, unsupported.Fix)
				continue
			}
			require.NoError(t, b.Fs.DeleteAll("dir"))
			require.NoError(t, b.Fs.EnsureDir("dir"))
			require.NoError(t, b.Fs.Write("dir/f", []byte("x")))
			var answers []string
			for _, step := range c.steps {
				op, answer, _ := strings.Cut(step, " => ")
				s.Args, answers = append(s.Args, op), append(answers, answer)
			}
			var denials denied
			s.Denied = denials.add
			if b.Mounts {
				s.Mounts = []process.Mount{{Fs: b.Fs, Source: "dir", Target: "/"}}
			} else {
				s.Dir = "dir"
			}
			got := succeed(t, b, s)
			for i, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
				_, answer, _ := strings.Cut(line, ": ")
				assert.Equal(t, answers[i], answer, c.steps[i])
			}
			if !b.Tells {
				assert.Empty(t, denials.list, c.field)
				continue
			}
			require.Len(t, denials.list, 1, c.field)
			d := denials.list[0]
			assert.Equal(t, c.denied, d.Op+" "+d.Path)
			assert.Equal(t, fs.RuleLimit, d.Rule)
			assert.NotEmpty(t, d.Fix)
			limit, ok := errors.AsType[*process.LimitError](d)
			require.True(t, ok, c.field)
			assert.NotZero(t, limit.Errno)
			limit.Errno = 0
			assert.Equal(t, c.limit, *limit)
		}
	}},
	{"FuelEndsWhatComputesOrIsRefused", func(t *testing.T, b Backend) {
		s := process.Spec{Args: []string{"spin"}, Limits: process.Limits{Fuel: 200_000_000}}
		if !slices.Contains(b.Limits, process.LimitFuel) {
			unsupported, ok := errors.AsType[*process.UnsupportedError](refused(t, b, s))
			require.True(t, ok)
			assert.Equal(t, "limits.fuel", unsupported.Field)
			assert.NotEmpty(t, unsupported.Fix)
			return
		}
		exit, stdout, _ := run(t, b, s)
		assert.Equal(t, 137, exit.Code)
		assert.Equal(t, "ready\n", stdout)
		limit, ok := errors.AsType[*process.LimitError](exit.Reason)
		require.True(t, ok, "reason is %v", exit.Reason)
		assert.Equal(t, process.LimitError{Limit: process.LimitFuel, Max: s.Limits.Fuel}, *limit)
		assert.InDelta(t, s.Limits.Fuel, exit.Usage.Fuel, 10_000)
	}},
	{"ByBestEffortALimitThatIsNotKeptIsTold", func(t *testing.T, b Backend) {
		for _, c := range fileLimits {
			c.limits.BestEffort = true
			tr := start(t, b, process.Spec{Args: []string{"nothing"}, Limits: c.limits})
			assert.Equal(t, 0, tr.end(t).Code)
			var unmet []string
			if i, ok := tr.Instance.(interface{ Unmet() []string }); ok {
				unmet = i.Unmet()
			}
			if slices.Contains(b.Limits, c.limit.Limit) {
				assert.Empty(t, unmet)
			} else {
				assert.Equal(t, []string{c.limit.Limit}, unmet)
			}
		}
	}},
}

// denied collects what a process was refused.
type denied struct {
	mu   sync.Mutex
	list []*process.DeniedError
}

func (d *denied) add(e *process.DeniedError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, e)
}
