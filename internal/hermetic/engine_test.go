package hermetic

import (
	"os"
	"runtime/debug"
	"testing"

	"dappco.re/go/cloche/internal/reapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABuildIsKnownByItsReleaseOrItsBytes(t *testing.T) {
	t.Parallel()
	file, err := os.Executable()
	require.NoError(t, err)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	bytes := "build " + reapi.Sum(b).String()

	release := debug.BuildInfo{Main: debug.Module{Path: "m", Version: "v1.0.0", Sum: "h1:x"}}
	tagged := release
	tagged.Settings = []debug.BuildSetting{{Key: "-tags", Value: "x"}}
	local := release
	local.Main.Sum = "" // what version control says of a build
	name := func(info *debug.BuildInfo) string {
		name, err := buildOf(info, info != nil)
		require.NoError(t, err)
		return name
	}
	assert.Contains(t, name(&release), "m v1.0.0 ")
	assert.NotEqual(t, name(&release), name(&tagged))
	assert.Equal(t, bytes, name(&local))
	assert.Equal(t, bytes, name(nil))
}
