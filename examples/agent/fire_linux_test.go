package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dappco.re/go/cloche/core"
	"dappco.re/go/cloche/process/native"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	switch os.Getenv("CLOCHE_TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "agent":
		main()
	case "tool":
		playTool()
	case "writer":
		playWriter()
	}
}

// playTool notes each time that it runs, and when another one runs in its workspace.
func playTool() {
	lock, err := os.OpenFile("../lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		os.WriteFile("../twice", nil, 0o644)
	}
	fmt.Println("ran")
	time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
}

var fireTools = map[string]Tool{"tool": {Command: os.Args[0]}}

func fireEnv(root string) []string {
	return []string{"CLOCHE_TEST_ROLE=tool", "CLOCHE_TEST_DIR=" + root}
}

// aliveFor are the processes of tools that have not ended.
func aliveFor(root string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "CLOCHE_TEST_DIR="+root+"\x00") {
			pids = append(pids, strings.Split(file, "/")[2])
		}
	}
	return pids
}

// storm is how often something is tried; CLOCHE_STORM sets it.
func storm(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("CLOCHE_STORM")); err == nil {
		return n
	}
	return otherwise
}

// Whenever the agent is killed, the files are whole, no tool runs that no file knows
// of, no two in one workspace, and what lives is found again.
func TestTheAgentCanBeKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	names := []string{"a", "b", "c", "d"}
	offline := New(core.New(core.WithFs(root)), fireTools, nil, 1, slog.DiscardHandler)
	for _, name := range names {
		require.NoError(t, offline.Dispatch(name, Job{Agent: "tool"}))
	}
	for range storm(40) {
		agent := exec.Command(os.Args[0], "-root", root, "-most", "3", "-tool", "tool="+os.Args[0],
			"-env", "CLOCHE_TEST_ROLE=tool", "-env", "CLOCHE_TEST_DIR="+root, "serve")
		agent.Env = []string{"CLOCHE_TEST_ROLE=agent"}
		said, err := agent.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, agent.Start())
		go io.Copy(io.Discard, bufio.NewReader(said))
		for range 1 + rand.IntN(3) {
			time.Sleep(time.Duration(rand.IntN(50_000)) * time.Microsecond) // when, is chance
			name := names[rand.IntN(len(names))]
			if s, err := offline.status(name); err == nil && s.Status.settled() {
				offline.Resume(name, "")
			}
		}
		require.NoError(t, agent.Process.Kill())
		agent.Wait()
		for _, name := range names {
			s, err := offline.status(name)
			require.NoError(t, err)
			assert.Contains(t, next, s.Status)
		}
	}
	c := core.New(core.WithFs(root), core.WithService(native.Register))
	require.NoError(t, c.ServiceStartup(t.Context()).Err())
	r := &rig{Agent: New(c, fireTools, fireEnv(root), 4, slog.DiscardHandler), t: t}
	done := make(chan error, 1)
	go func() { done <- r.Serve(t.Context()) }()
	for _, name := range names {
		require.Eventually(t, func() bool {
			s, err := r.status(name)
			return err == nil && s.Status.settled()
		}, time.Minute, time.Millisecond)
		s, err := r.status(name)
		require.NoError(t, err)
		text, _ := os.ReadFile(filepath.Join(root, name, logFile))
		assert.LessOrEqual(t, strings.Count(string(text), "ran\n"), s.Runs, "a run that the file does not know of")
		assert.NoFileExists(t, filepath.Join(root, name, "twice"))
	}
	assert.Empty(t, aliveFor(root))
}

const increments = 20

// playWriter adds one to the number in a status file, many times.
func playWriter() {
	a := New(core.New(core.WithFs(".")), nil, nil, 1, slog.DiscardHandler)
	for range increments {
		if _, err := a.update("w", anyRun, func(s *Status) error { s.Runs++; return nil }); err != nil {
			panic(err)
		}
	}
}

func TestFiftyWritersAndReadersLoseAndTearNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	a := New(core.New(core.WithFs(root)), fireTools, nil, 1, slog.DiscardHandler)
	require.NoError(t, a.Dispatch("w", Job{Agent: "tool", Task: strings.Repeat("long ", 1000)}))
	for began := time.Now(); ; {
		before, err := a.status("w")
		require.NoError(t, err)
		var writers, readers sync.WaitGroup
		for i := range 25 {
			writers.Go(func() {
				if i >= 5 {
					for range increments {
						_, err := a.update("w", anyRun, func(s *Status) error { s.Runs++; return nil })
						assert.NoError(t, err)
					}
					return
				}
				writer := exec.Command(os.Args[0])
				writer.Dir, writer.Env = root, []string{"CLOCHE_TEST_ROLE=writer"}
				out, err := writer.CombinedOutput()
				assert.NoError(t, err, "%s", out)
			})
		}
		over := make(chan struct{})
		for range 25 {
			readers.Go(func() {
				for last := 0; ; {
					text, err := os.ReadFile(filepath.Join(root, "w", statusFile))
					var s Status
					if err == nil {
						err = json.Unmarshal(text, &s)
					}
					if !assert.NoError(t, err) || !assert.GreaterOrEqual(t, s.Runs, last, "back in time") {
						return
					}
					last = s.Runs
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
		writers.Wait()
		close(over)
		readers.Wait()
		after, err := a.status("w")
		require.NoError(t, err)
		require.Equal(t, before.Runs+25*increments, after.Runs, "an update is lost")
		lasting, _ := time.ParseDuration(os.Getenv("CLOCHE_STORM_TIME"))
		if time.Since(began) >= lasting {
			return
		}
	}
}
