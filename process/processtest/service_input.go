package processtest

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sources are kinds of input, each with the end that a test writes to.
var sources = map[string]func(t testing.TB) (io.Reader, io.WriteCloser){
	"a pipe in memory": func(testing.TB) (io.Reader, io.WriteCloser) {
		r, w := io.Pipe()
		return r, w
	},
	"a pipe": func(t testing.TB) (io.Reader, io.WriteCloser) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		return r, w
	},
	"a socket": func(t testing.TB) (io.Reader, io.WriteCloser) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		w, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		r, err := l.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		return r, w
	},
}

var inputCases = []testCase{
	{"EveryKindOfInputArrivesAndEnds", func(t *testing.T, b Backend) {
		s, data := service(t, b), noise(1<<20)
		arrives := func(t *testing.T, from io.Reader) {
			t.Parallel()
			out, err := s.Run(t.Context(), process.Spec{Command: b.Command, Args: []string{"cat"}, Stdin: from})
			require.NoError(t, err)
			assert.True(t, bytes.Equal(data, out.Stdout), "the bytes differ")
		}
		for kind, open := range sources {
			t.Run(kind, func(t *testing.T) {
				from, to := open(t)
				go func() {
					defer to.Close()
					to.Write(data)
				}()
				arrives(t, from)
			})
		}
		t.Run("a file", func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "f")
			require.NoError(t, os.WriteFile(name, data, 0o600))
			f, err := os.Open(name)
			require.NoError(t, err)
			t.Cleanup(func() { f.Close() })
			arrives(t, f)
		})
		t.Run("memory", func(t *testing.T) { arrives(t, bytes.NewReader(data)) })
	}},
	{"AnInputThatNeverComesHoldsUpNoEnd", func(t *testing.T, b Backend) {
		s := service(t, b)
		for kind, open := range sources {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				from, to := open(t)
				defer to.Close()
				_, err := s.Run(t.Context(), process.Spec{Command: b.Command, Args: []string{"nothing"}, Stdin: from})
				require.NoError(t, err, "by itself")
				if kind == "a pipe in memory" {
					return // a Read of it cannot be interrupted, so it is not the caller's again
				}
				h := launch(t, b, s, process.Spec{Args: []string{"hang"}, Stdin: from, GracePeriod: -1})
				require.NoError(t, h.Kill(t.Context()))
				assert.Equal(t, 137, wait(t, h).Code)
				_, err = to.Write([]byte("x"))
				require.NoError(t, err)
				n, err := from.Read(make([]byte, 2))
				require.NoError(t, err, "it is the caller's again")
				assert.Equal(t, 1, n)
			})
		}
	}},
	{"AnInputThatIsNotReadHoldsUpNoKill", func(t *testing.T, b Backend) {
		h := launch(t, b, service(t, b), process.Spec{Args: []string{"sleep"}, Stdin: zeros{}, GracePeriod: -1})
		require.NoError(t, h.Kill(t.Context()))
		assert.Equal(t, 137, wait(t, h).Code)
	}},
	{"AnOpenInputThatIsClosedEnds", func(t *testing.T, b Backend) {
		h := launch(t, b, service(t, b), process.Spec{Args: []string{"count"}, OpenStdin: true})
		data := noise(1 << 20)
		n, err := h.Stdin().Write(data)
		require.NoError(t, err)
		assert.Equal(t, len(data), n)
		require.NoError(t, h.Stdin().Close())
		assert.Equal(t, 0, wait(t, h).Code)
		assert.Contains(t, string(h.Output().Stdout), "ready\n1048576 ")
	}},
}
