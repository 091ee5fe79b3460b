package supervise_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/processtest"
	"dappco.re/go/cloche/process/supervise"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATCPProbeWantsAConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	probe := supervise.TCP(l.Addr().String())
	assert.NoError(t, probe(t.Context()))
	require.NoError(t, l.Close())
	assert.Error(t, probe(t.Context()))
}

func TestAnHTTPProbeWantsAStatusBelow400AndFollowsNothing(t *testing.T) {
	t.Parallel()
	status, asked := http.StatusOK, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	probe := supervise.HTTP(server.URL)
	for _, test := range []struct {
		status int
		ok     bool
	}{{200, true}, {204, true}, {302, true}, {400, false}, {404, false}, {503, false}} {
		status, asked = test.status, 0
		assert.Equal(t, test.ok, probe(t.Context()) == nil, test.status)
		assert.Equal(t, 1, asked)
	}
	server.Close()
	assert.Error(t, probe(t.Context()))
	assert.Error(t, supervise.HTTP("::")(t.Context()))
}

func TestACommandProbeWantsExitCodeZero(t *testing.T) {
	t.Parallel()
	s := process.New(processtest.Fake{
		"true":  func(*processtest.Process) int { return 0 },
		"false": func(*processtest.Process) int { return 1 },
		"hang":  func(p *processtest.Process) int { <-p.Context.Done(); return 137 },
	})
	assert.NoError(t, supervise.Command(s, process.Spec{Command: "true"})(t.Context()))
	assert.Error(t, supervise.Command(s, process.Spec{Command: "false"})(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Error(t, supervise.Command(s, process.Spec{Command: "hang"})(ctx))
	require.NoError(t, s.Shutdown(t.Context()))
}
