package files

import (
	"cmp"
	"errors"
	iofs "io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/tool"
)

type lister struct {
	env *tool.Env
	now time.Time

	all, almostAll, long, numeric, noOwner, noGroup    bool
	dirs, recursive, reverse, human, si, inode, blocks bool
	follow, dirsFirst, commas, zero                    bool
	indicator                                          string // "", "slash", "file-type" or "classify"
	sort                                               string // "name", "time", "size", "extension", "version" or "none"
	clock                                              string // "modified", "accessed" or "changed"
	style                                              string
	quoted                                             bool
	owners                                             Owners
	groups                                             int // listings printed so far
}

// entry is one line of a listing.
type entry struct {
	name  string
	path  string
	info  os.FileInfo
	extra Extra
	link  string
}

// Ls lists directories, one entry a line.
func Ls(e *tool.Env) int {
	e.Trouble = 2
	l := &lister{env: e, now: time.Now(), sort: "name", clock: "modified"}
	f := e.Flags("[OPTION]... [FILE]...")
	set := func(p *string, value string) func(string) error {
		return func(string) error { *p = value; return nil }
	}
	nothing := func(string) error { return nil }
	f.Call("a,all", "", "do not ignore entries starting with .", on(&l.all))
	f.Call("A,almost-all", "", "do not list implied . and ..", on(&l.almostAll))
	f.Call("c,", "", "use the time of last change of status", func(string) error {
		l.clock = "changed"
		return nil
	})
	f.Call("d,directory", "", "list directories themselves, not their contents", on(&l.dirs))
	f.Call("f,", "", "do not sort, list all", func(string) error { l.all, l.sort = true, "none"; return nil })
	f.Call("F,classify", "[WHEN]", "append indicator (one of */=>@|) to entries", set(&l.indicator, "classify"))
	f.Call(",file-type", "", "likewise, except do not append '*'", set(&l.indicator, "file-type"))
	f.Call("p,", "", "append / indicator to directories", set(&l.indicator, "slash"))
	f.Call(",full-time", "", "like -l --time-style=full-iso", func(string) error { l.long, l.style = true, "full-iso"; return nil })
	f.Call("g,", "", "like -l, but do not list owner", func(string) error { l.long, l.noOwner = true, true; return nil })
	f.Call("G,no-group", "", "in a long listing, don't print group names", on(&l.noGroup))
	f.Call(",group-directories-first", "", "group directories before files", on(&l.dirsFirst))
	f.Call("h,human-readable", "", "with -l and -s, print sizes like 1K 234M 2G", on(&l.human))
	f.Call(",si", "", "likewise, but use powers of 1000 not 1024", func(string) error { l.human, l.si = true, true; return nil })
	f.Call("i,inode", "", "print the index number of each file", on(&l.inode))
	f.Call("l,", "", "use a long listing format", on(&l.long))
	f.Call("L,dereference", "", "show what symbolic links refer to", on(&l.follow))
	f.Call("m,", "", "fill width with a comma separated list of entries", on(&l.commas))
	f.Call("n,numeric-uid-gid", "", "like -l, but list numeric user and group IDs", func(string) error { l.long, l.numeric = true, true; return nil })
	f.Call("N,literal", "", "print entry names without quoting (default)", nothing)
	f.Call("o,", "", "like -l, but do not list group information", func(string) error { l.long, l.noGroup = true, true; return nil })
	f.Call("Q,quote-name", "", "enclose entry names in double quotes", on(&l.quoted))
	f.Call("r,reverse", "", "reverse order while sorting", on(&l.reverse))
	f.Call("R,recursive", "", "list subdirectories recursively", on(&l.recursive))
	f.Call("s,size", "", "print the allocated size of each file, in blocks", on(&l.blocks))
	f.Call("S,", "", "sort by file size, largest first", set(&l.sort, "size"))
	f.Call("t,", "", "sort by time, newest first", set(&l.sort, "time"))
	f.Call("u,", "", "use the time of last access", set(&l.clock, "accessed"))
	f.Call("U,", "", "do not sort", set(&l.sort, "none"))
	f.Call("v,", "", "natural sort of numbers within text", set(&l.sort, "version"))
	f.Call("X,", "", "sort alphabetically by entry extension", set(&l.sort, "extension"))
	f.Call("1,", "", "list one file per line (default)", nothing)
	f.Call("k,kibibytes", "", "(default)", nothing)
	f.Call(",sort", "WORD", "sort by none, size, time, version or extension", func(v string) error {
		if !slices.Contains([]string{"name", "none", "size", "time", "version", "extension"}, v) {
			return tool.Usage("invalid argument " + tool.Quote(v) + " for '--sort'")
		}
		l.sort = v
		return nil
	})
	f.Call(",time-style", "STYLE", "full-iso, long-iso, iso, locale or +FORMAT", func(v string) error { l.style = v; return nil })
	f.Call(",color", "[WHEN]", "(ignored)", nothing)
	f.Call(",zero", "", "end each output line with NUL, not newline", on(&l.zero))
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	l.operands(names)
	return e.Status()
}

