package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADirFlagIsReadFromTheRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag string
		want dirFlag
	}{
		{".:/src:ro", dirFlag{host: ".", guest: "/src", readOnly: true}},
		{".:/src", dirFlag{host: ".", guest: "/src", readOnly: false}},
		{".:/src:rw", dirFlag{host: ".", guest: "/src", readOnly: false}},
		{".", dirFlag{host: ".", guest: "/", readOnly: false}},
		{".:ro", dirFlag{host: ".", guest: "/", readOnly: true}},
		{"src/lib", dirFlag{host: "src/lib", guest: "/src/lib", readOnly: false}},
		{"./src/", dirFlag{host: "./src/", guest: "/src", readOnly: false}},
		{"/data", dirFlag{host: "/data", guest: "/data", readOnly: false}},
		{"/data:/", dirFlag{host: "/data", guest: "/", readOnly: false}},
		{"a:b:/c//d/", dirFlag{host: "a:b", guest: "/c/d", readOnly: false}},
		{"..:/up", dirFlag{host: "..", guest: "/up", readOnly: false}},
		{"ro:/x:ro", dirFlag{host: "ro", guest: "/x", readOnly: true}},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			got, err := parseDir(c.flag)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestAWrongDirFlagNamesTheFix(t *testing.T) {
	t.Parallel()
	for flag, part := range map[string]string{
		".:src":   "not absolute",
		"..":      "name it",
		"../x:ro": "name it",
		"":        "empty",
		":/src":   "empty",
	} {
		_, err := parseDir(flag)
		assert.ErrorContains(t, err, part, flag)
	}
}

func TestASizeIsBytesOrHasAUnit(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"1": 1, "64K": 64 << 10, "2m": 2 << 20, "1G": 1 << 30, "3T": 3 << 40} {
		got, err := parseSize(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "0", "-1", "x", "1KB", "1.5G", "M", "9999999999T"} {
		_, err := parseSize(s)
		assert.Error(t, err, "%q", s)
	}
}

func TestGuestFlagsAreNeverParsed(t *testing.T) {
	t.Parallel()
	f, err := parseRun([]string{"--json", "--stdin", "grep", "--json", "-rn", "--", "x"})
	require.NoError(t, err)
	assert.True(t, f.json)
	assert.Equal(t, "grep", f.program)
	assert.Equal(t, []string{"--json", "-rn", "--", "x"}, f.args)

	f, err = parseRun([]string{"--", "--timeout", "1s"})
	require.NoError(t, err)
	assert.Equal(t, "--timeout", f.program)
	assert.Equal(t, []string{"1s"}, f.args)
}
