package main

import (
	"context"
	"strings"

	"dappco.re/go/cloche/core"
)

// PrepSubsystem brings sources to where a tool works on them, and says whether they
// are in order. It knows commands, and not how they run.
type PrepSubsystem struct {
	core *core.Core
	env  []string
}

// run runs a command in dir, and returns what it says.
func (s *PrepSubsystem) run(ctx context.Context, dir, command string, args ...string) (string, error) {
	return core.Value[string](s.core.Process().RunWithEnv(ctx, dir, s.env, command, args...))
}

// Prepare has dir hold the branch of repo, the first time; without a repo there is
// nothing to do. What a tool has left from an earlier run stays.
func (s *PrepSubsystem) Prepare(ctx context.Context, dir, repo, branch string) error {
	if repo == "" || s.core.Fs().Exists(dir+"/.git/HEAD") {
		return ctx.Err()
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"fetch", "--quiet", "--end-of-options", repo, "HEAD"},
		{"checkout", "--quiet", "-B", branch, "FETCH_HEAD", "--"},
	} {
		if _, err := s.run(ctx, dir, "git", args...); err != nil {
			return err
		}
	}
	return nil
}

// Head is the commit that dir is at.
func (s *PrepSubsystem) Head(ctx context.Context, dir string) (string, error) {
	hash, err := s.run(ctx, dir, "git", "rev-parse", "HEAD")
	return strings.TrimSpace(hash), err
}

// Log is the latest commits, one a line.
func (s *PrepSubsystem) Log(ctx context.Context, dir, count string) (string, error) {
	return s.run(ctx, dir, "git", "log", "--oneline", "-n", count)
}

// Check builds and tests what is in dir, by what it is written in.
func (s *PrepSubsystem) Check(ctx context.Context, dir string) error {
	var commands [][]string
	if s.core.Fs().IsFile(dir + "/go.mod") {
		commands = append(commands, []string{"go", "build", "./..."}, []string{"go", "vet", "./..."}, []string{"go", "test", "./..."})
	}
	if s.core.Fs().IsFile(dir + "/package.json") {
		commands = append(commands, []string{"npm", "ci"}, []string{"npm", "test"})
	}
	for _, c := range commands {
		if _, err := s.run(ctx, dir, c[0], c[1:]...); err != nil {
			return err
		}
	}
	return nil
}