func (l *lister) stat(path string, operand bool) (os.FileInfo, error) {
	if path == "" {
		return nil, syscall.ENOENT // WASI would say EINVAL
	}
	if l.follow || operand && !l.long && l.indicator != "classify" {
		info, err := os.Stat(path)
		if err == nil || l.follow && operand {
			return info, err
		}
	}
	return os.Lstat(path)
}

func (l *lister) operands(names []string) {
	var files, dirs []entry
	for _, name := range names {
		info, err := l.stat(name, true)
		if err == nil && info.Mode()&os.ModeSymlink != 0 && l.long && strings.HasSuffix(name, "/") {
			info, err = os.Stat(name)
		}
		if err != nil {
			l.env.Fail("cannot access %s: %s", tool.Quote(name), tool.Reason(err))
			continue
		}
		item := l.entry(name, name, info)
		if info.IsDir() && !l.dirs {
			dirs = append(dirs, item)
		} else {
			files = append(files, item)
		}
	}
	l.order(files)
	l.order(dirs)
	if len(files) > 0 {
		l.print(files, slices.Concat(files, dirs))
		l.groups++
	}
	for _, dir := range dirs {
		l.directory(dir.path, len(names) > 1 || l.recursive)
	}
}

func (l *lister) entry(name, path string, info os.FileInfo) entry {
	item := entry{name: name, path: path, info: info, extra: Meta(info)}
	if info.Mode()&os.ModeSymlink != 0 && l.long {
		item.link, _ = os.Readlink(path)
	}
	return item
}

func (l *lister) directory(path string, heading bool) {
	found, err := os.ReadDir(path)
	if err != nil {
		l.env.Fail("cannot open directory %s: %s", tool.Quote(path), tool.Reason(err))
		if len(found) == 0 {
			return
		}
	}
	if l.groups > 0 {
		l.env.Stdout.WriteByte('\n')
	}
	l.groups++
	if heading {
		l.env.Stdout.Printf("%s:\n", l.shown(path))
	}
	var items []entry
	add := func(name string) {
		full := join(path, name)
		info, err := l.stat(full, false)
		if err != nil {
			if !errors.Is(err, iofs.ErrNotExist) {
				l.env.Raise(1)
				l.env.Warn("cannot access %s: %s", tool.Quote(full), tool.Reason(err))
			}
			return
		}
		items = append(items, l.entry(name, full, info))
	}
	if l.all {
		add(".")
		add("..")
	}
	for _, f := range found {
		if !strings.HasPrefix(f.Name(), ".") || l.all || l.almostAll {
			add(f.Name())
		}
	}
	l.order(items)
	if l.long || l.blocks {
		var total int64
		for _, item := range items {
			total += item.extra.Blocks
		}
		l.env.Stdout.Printf("total %s\n", l.size(total*512, true))
	}
	l.print(items, items)
	if !l.recursive {
		return
	}
	for _, item := range items {
		if item.info.IsDir() && item.name != "." && item.name != ".." {
			l.directory(item.path, true)
		}
	}
}

func (l *lister) order(items []entry) {
	if l.sort == "none" {
		return
	}
	slices.SortStableFunc(items, func(a, b entry) int {
		if l.dirsFirst && leadsToDir(a) != leadsToDir(b) {
			if leadsToDir(a) {
				return -1
			}
			return 1
		}
		order := 0
		switch l.sort {
		case "time":
			order = l.time(b).Compare(l.time(a))
		case "size":
			order = cmp.Compare(b.info.Size(), a.info.Size())
		case "extension":
			order = strings.Compare(extension(a.name), extension(b.name))
		case "version":
			order = tool.CompareVersions(a.name, b.name)
		}
		order = cmp.Or(order, strings.Compare(a.name, b.name))
		if l.reverse {
			return -order
		}
		return order
	})
}

func leadsToDir(item entry) bool {
	return item.info.IsDir() || item.info.Mode()&os.ModeSymlink != 0 && isDir(item.path)
}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i:]
	}
	return ""
}

func (l *lister) time(item entry) time.Time {
	switch l.clock {
	case "accessed":
		return item.extra.Accessed
	case "changed":
		return item.extra.Changed
	}
	return item.info.ModTime()
}

