package processtest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"dappco.re/go/cloche/process"
)

// take is one recorded process, or a call to look for.
type take struct {
	call  string // all that has to match, but for stdin
	stdin string

	stdout, stderr string
	exit           process.Exit // code and signal
	files          archive      // new or changed
	removed        archive

	played bool
}

// comment heads the file.
const comment = "Recorded by processtest.Cassette, which can record it anew. The first folder is the number of the process.\n\n"

func folder(n int) string { return fmt.Sprintf("%03d/", n) }

// addTo puts the n-th take into the file.
func (k *take) addTo(file archive, n int) {
	for name, data := range map[string]string{
		"call": k.call, "stdin": k.stdin, "stdout": k.stdout, "stderr": k.stderr,
		"exit": strings.TrimSpace(fmt.Sprintln(k.exit.Code, k.exit.Signal)) + "\n",
	} {
		if data != "" {
			file[folder(n)+name] = entry{data: data}
		}
	}
	for name, e := range k.files.condensed() {
		file[folder(n)+"files/"+name] = e
	}
	for name, e := range k.removed {
		file[folder(n)+"removed/"+name] = e
	}
}

// load reads the file.
func (c Cassette) load(t testing.TB) (takes []*take) {
	t.Helper()
	text, err := os.ReadFile(c.Path)
	var file archive
	if err == nil {
		file, err = parseArchive(text)
	}
	if err != nil {
		t.Fatalf("the cassette %s: %v; record it with Update", c.Path, err)
	}
	for n := 1; ; n++ {
		part := file.below(folder(n))
		if len(part) == 0 {
			return takes
		}
		k, err := newTakeOf(part)
		if err != nil {
			t.Fatalf("the cassette %s: %s%v; record it with Update", c.Path, folder(n), err)
		}
		takes = append(takes, k)
	}
}

func newTakeOf(part archive) (*take, error) {
	k := &take{
		call: part["call"].data, stdin: part["stdin"].data,
		stdout: part["stdout"].data, stderr: part["stderr"].data,
		files: part.below("files/"), removed: part.below("removed/"),
	}
	// A process that was ended by no signal has a code alone.
	if n, err := fmt.Sscan(part["exit"].data, &k.exit.Code, &k.exit.Signal); n == 0 {
		return nil, fmt.Errorf("exit: %w", err)
	}
	if k.call == "" {
		return nil, errors.New("call: missing")
	}
	return k, nil
}
