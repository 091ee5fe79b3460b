package processtest

import (
	"bytes"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var streamCases = []testCase{
	{"StdinEndsWhereItsReaderEnds", func(t *testing.T, b Backend) {
		got := succeed(t, b, process.Spec{Args: []string{"count"}, Stdin: input([]byte("hello"))})
		assert.Equal(t, "ready\n5 a430d84680aabd0b\n", got)
	}},
	{"NoStdinIsEOFAtOnce", func(t *testing.T, b Backend) {
		assert.Empty(t, succeed(t, b, process.Spec{Args: []string{"cat"}}))
	}},
	{"StdinIsSeenAsItComes", func(t *testing.T, b Backend) {
		r, w := io.Pipe()
		tr := start(t, b, process.Spec{Args: []string{"cat"}, Stdin: r})
		for _, line := range []string{"one\n", "two", "\n", "three"} {
			_, err := io.WriteString(w, line)
			require.NoError(t, err)
			tr.stdout.await(t, line)
		}
		require.NoError(t, w.Close())
		assert.Equal(t, 0, tr.end(t).Code)
		assert.Equal(t, "one\ntwo\nthree", string(tr.stdout.bytes()))
	}},
	{"AStdinNobodyReadsHoldsNothingUp", func(t *testing.T, b Backend) {
		assert.Empty(t, succeed(t, b, process.Spec{Args: []string{"nothing"}, Stdin: silent()}))
	}},
	{"AnEndlessStdinHoldsNothingUp", func(t *testing.T, b Backend) {
		got := succeed(t, b, process.Spec{Args: []string{"head", "10"}, Stdin: io.NopCloser(zeros{})})
		assert.Equal(t, strings.Repeat("\x00", 10), got)
	}},
	{"AFailingStdinIsEOF", func(t *testing.T, b Backend) {
		broken := io.NopCloser(io.MultiReader(strings.NewReader("some"), failing{}))
		got := succeed(t, b, process.Spec{Args: []string{"cat"}, Stdin: broken})
		assert.Equal(t, "some", got)
	}},
	{"WaitingForStdinDoesNotStopTheProgram", func(t *testing.T, b Backend) {
		r, w := io.Pipe()
		tr := start(t, b, process.Spec{Args: []string{"ticks"}, Stdin: r})
		tr.stdout.await(t, "ready\n")
		require.NoError(t, w.Close())
		assert.Equal(t, 0, tr.end(t).Code)
		assert.Equal(t, "ready\nended\n", string(tr.stdout.bytes()))
	}},
	{"TwentyMegabytesPassThrough", func(t *testing.T, b Backend) {
		data := noise(20 << 20)
		tr := start(t, b, process.Spec{Args: []string{"cat"}, Stdin: input(data)})
		assert.Equal(t, 0, tr.end(t).Code)
		assert.True(t, bytes.Equal(data, tr.stdout.bytes()), "the bytes differ")
	}},
	{"AllOfAnOutputArrivesHoweverFastTheProcessExits", func(t *testing.T, b Backend) {
		for _, size := range []int{1, 4096, 65536, 65537, 3 << 20} {
			_, stdout, sum := run(t, b, process.Spec{Args: []string{"pattern", strconv.Itoa(size)}})
			require.Len(t, stdout, size)
			h := fnv.New64a()
			io.WriteString(h, stdout)
			require.Equal(t, sum, strconv.FormatUint(h.Sum64(), 16))
		}
	}},
	{"StdoutAndStderrAreApart", func(t *testing.T, b Backend) {
		exit, stdout, stderr := run(t, b, process.Spec{Args: []string{"interleave", "100"}})
		assert.Equal(t, 0, exit.Code)
		assert.Equal(t, numbered(100, "out"), stdout)
		assert.Equal(t, numbered(100, "err"), stderr)
	}},
	{"MergedStreamsKeepTheirOrder", func(t *testing.T, b Backend) {
		exit, stdout, _ := run(t, b, process.Spec{Args: []string{"interleave", "500"}, Merge: true})
		assert.Equal(t, 0, exit.Code)
		assert.Equal(t, numbered(500, "out", "err"), stdout)
	}},
	{"OutputIsNotLines", func(t *testing.T, b Backend) {
		long := strings.Repeat("x", 60<<10)
		args := []string{"print"}
		want := ""
		for _, text := range []string{"a\rb\r\nc", long, long, long, "\n\n\xff\xfe", "no newline"} {
			args = append(args, "out", text)
			want += text
		}
		assert.Equal(t, want, succeed(t, b, process.Spec{Args: args}))
	}},
	{"ALineOfAMegabyteIsIntact", func(t *testing.T, b Backend) {
		line := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		got := succeed(t, b, process.Spec{Args: []string{"cat"}, Stdin: input(line)})
		assert.True(t, string(line) == got, "the bytes differ")
	}},
	{"BinaryIsIntact", func(t *testing.T, b Backend) {
		var all []byte
		for i := range 256 {
			all = append(all, byte(i), 0, byte(i))
		}
		assert.Equal(t, string(all), succeed(t, b, process.Spec{Args: []string{"cat"}, Stdin: input(all)}))
	}},
	{"ATerminalIsHonouredOrRefused", func(t *testing.T, b Backend) {
		assert.Equal(t, "false false false ", succeed(t, b, process.Spec{Args: []string{"terminal"}}), "unless it is asked for")
		s := process.Spec{Args: []string{"terminal"}, Merge: true, Terminal: &process.Terminal{Rows: 24, Cols: 80}}
		if b.Terminal {
			exit, stdout, _ := run(t, b, s)
			assert.Equal(t, 0, exit.Code)
			assert.Equal(t, "true true true ", stdout)
			return
		}
		unsupported, ok := errors.AsType[*process.UnsupportedError](refused(t, b, s))
		require.True(t, ok)
		assert.Equal(t, "terminal", unsupported.Field)
		assert.NotEmpty(t, unsupported.Fix)
	}},
	{"AWriterThatFailsEndsTheProcess", func(t *testing.T, b Backend) {
		for _, s := range []process.Spec{
			{Args: []string{"flood"}, Stdout: failing{}},
			{Args: []string{"flood"}, Stdout: failing{}, Stderr: failing{}},
		} {
			exit := start(t, b, s).end(t)
			assert.NotEqual(t, 0, exit.Code)
			assert.ErrorIs(t, exit.Reason, errBroken)
		}
	}},
}

var errBroken = errors.New("broken")

// failing is a reader and a writer.
type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errBroken }
func (failing) Write([]byte) (int, error) { return 0, errBroken }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// noise is n bytes that no compression or repetition can stand in for.
func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// numbered is what "interleave" prints.
func numbered(n int, streams ...string) string {
	var b strings.Builder
	for i := range n {
		for _, s := range streams {
			b.WriteString(s + " " + strconv.Itoa(i) + "\n")
		}
	}
	return b.String()
}