// size writes a number of bytes, in blocks of 1024 where blocks is set.
func (l *lister) size(bytes int64, blocks bool) string {
	switch {
	case l.si:
		return tool.Human(bytes, 1000)
	case l.human:
		return tool.Human(bytes, 1024)
	case blocks:
		return strconv.FormatInt((bytes+1023)/1024, 10)
	}
	return strconv.FormatInt(bytes, 10)
}

func (l *lister) shown(name string) string {
	if l.quoted {
		return strconv.Quote(name)
	}
	return name
}

// print prints entries as a table whose columns are as wide as their widest field in all.
func (l *lister) print(items, all []entry) {
	if l.commas && !l.long {
		l.line(items)
		return
	}
	rows := make([][]string, len(items))
	var widths []int
	for i, item := range all {
		row := l.columns(item)
		if i < len(items) {
			rows[i] = row
		}
		for j, field := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], len(field))
		}
	}
	ending := "\n"
	if l.zero {
		ending = "\x00"
	}
	for i, item := range items {
		for j, field := range rows[i] {
			if l.leftAligned(j) {
				l.env.Stdout.Printf("%-*s ", widths[j], field)
			} else {
				l.env.Stdout.Printf("%*s ", widths[j], field)
			}
		}
		l.env.Stdout.WriteString(l.label(item) + ending)
	}
}

func (l *lister) line(items []entry) {
	column := 0
	for i, item := range items {
		text := l.label(item)
		if i > 0 {
			l.env.Stdout.WriteByte(',')
			column++
			if column+1+len(text)+1 > 80 {
				l.env.Stdout.WriteByte('\n')
				column = 0
			} else {
				l.env.Stdout.WriteByte(' ')
				column++
			}
		}
		l.env.Stdout.WriteString(text)
		column += len(text)
	}
	if len(items) > 0 {
		l.env.Stdout.WriteByte('\n')
	}
}

// leftAligned tells whether a column of the long listing holds names: mode, owner and group do.
func (l *lister) leftAligned(column int) bool {
	if l.inode {
		column--
	}
	if l.blocks {
		column--
	}
	names := 0
	if !l.noOwner {
		names++
	}
	if !l.noGroup {
		names++
	}
	return column == 0 || column >= 2 && column < 2+names && !l.numeric
}

func (l *lister) columns(item entry) []string {
	var row []string
	if l.inode {
		row = append(row, strconv.FormatUint(item.extra.Inode, 10))
	}
	if l.blocks {
		row = append(row, l.size(item.extra.Blocks*512, true))
	}
	if !l.long {
		return row
	}
	row = append(row, Mode(item.info.Mode()), strconv.FormatUint(item.extra.Links, 10))
	user, group := l.owners.User, l.owners.Group
	if l.numeric {
		user = func(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
		group = user
	}
	if !l.noOwner {
		row = append(row, user(item.extra.UID))
	}
	if !l.noGroup {
		row = append(row, group(item.extra.GID))
	}
	return append(row, l.size(item.info.Size(), false), l.date(l.time(item)))
}

// date leaves the hour out for what is in the future or more than half a year old.
func (l *lister) date(t time.Time) string {
	const halfYear = 31556952 / 2 * time.Second
	recent := t.After(l.now.Add(-halfYear)) && !t.After(l.now)
	choose := func(fresh, old string) string {
		if recent {
			return dates.Format(fresh, t)
		}
		return dates.Format(old, t)
	}
	switch {
	case strings.HasPrefix(l.style, "+"):
		fresh, old := l.style[1:], l.style[1:]
		if first, second, ok := strings.Cut(fresh, "\n"); ok {
			old, fresh = first, second
		}
		return choose(fresh, old)
	case l.style == "full-iso":
		return dates.Format("%Y-%m-%d %H:%M:%S.%N %z", t)
	case l.style == "long-iso":
		return dates.Format("%Y-%m-%d %H:%M", t)
	case l.style == "iso":
		return choose("%m-%d %H:%M", "%Y-%m-%d ")
	}
	return choose("%b %e %H:%M", "%b %e  %Y")
}

func (l *lister) label(item entry) string {
	text := l.shown(item.name)
	if item.link == "" {
		return text + l.mark(item.info)
	}
	text += " -> " + l.shown(item.link)
	if target, err := os.Stat(item.path); err == nil {
		text += l.mark(target)
	}
	return text
}

func (l *lister) mark(info os.FileInfo) string {
	mode := info.Mode()
	switch {
	case l.indicator == "":
	case mode.IsDir():
		return "/"
	case l.indicator == "slash":
	case mode&os.ModeSymlink != 0:
		return "@"
	case mode&os.ModeNamedPipe != 0:
		return "|"
	case mode&os.ModeSocket != 0:
		return "="
	case l.indicator == "classify" && mode.IsRegular() && mode&0o111 != 0:
		return "*"
	}
	return ""
}
