//go:build unix

package native

import (
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRegisteredItRunsWhatACoreAsksFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/tool", "#!/bin/sh\ncat file\n", 0o755)
	write(t, dir+"/file", "in the Fs", 0o644)
	c := core.New(core.WithFs(dir), core.WithService(Register))
	require.NoError(t, c.Err())
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	out, err := core.Value[string](c.Process().RunWithEnv(t.Context(), "/", []string{"PATH=/bin:/usr/bin"}, "./tool"))
	require.NoError(t, err)
	assert.Equal(t, "in the Fs", out)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}

func TestACoreWithoutAnFsRunsNothingNatively(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(Register))
	require.NoError(t, c.Err())
	err := c.Process().Run(t.Context(), "sh").Err()
	assert.ErrorAs(t, err, new(*process.DeniedError))
	assert.Equal(t, 126, process.ExitCode(err))
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}
