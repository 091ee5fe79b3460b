package userland_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dappco.re/go/cloche/process/wasm/userland"
	"dappco.re/go/cloche/process/wasm/userland/internal/rebuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestModuleIsTheOneThatTheDigestNames(t *testing.T) {
	t.Parallel()
	module, err := userland.Module()
	require.NoError(t, err)
	assert.Equal(t, userland.Digest, rebuild.Digest(module))
	assert.Equal(t, "\x00asm\x01\x00\x00\x00", string(module[:8]))
	again, err := userland.Module()
	require.NoError(t, err)
	assert.Same(t, &module[0], &again[0], "unpacked once")
}

func TestNamesAreTheCommandsOfTheGuest(t *testing.T) {
	t.Parallel()
	names, err := rebuild.Names(t.Context(), "guest")
	require.NoError(t, err)
	assert.Equal(t, names, userland.Names())
	assert.True(t, slices.IsSorted(names))
	for _, name := range strings.Fields(`cat echo printf ls find grep head tail wc sort uniq cut tr sed tee cp mv rm mkdir touch stat env pwd
		true false test [ seq sleep date basename dirname sha256sum base64 diff jq`) {
		assert.Contains(t, names, name)
	}
}

func TestTheCallerCannotChangeTheNames(t *testing.T) {
	t.Parallel()
	userland.Names()[0] = "changed"
	assert.NotContains(t, userland.Names(), "changed")
}

func TestTheEmbeddedModuleIsRebuiltByteForByte(t *testing.T) {
	if os.Getenv("CLOCHE_REBUILD") != "1" {
		t.Skip("building the module takes a while: set CLOCHE_REBUILD=1")
	}
	embedded, err := userland.Module()
	require.NoError(t, err)
	here, err := rebuild.Module(t.Context(), "guest")
	require.NoError(t, err)
	assert.Equal(t, userland.Digest, rebuild.Digest(here), "run go generate ./process/wasm/userland")
	assert.Equal(t, len(embedded), len(here))

	elsewhere := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.CopyFS(elsewhere, os.DirFS("guest")))
	moved, err := rebuild.Module(t.Context(), elsewhere)
	require.NoError(t, err)
	assert.Equal(t, userland.Digest, rebuild.Digest(moved), "the directory must not show in the module")

	packed, err := rebuild.Pack(here)
	require.NoError(t, err)
	stored, err := os.ReadFile("userland.wasm.zst")
	require.NoError(t, err)
	assert.Equal(t, rebuild.Digest(stored), rebuild.Digest(packed))
}

func TestNoticeHoldsTheLicenceOfEveryEmbeddedModule(t *testing.T) {
	t.Parallel()
	notice, err := os.ReadFile(filepath.Join("..", "..", "..", "NOTICE"))
	require.NoError(t, err)
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", ".")
	list.Dir = "guest"
	list.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off")
	out, err := list.Output()
	require.NoError(t, err)
	modules := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(modules)
	checked := 0
	for _, module := range slices.Compact(modules) {
		fields := strings.Fields(module)
		if len(fields) != 3 {
			continue
		}
		licence, err := os.ReadFile(filepath.Join(fields[2], "LICENSE"))
		require.NoError(t, err, "%s has no LICENSE where it is expected", fields[0])
		assert.Contains(t, string(notice), fields[0]+" "+fields[1], "NOTICE must name it and its version")
		assert.Contains(t, string(notice), strings.TrimSpace(string(licence)), "NOTICE must hold the licence of %s", fields[0])
		checked++
	}
	assert.Positive(t, checked)
	assert.Contains(t, string(notice), "The Go standard library and runtime")
}
