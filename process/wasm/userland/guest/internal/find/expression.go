package find

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/files"
	"dappco.re/go/cloche/userland/internal/glob"
	"dappco.re/go/cloche/userland/internal/regex"
	"dappco.re/go/cloche/userland/internal/tool"
)

// predicate is an expression or a part of one.
type predicate func(*visit) bool

type parser struct {
	*finder
	args []string
	last string // the predicate read last, for messages
}

func always(*visit) bool { return true }

func (p *parser) parse() (predicate, error) {
	if len(p.args) == 0 {
		return always, nil
	}
	expression, err := p.list()
	if err != nil {
		return nil, err
	}
	if len(p.args) > 0 {
		return nil, errors.New("invalid expression; you have too many ')'")
	}
	return expression, nil
}

func (p *parser) take(words ...string) bool {
	for _, word := range words {
		if len(p.args) > 0 && p.args[0] == word {
			p.args = p.args[1:]
			p.last = word
			return true
		}
	}
	return false
}

func (p *parser) list() (predicate, error) {
	left, err := p.or()
	for err == nil && p.take(",") {
		var right predicate
		first := left
		if right, err = p.or(); err == nil {
			left = func(v *visit) bool { first(v); return right(v) }
		}
	}
	return left, err
}

func (p *parser) or() (predicate, error) {
	left, err := p.and()
	for err == nil && p.take("-o", "-or") {
		var right predicate
		first := left
		if right, err = p.and(); err == nil {
			left = func(v *visit) bool { return first(v) || right(v) }
		}
	}
	return left, err
}

func (p *parser) and() (predicate, error) {
	left, err := p.not()
	for err == nil {
		joined := p.take("-a", "-and")
		if !joined && (len(p.args) == 0 || p.args[0] == ")" || p.args[0] == "-o" || p.args[0] == "-or" || p.args[0] == ",") {
			break
		}
		var right predicate
		first := left
		if right, err = p.not(); err == nil {
			left = func(v *visit) bool { return first(v) && right(v) }
		}
	}
	return left, err
}

func (p *parser) not() (predicate, error) {
	if p.take("!", "-not") {
		inner, err := p.not()
		if err != nil {
			return nil, err
		}
		return func(v *visit) bool { return !inner(v) }, nil
	}
	if p.take("(") {
		if len(p.args) > 0 && p.args[0] == ")" {
			return nil, errors.New("invalid expression; empty parentheses are not allowed.")
		}
		inner, err := p.list()
		if err != nil {
			return nil, err
		}
		if !p.take(")") {
			return nil, errors.New("invalid expression; I was expecting to find a ')' somewhere but did not see one.")
		}
		return inner, nil
	}
	return p.primary()
}

func (p *parser) primary() (predicate, error) {
	if len(p.args) == 0 {
		return nil, fmt.Errorf("expected an expression after '%s'", p.last)
	}
	name := p.args[0]
	if name == ")" || name == "-o" || name == "-a" || name == "," {
		return nil, fmt.Errorf("invalid expression; you have used a binary operator '%s' with nothing before it.", name)
	}
	p.args = p.args[1:]
	p.last = name
	if test := p.plain(name); test != nil {
		return test, nil
	}
	if strings.HasPrefix(name, "-exec") || strings.HasPrefix(name, "-ok") {
		return nil, fmt.Errorf("%s: %w", name, errNoSpawn)
	}
	with := p.withArgument(name)
	if with == nil {
		if !strings.HasPrefix(name, "-") {
			return nil, fmt.Errorf("paths must precede expression: `%s'", name)
		}
		return nil, fmt.Errorf("unknown predicate `%s'", name)
	}
	if len(p.args) == 0 {
		return nil, fmt.Errorf("missing argument to `%s'", name)
	}
	arg := p.args[0]
	p.args = p.args[1:]
	return with(arg)
}

// plain returns the test or action of a name without an argument.
func (p *parser) plain(name string) predicate {
	f := p.finder
	act := func(action predicate) predicate {
		f.acts = true
		return action
	}
	switch name {
	case "-print":
		return act(func(v *visit) bool { return f.print(v, '\n') })
	case "-print0":
		return act(func(v *visit) bool { return f.print(v, 0) })
	case "-ls":
		return act(f.list)
	case "-delete":
		f.depthFirst = true
		return act(f.delete)
	case "-prune":
		return func(v *visit) bool { v.prune = true; return true }
	case "-quit":
		return act(func(*visit) bool { f.quit = true; return true })
	case "-empty":
		return f.empty
	case "-true", "-mount", "-xdev", "-noleaf", "-nowarn", "-warn", "-daystart":
		return always
	case "-depth", "-d":
		f.depthFirst = true
		return always
	case "-follow":
		f.follow = true
		return always
	case "-false":
		return func(*visit) bool { return false }
	case "-readable":
		return func(v *visit) bool {
			file, err := os.Open(v.path)
			if err == nil {
				file.Close()
			}
			return err == nil
		}
	case "-executable":
		return func(v *visit) bool { return v.info.Mode()&0o111 != 0 }
	case "-writable":
		return func(v *visit) bool { return v.info.Mode()&0o222 != 0 }
	}
	return nil
}

