package wasm_test

import (
	"testing"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARegisteredExecutorServesTheCoresProcesses(t *testing.T) {
	t.Parallel()
	hello := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x07\x0a\x01\x06_start\x00\x00\x0a\x04\x01\x02\x00\x0b")
	c := core.New(core.WithService(wasm.RegisterWith(
		wasm.WithoutCache(),
		wasm.WithPrograms(wasm.Program{Name: "nothing", Module: func() ([]byte, error) { return hello, nil }}),
	)))
	require.NoError(t, c.Err())
	require.True(t, c.ServiceStartup(t.Context()).OK)
	r := c.Process().Run(t.Context(), "nothing")
	require.NoError(t, r.Err())
	assert.Equal(t, "", r.Value)
	assert.ErrorIs(t, c.Process().Run(t.Context(), "something").Err(), process.ErrNotFound)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
	assert.Error(t, c.Process().Run(t.Context(), "nothing").Err())
}

func TestAWrongOptionIsTheCoresError(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(wasm.RegisterWith(wasm.WithMemoryLimit(1))))
	assert.ErrorIs(t, c.Err(), process.ErrInvalid)
}

func TestRegisterNeedsNothing(t *testing.T) {
	t.Parallel()
	c := core.New(core.WithService(wasm.Register))
	require.NoError(t, c.Err())
	assert.ErrorIs(t, c.Process().Run(t.Context(), "ls").Err(), process.ErrNotFound)
	require.NoError(t, c.ServiceShutdown(t.Context()).Err())
}
