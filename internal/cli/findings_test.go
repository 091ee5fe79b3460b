package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExplainGroupsWhatWasDeniedByRuleAndPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("kept"), 0o600))
	r := cloche("", "run", "--explain", "--dir", dir+":/d:ro", "--dir", dir+":/rw", "--max-written", "3", "--workdir", "/d",
		testprog(t), "files", "write:f:x", "remove:f", "write:f:y", "mkdir:a b", "write:/rw/new:four", "symlink:/rw/s:/etc/passwd", "symlink:/rw/o:../up", "read:absent")
	assert.Equal(t, 0, r.code)
	assert.Equal(t, strings.TrimPrefix(`
cloche: 7 operations were denied
cloche: read-only; to allow it: give the directory with --dir HOST:GUEST:rw
cloche:   /d/a b: mkdir
cloche:   /d/f: open 2 times, rmdir, unlink
cloche: symlink to an absolute path; to allow it: use a relative target
cloche:   /rw/s: symlink
cloche: written limit of 3 bytes exceeded; to allow it: raise --max-written
cloche:   /rw/new: write
cloche: 1 new symlink leads out of the directories that the guest was given; before other tools follow them, look at
cloche:   /rw/o -> ../up
`, "\n"), r.errors)

	r = cloche("", "run", "--explain", testprog(t), "files", "read:absent")
	assert.Equal(t, "cloche: nothing was denied\n", r.errors)
}

func TestADenialIsHintedAtWhenTheProgramFailsAndAnOutwardLinkAlways(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ro := func(ops ...string) result {
		return cloche("", append([]string{"run", "--dir", dir + ":/d:ro", testprog(t), "files"}, ops...)...)
	}
	assert.Empty(t, ro("write:/d/f:x").errors, "it coped")
	r := ro("write:/d/f:x", "nosuch:op")
	assert.NotZero(t, r.code)
	assert.Contains(t, r.errors, "testprog.wasm: 1 operation was denied; run it with --explain to see which\n")
	assert.NotContains(t, ro("read:/d/f", "nosuch:op").errors, "denied")

	r = cloche("", "run", "--dir", dir+":/d", testprog(t), "files", "symlink:/d/a:../x", "symlink:/d/b:../x")
	assert.Equal(t, 0, r.code)
	assert.Contains(t, r.errors, "2 new symlinks lead out of its directories")
}

func TestTheReportHasTheFlagThatAllowsItAndTheOutwardLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("kept"), 0o600))
	r := cloche("", "run", "--json", "--dir", dir+":/d:ro", "--dir", dir+":/rw", "--max-files", "1", testprog(t), "files",
		"write:/d/f:x", "symlink:/rw/l:../../x", "mkdir:/rw/more")
	var got report
	require.NoError(t, json.Unmarshal([]byte(r.errors), &got), r.errors)
	assert.Equal(t, []denial{
		{Op: "open", Path: "/d/f", Rule: "read-only", Fix: "give the directory with --dir HOST:GUEST:rw"},
		{Op: "mkdir", Path: "/rw/more", Rule: "limit", Fix: "raise --max-files", Limit: "created", Max: 1},
	}, got.Denials)
	assert.Equal(t, 2, got.Denied)
	assert.Equal(t, []outwardLink{{Path: "/rw/l", Target: "../../x"}}, got.OutwardLinks)
	assert.Equal(t, 1, got.Outward)
}

func TestEveryLimitHasItsFlag(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, op, answer, limit string }{
		{"--max-written=1K", "fill:/f:1025", "1024 bytes, then over quota", "written limit of 1024 bytes"},
		{"--max-file-size=1K", "fill:/f:1025", "1024 bytes, then too big", "file size limit of 1024 bytes"},
		{"--max-files=1", "link:/hard:/f", "over quota", "created limit of 1 "},
		{"--max-descriptors=8", "hold:/f:9", "too many open", "descriptors limit of 8 "},
		{"--max-depth=1", "mkdir:/d/e", "name too long", "depth limit of 1 "},
		{"--max-path=4", "mkdir:/12345", "name too long", "path length limit of 4 bytes"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o700))
			r := cloche("", "run", "--explain", c.flag, "--dir", dir+":/", testprog(t), "files", "write:/f:", c.op)
			assert.Contains(t, r.out, ": "+c.answer+"\n")
			assert.Contains(t, r.errors, c.limit)
			flag, _, _ := strings.Cut(c.flag, "=")
			assert.Contains(t, r.errors, "raise "+flag)
		})
	}
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--explain", "--json"}, {"--explain", "--native"},
		{"--max-depth", "0"}, {"--max-depth", "-1"}, {"--max-files", "x"}, {"--max-path", "1K"}, {"--max-descriptors", "9999999999"},
		{"--max-written", "0"}, {"--max-fuel", "0"}, {"--max-fuel", "9223372036854775808"},
	} {
		_, err := parseRun(append(args, "true"))
		assert.Error(t, err, args)
	}
}

func TestEveryRuleAndLimitOfAGuestHasItsFlagOrAdvice(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{
		process.LimitDescriptors, process.LimitWritten, process.LimitCreated,
		process.LimitFileSize, process.LimitDepth, process.LimitPathLength,
	} {
		d, rule := newDenial(&process.DeniedError{Rule: fs.RuleLimit, Err: &process.LimitError{Limit: limit, Max: 1}})
		assert.Contains(t, d.Fix, "--max-", limit)
		assert.Contains(t, rule, limit)
	}
	d, rule := newDenial(&process.DeniedError{Rule: "a rule to come", Fix: "its own advice", Err: syscall.EPERM})
	assert.Equal(t, "its own advice", d.Fix)
	assert.Equal(t, "a rule to come", rule)
}

func TestAGuestCannotMakeTheCommandRememberEverything(t *testing.T) {
	t.Parallel()
	var f findings
	for i := range 1000 {
		f.addDenial(&process.DeniedError{Op: "open", Path: fmt.Sprint("/", i), Rule: fs.RuleReadOnly, Err: syscall.EROFS})
		f.addLink(process.OutwardLink{Path: fmt.Sprint("/", i), Target: ".."})
	}
	first, n := f.refusals()
	assert.Len(t, first, maxFindings)
	assert.Equal(t, 1000, n)
	links, n := f.outward()
	assert.Len(t, links, maxFindings)
	assert.Equal(t, 1000, n)
	var out strings.Builder
	f.explain(&out)
	assert.Equal(t, 2, strings.Count(out.String(), "  and 900 others\n"))
	assert.Less(t, strings.Count(out.String(), "\n"), 2*maxFindings+10)
}

func TestWhatIsNotANameToATerminalIsQuoted(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"/a b/é日本": "/a b/é日本", "/\x1b[31m": `"/\x1b[31m"`, "/a\nb": `"/a\nb"`, "/\xff": `"/\xff"`,
		"/\u202egpj": `"/\u202egpj"`, `/a"b`: `"/a\"b"`,
	} {
		assert.Equal(t, want, printable(s))
	}
	var f findings
	f.addDenial(&process.DeniedError{Op: "open", Path: "/\x1b]0;x\a", Rule: fs.RuleReadOnly, Err: syscall.EROFS})
	f.addLink(process.OutwardLink{Path: "/l", Target: "../\x07"})
	var out strings.Builder
	f.explain(&out)
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\x07")
}
