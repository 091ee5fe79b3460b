package realprograms

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// need lists what a build cannot do without, and the Debian packages that have
// it.
type need struct {
	commands []string
	files    []string
	install  string
}

// demand skips the test when something is missing, saying what to install.
// Where CLOCHE_CI is set, the test fails: there nothing may be missing.
func (n need) demand(t *testing.T) {
	t.Helper()
	missing := n.missing()
	if len(missing) == 0 {
		return
	}
	message := fmt.Sprintf("%s not found; install with: apt-get install %s", strings.Join(missing, ", "), n.install)
	if os.Getenv("CLOCHE_CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func (n need) missing() []string {
	var missing []string
	for _, command := range n.commands {
		if _, err := exec.LookPath(command); err != nil {
			missing = append(missing, command)
		}
	}
	for _, file := range n.files {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, file)
		}
	}
	return missing
}

// buildTimeout is for one command of a build, on a slow machine with a slow
// network.
const buildTimeout = 10 * time.Minute

// tool runs one command of a build in dir, with env added to the environment of
// the test, and returns its standard output.
func tool(dir string, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastLines(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// lastLines keeps the part of a build's log that says what went wrong.
func lastLines(log string) string {
	const most = 4 << 10
	return log[max(0, len(log)-most):]
}
