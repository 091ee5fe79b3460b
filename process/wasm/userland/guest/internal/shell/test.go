package shell

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"dappco.re/go/cloche/userland/internal/tool"
)

// Test evaluates an expression, by the rules of POSIX test(1) on the number of arguments and with the usual -a, -o and
// parentheses for longer ones.
func Test(e *tool.Env) int {
	e.Trouble = 2
	args := e.Args
	if e.Name == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			return e.Fail("missing ']'")
		}
		args = args[:len(args)-1]
	}
	t := &tester{env: e, args: args}
	result := t.posix(len(args))
	if t.err == nil && t.pos < len(t.args) {
		t.err = fmt.Errorf("extra argument %s", tool.Quote(t.args[t.pos]))
	}
	switch {
	case t.err != nil:
		return e.Fail("%s", t.err)
	case result:
		return 0
	}
	return 1
}

type tester struct {
	env  *tool.Env
	args []string
	pos  int
	err  error
}

func (t *tester) fail(format string, args ...any) bool {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
	return false
}

// posix evaluates the next n arguments.
func (t *tester) posix(n int) bool {
	at := func(i int) string { return t.args[t.pos+i] }
	switch {
	case n == 0:
		return false
	case n == 1:
		t.pos++
		return t.args[t.pos-1] != ""
	case n == 2:
		return t.two()
	case n == 3 && isBinary(at(1)):
		return t.binary()
	case n == 3 && at(0) == "!":
		t.pos++
		return !t.two()
	case n == 3 && at(0) == "(" && at(2) == ")":
		t.pos += 3
		return t.args[t.pos-2] != ""
	case n == 3 && (at(1) == "-a" || at(1) == "-o"):
		return t.or()
	case n == 3:
		t.pos++
		return t.fail("%s: binary operator expected", tool.Quote(t.args[t.pos]))
	case n == 4 && at(0) == "!":
		t.pos++
		return !t.posix(3)
	case n == 4 && at(0) == "(" && at(3) == ")":
		t.pos++
		result := t.two()
		t.pos++
		return result
	}
	return t.or()
}

func (t *tester) two() bool {
	op := t.args[t.pos]
	switch {
	case op == "!":
		t.pos += 2
		return t.args[t.pos-1] == ""
	case isUnary(op):
		t.pos += 2
		return t.unary(op, t.args[t.pos-1])
	case strings.HasPrefix(op, "-") && len(op) == 2:
		return t.fail("%s: unary operator expected", tool.Quote(op))
	}
	return t.fail("missing argument after %s", tool.Quote(t.args[t.pos+1]))
}

func (t *tester) more() bool { return t.pos < len(t.args) && t.err == nil }

func (t *tester) take(word string) bool {
	if !t.more() || t.args[t.pos] != word {
		return false
	}
	t.pos++
	return true
}

func (t *tester) or() bool {
	result := t.and()
	for t.take("-o") {
		right := t.and()
		result = result || right
	}
	return result
}

func (t *tester) and() bool {
	result := t.term()
	for t.take("-a") {
		right := t.term()
		result = result && right
	}
	return result
}

func (t *tester) term() bool {
	negated := false
	for t.more() && t.args[t.pos] == "!" {
		t.pos++
		negated = !negated
	}
	if !t.more() {
		return t.fail("missing argument after %s", tool.Quote(t.args[len(t.args)-1]))
	}
	left := len(t.args) - t.pos
	result := false
	switch {
	case left >= 3 && isBinary(t.args[t.pos+1]):
		result = t.binary()
	case t.args[t.pos] == "(" && left > 1:
		t.pos++
		result = t.or()
		if !t.take(")") {
			return t.fail("')' expected")
		}
	case left >= 2 && isUnary(t.args[t.pos]):
		result = t.two()
	default:
		result = t.args[t.pos] != ""
		t.pos++
	}
	return result != negated
}

func isUnary(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("bcdefghknprstuwxzGLNOS", op[1]) >= 0
}

func isBinary(op string) bool {
	switch op {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (t *tester) binary() bool {
	left, op, right := t.args[t.pos], t.args[t.pos+1], t.args[t.pos+2]
	t.pos += 3
	switch op {
	case "=", "==":
		return left == right
	case "!=":
		return left != right
	case "<":
		return left < right
	case ">":
		return left > right
	case "-nt", "-ot", "-ef":
		return compareFiles(left, op, right)
	}
	order := compareIntegers(t.number(left), t.number(right))
	switch op {
	case "-eq":
		return order == 0
	case "-ne":
		return order != 0
	case "-lt":
		return order < 0
	case "-le":
		return order <= 0
	case "-gt":
		return order > 0
	}
	return order >= 0
}

func compareFiles(left, op, right string) bool {
	a, errA := os.Stat(left)
	b, errB := os.Stat(right)
	switch op {
	case "-nt":
		return errA == nil && (errB != nil || a.ModTime().After(b.ModTime()))
	case "-ot":
		return errB == nil && (errA != nil || a.ModTime().Before(b.ModTime()))
	}
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// number checks an integer and returns it without leading zeros or a plus sign.
func (t *tester) number(text string) string {
	trimmed := strings.Trim(text, " \t")
	negative := strings.HasPrefix(trimmed, "-")
	digits := strings.TrimPrefix(strings.TrimPrefix(trimmed, "-"), "+")
	if digits == "" || len(trimmed)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		t.fail("invalid integer %s", tool.Quote(text))
		return "0"
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0"
	}
	if negative {
		return "-" + digits
	}
	return digits
}

func compareIntegers(a, b string) int {
	minusA, minusB := a[0] == '-', b[0] == '-'
	switch {
	case minusA && minusB:
		return compareIntegers(b[1:], a[1:])
	case minusA:
		return -1
	case minusB:
		return 1
	case len(a) != len(b):
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func (t *tester) unary(op, arg string) bool {
	switch op {
	case "-n":
		return arg != ""
	case "-z":
		return arg == ""
	case "-t":
		fd, err := strconv.Atoi(arg)
		if err != nil {
			return t.fail("invalid integer %s", tool.Quote(arg))
		}
		return isTerminal(fd)
	case "-h", "-L":
		info, err := os.Lstat(arg)
		return err == nil && info.Mode()&os.ModeSymlink != 0
	}
	info, err := os.Stat(arg)
	if err != nil {
		return false
	}
	mode := info.Mode()
	switch op {
	case "-d":
		return mode.IsDir()
	case "-f":
		return mode.IsRegular()
	case "-s":
		return info.Size() > 0
	case "-r":
		file, err := os.Open(arg)
		if err == nil {
			file.Close()
		}
		return err == nil
	case "-w":
		return writable(arg, mode)
	case "-x":
		return mode.Perm()&0o111 != 0
	case "-p":
		return mode&os.ModeNamedPipe != 0
	case "-S":
		return mode&os.ModeSocket != 0
	case "-b":
		return mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0
	case "-c":
		return mode&os.ModeCharDevice != 0
	case "-u":
		return mode&os.ModeSetuid != 0
	case "-g":
		return mode&os.ModeSetgid != 0
	case "-k":
		return mode&os.ModeSticky != 0
	case "-O", "-G":
		return true
	case "-N":
		return false
	}
	return true // -e
}

func writable(path string, mode os.FileMode) bool {
	if mode.IsDir() {
		return mode.Perm()&0o222 != 0
	}
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_APPEND, 0)
	if err == nil {
		file.Close()
	}
	return err == nil
}

func isTerminal(fd int) bool {
	standard := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	if fd < 0 || fd >= len(standard) {
		return false
	}
	info, err := standard[fd].Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
