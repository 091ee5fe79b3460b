package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANativeRunGetsItsGroupWhereItIsTold(t *testing.T) {
	t.Parallel()
	place, err := os.MkdirTemp(mountOfCgroups(t), "cloche-test-")
	if err != nil {
		t.Skip("no control groups can be made here: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, os.Remove(place), "the group of the run is gone") })
	cmd := exec.CommandContext(t.Context(), os.Args[0], "run", "--native", "--cgroup", place, "cat", "/proc/self/cgroup")
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "/"+filepath.Base(place)+"/cloche-")
}

// mountOfCgroups is where version 2 of them is mounted.
func mountOfCgroups(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, " - cgroup2 ") {
			return strings.Fields(line)[4] // proc_pid_mountinfo(5)
		}
	}
	t.Skip("no control groups can be made here: version 2 is not mounted")
	return ""
}
