package wasi_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// folding returns a directory where names that differ in case are one: what
// CLOCHE_FOLDING_DIR names, or else a volume of NTFS that is mounted for the test.
func folding(t *testing.T) string {
	if dir := os.Getenv("CLOCHE_FOLDING_DIR"); dir != "" {
		top, err := os.MkdirTemp(dir, "cloche-*")
		require.NoError(t, err)
		t.Cleanup(func() { os.RemoveAll(top) })
		return top
	}
	volume, dir := filepath.Join(t.TempDir(), "volume"), t.TempDir()
	for _, tool := range []string{"mkntfs", "lowntfs-3g", "fusermount"} {
		_, err := exec.LookPath(tool)
		if err != nil && os.Getenv("CLOCHE_CI") != "" {
			t.Fatalf("%s is missing where nothing may be", tool)
		}
		if err != nil {
			t.Skipf("%s is missing; on Debian, apt install ntfs-3g, or name a directory that folds case by CLOCHE_FOLDING_DIR", tool)
		}
	}
	require.NoError(t, os.WriteFile(volume, nil, 0o600))
	require.NoError(t, os.Truncate(volume, 256<<20))
	out, err := exec.Command("mkntfs", "-q", "-F", volume).CombinedOutput()
	require.NoError(t, err, string(out))
	if out, err := exec.Command("lowntfs-3g", "-o", "ignore_case", volume, dir).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted here: %s", out)
	}
	t.Cleanup(func() { exec.Command("fusermount", "-uz", dir).Run() })
	return dir
}

// TestNamesThatTheHostFoldsLeadNowhereElse makes the attacks of the table by twins:
// what was made as "way" is used as "WAY", which to the host is the same.
func TestNamesThatTheHostFoldsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	top := folding(t)
	require.NoError(t, os.WriteFile(filepath.Join(top, "fold"), nil, 0o644))
	_, err := os.Lstat(filepath.Join(top, "FOLD"))
	require.NoError(t, err, "%s does not fold case", top)
	require.NoError(t, os.Remove(filepath.Join(top, "fold")))

	twins, escaped := twinAttacks(), 0
	for _, a := range twins {
		saw, changed := a.in(t, top, func(f field) raider { return newPeer(t, f.inside) })
		if saw || changed {
			escaped++
		}
	}
	t.Logf("%d attacks, of which %d escape from wazero's mount", len(twins), escaped)
	assert.NotZero(t, escaped, "the attacks are real")

	for name, defend := range defences {
		h := newHost(t)
		for _, a := range twins {
			saw, changed := a.in(t, top, func(f field) raider {
				return raider{newProxyIn(t, h, t.Context(), kernel.Config{Root: defend(t, f)})}
			})
			assert.False(t, saw, "%s: %s: the guest saw the outside", name, a.name)
			assert.False(t, changed, "%s: %s: the guest changed the outside", name, a.name)
		}
	}
}

// in makes the attack in a field below top.
func (a attack) in(t *testing.T, top string, arm func(field) raider) (saw, changed bool) {
	dir, err := os.MkdirTemp(top, "field-*")
	require.NoError(t, err)
	f := newFieldIn(t, dir)
	if a.arrange != nil {
		a.arrange(t, f)
	}
	before := f.state(t)
	g := arm(f)
	defer g.mod.Close(t.Context())
	saw = a.try(g, f)
	return saw, before != f.state(t)
}

// twinAttacks are those by way of a directory, spelt in capitals.
func twinAttacks() []attack {
	var all []attack
	for _, w := range ways {
		for _, name := range slices.Sorted(maps.Keys(through)) {
			all = append(all, attack{
				name: w.name + " in capitals: " + name, arrange: w.arrange,
				try: func(g raider, _ field) bool {
					if w.prepare != nil {
						w.prepare(g)
					}
					return through[name](g, strings.ToUpper(w.path))
				},
			})
		}
	}
	return all
}
