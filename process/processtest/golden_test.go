package processtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"dappco.re/go/cloche/process/processtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGoldenTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "want.txt")
	require.NoError(t, os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o644))
	golden := func(got string) string {
		return failing(t, func(t testing.TB) { processtest.Golden(t, false, path, []byte(got)) })
	}
	assert.Empty(t, golden("one\ntwo\nthree\n"))
	assert.Equal(t, `the output differs from the golden file; if it is right, call Golden with update
diff `+path+` got
--- `+path+`
+++ got
@@ -1,3 +1,3 @@
 one
-two
+2
 three

`, golden("one\n2\nthree\n"))
	assert.Contains(t, golden("one\ntwo\nthree"), "-\"three\\n\"\n+\"three\"\n", "what cannot be seen is quoted")
}

func TestGoldenIsWrittenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "testdata", "want.txt")
	said := failing(t, func(t testing.TB) { processtest.Golden(t, false, path, []byte("new\n")) })
	assert.Contains(t, said, "call Golden with update to write it")
	assert.NoFileExists(t, path)

	for _, text := range []string{"new\n", "newer\n"} {
		processtest.Golden(t, true, path, []byte(text))
		processtest.Golden(t, false, path, []byte(text))
	}
}