type argument func(arg string) (predicate, error)

// withArgument returns what reads the argument of a name.
func (p *parser) withArgument(name string) argument {
	f := p.finder
	switch name {
	case "-name", "-iname":
		return func(arg string) (predicate, error) {
			return func(v *visit) bool { return glob.Match(arg, base(v.path), name == "-iname") }, nil
		}
	case "-path", "-wholename", "-ipath", "-iwholename":
		return func(arg string) (predicate, error) {
			return func(v *visit) bool { return glob.Match(arg, v.path, name[1] == 'i') }, nil
		}
	case "-lname", "-ilname":
		return func(arg string) (predicate, error) {
			return func(v *visit) bool {
				target, err := os.Readlink(v.path)
				return err == nil && glob.Match(arg, target, name == "-ilname")
			}, nil
		}
	case "-regex", "-iregex":
		return func(arg string) (predicate, error) {
			re, err := regex.Compile(arg, regex.Options{Whole: true, FoldCase: name == "-iregex"})
			if err != nil {
				return nil, err
			}
			return func(v *visit) bool { return re.Match([]byte(v.path)) }, nil
		}
	case "-regextype":
		return func(string) (predicate, error) { return always, nil }
	case "-type", "-xtype":
		return func(arg string) (predicate, error) { return kinds(name, arg) }
	case "-maxdepth", "-mindepth":
		return func(arg string) (predicate, error) {
			n, err := strconv.Atoi(arg)
			if err != nil || n < 0 {
				return nil, fmt.Errorf("Expected a positive decimal integer argument to %s, but got %s", name, tool.Quote(arg))
			}
			if name == "-maxdepth" {
				f.max = n
			} else {
				f.min = n
			}
			return always, nil
		}
	case "-size":
		return size
	case "-newer", "-anewer", "-cnewer":
		return func(arg string) (predicate, error) {
			info, err := os.Stat(arg)
			if err != nil {
				return nil, fmt.Errorf("%s: %s", tool.Quote(arg), tool.Reason(err))
			}
			return func(v *visit) bool { return timeOf(v, name[1]).After(info.ModTime()) }, nil
		}
	case "-newermt":
		return func(arg string) (predicate, error) {
			t, ok := dates.Parse(arg, f.now)
			if !ok {
				return nil, fmt.Errorf("I cannot figure out how to interpret %s as a date or time", tool.Quote(arg))
			}
			return func(v *visit) bool { return v.info.ModTime().After(t) }, nil
		}
	case "-mtime", "-atime", "-ctime":
		return f.age(name, 24*time.Hour)
	case "-mmin", "-amin", "-cmin":
		return f.age(name, time.Minute)
	case "-links", "-inum", "-uid", "-gid":
		return numberTest(name)
	case "-perm":
		return perm
	case "-samefile":
		return func(arg string) (predicate, error) {
			info, err := f.stat(arg, true)
			if err != nil {
				return nil, fmt.Errorf("%s: %s", tool.Quote(arg), tool.Reason(err))
			}
			return func(v *visit) bool { return os.SameFile(info, v.info) }, nil
		}
	case "-user", "-group":
		return func(arg string) (predicate, error) {
			return func(v *visit) bool {
				extra := files.Meta(v.info)
				if name == "-user" {
					return f.owners.User(extra.UID) == arg || strconv.Itoa(int(extra.UID)) == arg
				}
				return f.owners.Group(extra.GID) == arg || strconv.Itoa(int(extra.GID)) == arg
			}, nil
		}
	case "-printf":
		return func(arg string) (predicate, error) {
			f.acts = true
			return func(v *visit) bool { return f.printf(arg, v) }, nil
		}
	}
	return nil
}

func base(path string) string {
	trimmed := strings.TrimRight(path, "/")
	if trimmed == "" {
		return "/"
	}
	return trimmed[strings.LastIndexByte(trimmed, '/')+1:]
}

func letterOf(mode os.FileMode) byte {
	switch {
	case mode.IsRegular():
		return 'f'
	default:
		letter := files.Mode(mode)[0]
		return letter
	}
}

func kinds(name, arg string) (predicate, error) {
	wanted := ""
	for part := range strings.SplitSeq(arg, ",") {
		if len(part) != 1 || !strings.Contains("bcdpflsD", part) {
			return nil, fmt.Errorf("Unknown argument to %s: %s", name, arg)
		}
		wanted += part
	}
	return func(v *visit) bool {
		mode := v.info.Mode()
		if name == "-xtype" {
			if info, err := os.Stat(v.path); err == nil {
				mode = info.Mode()
			}
		}
		return strings.IndexByte(wanted, letterOf(mode)) >= 0
	}, nil
}

