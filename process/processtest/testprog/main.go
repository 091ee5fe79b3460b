// Testprog is the program that the conformance suite runs on every backend. It
// uses the standard library alone, and little of it, and behaves the same built
// for the host and for wasip1.
package main

import (
	"hash/fnv"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: testprog COMMAND [ARGUMENT...]")
	}
	command, ok := commands[os.Args[1]]
	if !ok {
		fail("no such command: " + os.Args[1])
	}
	command(os.Args[2:])
}

var commands = map[string]func(args []string){
	"args":       printArgs,
	"env":        printEnv,
	"pwd":        printDir,
	"print":      printTo,
	"cat":        cat,
	"count":      count,
	"head":       head,
	"nothing":    func([]string) {},
	"exit":       exit,
	"panic":      func([]string) { panic("deliberate") },
	"interleave": interleave,
	"pattern":    pattern,
	"flood":      flood,
	"sleep":      sleep,
	"spin":       spin,
	"hang":       hang,
	"ignoreterm": ignoreTerm,
	"alloc":      alloc,
	"ticks":      ticks,
	"shut":       shut,
	"files":      files,
	"tour":       tour,
	"spawn":      spawn,
	"terminal":   terminal,
	"chance":     chance,
}

func fail(why string) {
	os.Stderr.WriteString("testprog: " + why + "\n")
	os.Exit(99)
}

func must(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func number(args []string, i int) int {
	if i >= len(args) {
		fail("a number is missing")
	}
	n, err := strconv.Atoi(args[i])
	must(err)
	return n
}

// ready tells the test that from here on the process does what was asked for.
func ready() { os.Stdout.WriteString("ready\n") }

// printArgs ends each with a NUL, which is the one byte that none can hold.
func printArgs(args []string) {
	for _, arg := range args {
		write(os.Stdout, arg+"\x00")
	}
}

func printEnv([]string) {
	for _, entry := range os.Environ() {
		write(os.Stdout, entry+"\x00")
	}
}

func printDir([]string) {
	dir, err := os.Getwd()
	must(err)
	write(os.Stdout, dir)
}

// printTo writes each argument as it is: "print out TEXT err TEXT ...".
func printTo(args []string) {
	for i := 0; i+1 < len(args); i += 2 {
		to := os.Stdout
		if args[i] == "err" {
			to = os.Stderr
		}
		write(to, args[i+1])
	}
}

func write(to *os.File, s string) {
	_, err := to.WriteString(s)
	must(err)
}

func cat([]string) {
	_, err := io.Copy(os.Stdout, os.Stdin)
	must(err)
}

// count reads to EOF and tells how much came.
func count([]string) {
	ready()
	sum := fnv.New64a()
	n, err := io.Copy(sum, os.Stdin)
	must(err)
	write(os.Stdout, strconv.FormatInt(n, 10)+" "+strconv.FormatUint(sum.Sum64(), 16)+"\n")
}

// head copies the first N bytes and leaves the rest unread.
func head(args []string) {
	_, err := io.CopyN(os.Stdout, os.Stdin, int64(number(args, 0)))
	must(err)
}

func exit(args []string) { os.Exit(number(args, 0)) }

// interleave writes N lines to stdout and stderr in turn.
func interleave(args []string) {
	for i := range number(args, 0) {
		write(os.Stdout, "out "+strconv.Itoa(i)+"\n")
		write(os.Stderr, "err "+strconv.Itoa(i)+"\n")
	}
}

// pattern writes N bytes that never repeat for long, and their sum to stderr.
func pattern(args []string) {
	left := number(args, 0)
	sum := fnv.New64a()
	x := uint64(88172645463325252)
	buf := make([]byte, 64<<10)
	for left > 0 {
		for i := range buf {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			buf[i] = byte(x)
		}
		chunk := buf[:min(left, len(buf))]
		sum.Write(chunk)
		_, err := os.Stdout.Write(chunk)
		must(err)
		left -= len(chunk)
	}
	write(os.Stderr, strconv.FormatUint(sum.Sum64(), 16))
}

// flood writes until it is stopped.
func flood([]string) {
	buf := make([]byte, 32<<10)
	for {
		_, err := os.Stdout.Write(buf)
		must(err)
	}
}

// shut closes the streams with the given numbers, says so on the others, and
// exits with 7 or stays: "shut exit 0 1", "shut stay 2".
func shut(args []string) {
	streams := map[string]*os.File{"0": os.Stdin, "1": os.Stdout, "2": os.Stderr}
	for _, n := range args[1:] {
		must(streams[n].Close())
		delete(streams, n)
	}
	delete(streams, "0")
	for _, open := range streams {
		write(open, "ready\n")
	}
	if args[0] == "stay" {
		time.Sleep(time.Hour)
	}
	os.Exit(7)
}

func sleep([]string) {
	ready()
	time.Sleep(time.Hour)
}

func spin([]string) {
	ready()
	var n atomic.Uint64
	for {
		n.Add(1)
	}
}

// hang reads from a stdin that never ends.
func hang([]string) {
	ready()
	io.Copy(io.Discard, os.Stdin)
	fail("stdin ended")
}

func ignoreTerm([]string) {
	signal.Ignore(syscall.SIGTERM)
	ready()
	time.Sleep(time.Hour)
}

// alloc takes N MiB and touches every page.
func alloc(args []string) {
	block := make([]byte, number(args, 0)<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	write(os.Stdout, strconv.Itoa(len(block)))
}

// ticks waits for stdin in one goroutine while timers go off in another: the
// wait must not stop the program. It ends at EOF, and not before ten ticks.
func ticks([]string) {
	must(syscall.SetNonblock(0, true))
	stdin := os.NewFile(0, "stdin")
	ended := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	for range 10 {
		time.Sleep(time.Millisecond)
	}
	ready()
	must(<-ended)
	write(os.Stdout, "ended\n")
}

// terminal says which of the three streams are a terminal, or another device.
func terminal([]string) {
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		info, err := f.Stat()
		must(err)
		write(os.Stdout, strconv.FormatBool(info.Mode()&os.ModeCharDevice != 0)+" ")
	}
}