func size(arg string) (predicate, error) {
	units := map[byte]int64{'c': 1, 'w': 2, 'b': 512, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
	unit, text := int64(512), arg
	if arg != "" {
		if u, ok := units[arg[len(arg)-1]]; ok {
			unit, text = u, arg[:len(arg)-1]
		}
	}
	c, ok := parseComparison(text)
	if last := len(arg) - 1; !ok && last >= 0 && (arg[last] < '0' || arg[last] > '9') && unit == 512 {
		return nil, fmt.Errorf("invalid -size type `%c'", arg[last])
	}
	if !ok {
		return nil, fmt.Errorf("Invalid argument `%s' to -size", arg)
	}
	return func(v *visit) bool { return c.holds((v.info.Size() + unit - 1) / unit) }, nil
}

func timeOf(v *visit, letter byte) time.Time {
	switch letter {
	case 'a':
		return files.Meta(v.info).Accessed
	case 'c':
		return files.Meta(v.info).Changed
	}
	return v.info.ModTime()
}

// age compares whole units since the file's time: a part of a unit does not count, except to be more than n.
func (f *finder) age(name string, unit time.Duration) argument {
	return func(arg string) (predicate, error) {
		c, ok := parseComparison(arg)
		if !ok {
			return nil, fmt.Errorf("invalid argument `%s' to `%s'", arg, name)
		}
		return func(v *visit) bool {
			age := f.now.Sub(timeOf(v, name[1]))
			if unit == time.Minute {
				limit := time.Duration(c.n) * unit
				switch c.sign {
				case '+':
					return age > limit
				case '-':
					return age < limit
				}
				return age > limit-unit && age <= limit
			}
			return c.holds(int64(age / unit))
		}, nil
	}
}

func numberTest(name string) argument {
	return func(arg string) (predicate, error) {
		c, ok := parseComparison(arg)
		if !ok {
			return nil, fmt.Errorf("non-numeric argument to %s: %s", name, tool.Quote(arg))
		}
		return func(v *visit) bool {
			extra := files.Meta(v.info)
			values := map[string]uint64{"-links": extra.Links, "-inum": extra.Inode, "-uid": uint64(extra.UID), "-gid": uint64(extra.GID)}
			return c.holds(int64(values[name]))
		}, nil
	}
}

func perm(arg string) (predicate, error) {
	sign := byte(0)
	text := arg
	if arg != "" && (arg[0] == '-' || arg[0] == '/') {
		sign, text = arg[0], arg[1:]
	}
	bits, err := strconv.ParseUint(text, 8, 12)
	if err != nil {
		return nil, fmt.Errorf("invalid mode %s", tool.Quote(arg))
	}
	return func(v *visit) bool {
		mode := uint64(files.Permissions(v.info.Mode()))
		switch sign {
		case '-':
			return mode&bits == bits
		case '/':
			return bits == 0 || mode&bits != 0
		}
		return mode == bits
	}, nil
}

// printf prints the directives people use: the file's names, kind, size, mode, depth and times.
func (f *finder) printf(format string, v *visit) bool {
	for i := 0; i < len(format); i++ {
		c := format[i]
		if i+1 == len(format) || c != '%' && c != '\\' {
			f.out.WriteByte(c)
			continue
		}
		i++
		if c == '\\' {
			if j := strings.IndexByte("abfnrtv0\\", format[i]); j >= 0 {
				f.out.WriteByte("\a\b\f\n\r\t\v\x00\\"[j])
			} else {
				f.out.WriteString(format[i-1 : i+1])
			}
			continue
		}
		extra := files.Meta(v.info)
		switch format[i] {
		case '%':
			f.out.WriteByte('%')
		case 'p':
			f.out.WriteString(v.path)
		case 'f':
			f.out.WriteString(base(v.path))
		case 'h':
			f.out.WriteString(parent(v.path))
		case 'P':
			f.out.WriteString(strings.TrimPrefix(strings.TrimPrefix(v.path, v.start), "/"))
		case 'H':
			f.out.WriteString(v.start)
		case 'd':
			f.out.Printf("%d", v.depth)
		case 's':
			f.out.Printf("%d", v.info.Size())
		case 'y':
			f.out.WriteByte(letterOf(v.info.Mode()))
		case 'm':
			f.out.Printf("%o", files.Permissions(v.info.Mode()))
		case 'M':
			f.out.WriteString(files.Mode(v.info.Mode()))
		case 'n':
			f.out.Printf("%d", extra.Links)
		case 'i':
			f.out.Printf("%d", extra.Inode)
		case 'u':
			f.out.WriteString(f.owners.User(extra.UID))
		case 'g':
			f.out.WriteString(f.owners.Group(extra.GID))
		case 'l':
			target, _ := os.Readlink(v.path)
			f.out.WriteString(target)
		case 't':
			f.out.WriteString(dates.Format("%a %b %e %H:%M:%S.%N0 %Y", v.info.ModTime()))
		case 'T', 'A', 'C':
			if i+1 == len(format) {
				return true
			}
			t := timeOf(v, format[i]|0x20)
			i++
			if format[i] == '@' {
				f.out.WriteString(dates.Format("%s.%N0", t))
			} else {
				f.out.WriteString(dates.Format("%"+format[i:i+1], t))
			}
		default:
			f.out.WriteString(format[i-1 : i+1])
		}
	}
	return true
}

func parent(path string) string {
	i := strings.LastIndexByte(strings.TrimRight(path, "/"), '/')
	if i < 0 {
		return "."
	}
	return path[:i]
}
