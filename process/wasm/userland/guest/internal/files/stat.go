package files

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/tool"
)

const statFormat = `  File: %N
  Size: %-10s	Blocks: %-10b IO Block: %-6o %F
Device: %Hd,%Ld	Inode: %-11i Links: %h
Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)
Access: %x
Modify: %y
Change: %z
 Birth: %w
`

const statTerse = "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o\n"

// Stat shows what is known of files.
func Stat(e *tool.Env) int {
	f := e.Flags("[OPTION]... FILE...")
	format, escapes := statFormat, false
	follow := f.Bool("L,dereference", "follow links")
	f.Call("c,format", "FORMAT", "use the specified FORMAT instead of the default; a newline follows", func(v string) error { format, escapes = v+"\n", false; return nil })
	f.Call(",printf", "FORMAT", "like --format, but interpret backslash escapes, and no newline follows", func(v string) error { format, escapes = v, true; return nil })
	f.Call("t,terse", "", "print the information in terse form", func(string) error { format = statTerse; return nil })
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) == 0 {
		return e.Misused("missing operand")
	}
	if escapes {
		format = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\0`, "\x00", `\a`, "\a", `\r`, "\r", `\"`, `"`).Replace(format)
	}
	stat := os.Lstat
	if *follow {
		stat = os.Stat
	}
	var owners Owners
	for _, name := range names {
		info, err := stat(name)
		if err != nil {
			e.Fail("cannot statx %s: %s", tool.Quote(name), tool.Reason(err))
			continue
		}
		s := status{name: name, info: info, Extra: Meta(info), owners: &owners, plainLink: format == statFormat}
		e.Stdout.WriteString(s.format(format))
	}
	return e.Status()
}

type status struct {
	name string
	info os.FileInfo
	Extra
	owners    *Owners
	plainLink bool
}

// format expands directives: a percent sign, flags, width and precision as in printf(3), and a letter.
func (s *status) format(format string) string {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(format, "%")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		n := len(rest) - len(strings.TrimLeft(rest, "-+ #0123456789."))
		if n == len(rest) {
			b.WriteString("%" + rest)
			return b.String()
		}
		spec := "%" + rest[:n]
		letters := rest[n : n+1]
		if (letters == "H" || letters == "L") && len(rest) > n+1 && strings.IndexByte("dr", rest[n+1]) >= 0 {
			letters = rest[n : n+2]
		}
		format = rest[n+len(letters):]
		b.WriteString(s.directive(spec, letters))
	}
}

func (s *status) directive(spec, letters string) string {
	text := func(v string) string { return fmt.Sprintf(spec+"s", v) }
	number := func(v uint64) string { return fmt.Sprintf(spec+"d", v) }
	switch letters {
	case "%":
		return "%"
	case "a":
		return fmt.Sprintf(spec+"o", Permissions(s.info.Mode()))
	case "A":
		return text(Mode(s.info.Mode()))
	case "b":
		return number(uint64(s.Blocks))
	case "B":
		return number(512)
	case "d":
		return number(s.Dev)
	case "D":
		return fmt.Sprintf(spec+"x", s.Dev)
	case "Hd":
		return number(s.Dev >> 8 & 0xfff)
	case "Ld":
		return number(s.Dev&0xff | s.Dev>>12&0xfff00)
	case "f":
		return fmt.Sprintf(spec+"x", s.rawMode())
	case "F":
		return text(kindOf(s.info))
	case "g":
		return number(uint64(s.GID))
	case "G":
		return text(s.owners.Group(s.GID))
	case "h":
		return number(s.Links)
	case "i":
		return number(s.Inode)
	case "n":
		return text(s.name)
	case "N":
		return text(s.quoted())
	case "o":
		return number(uint64(s.BlockSize))
	case "s":
		return number(uint64(s.info.Size()))
	case "t", "T", "r", "Hr", "Lr":
		return text("0")
	case "u":
		return number(uint64(s.UID))
	case "U":
		return text(s.owners.User(s.UID))
	case "w":
		return text("-")
	case "W":
		return text("0")
	case "x", "X":
		return timeText(spec, letters == "X", s.Accessed)
	case "y", "Y":
		return timeText(spec, letters == "Y", s.info.ModTime())
	case "z", "Z":
		return timeText(spec, letters == "Z", s.Changed)
	case "m":
		return text("/")
	case "C":
		return text("?")
	}
	return spec + letters
}

func timeText(spec string, seconds bool, t time.Time) string {
	if !seconds {
		return fmt.Sprintf(spec+"s", dates.Format("%Y-%m-%d %H:%M:%S.%N %z", t))
	}
	if before, precision, ok := strings.Cut(spec, "."); ok {
		digits, _ := strconv.Atoi(precision)
		if precision == "" {
			digits = 9
		}
		text := fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
		return fmt.Sprintf(before+"s", text[:len(text)-9+min(digits, 9)])
	}
	return fmt.Sprintf(spec+"d", t.Unix())
}

func (s *status) quoted() string {
	name := tool.Quote(s.name)
	if s.plainLink {
		name = s.name
	}
	if s.info.Mode()&os.ModeSymlink == 0 {
		return name
	}
	target, _ := os.Readlink(s.name)
	if s.plainLink {
		return name + " -> " + target
	}
	return name + " -> " + tool.Quote(target)
}

func (s *status) rawMode() uint32 {
	mode := s.info.Mode()
	kind := uint32(0o100000)
	switch {
	case mode.IsDir():
		kind = 0o040000
	case mode&os.ModeSymlink != 0:
		kind = 0o120000
	case mode&os.ModeNamedPipe != 0:
		kind = 0o010000
	case mode&os.ModeSocket != 0:
		kind = 0o140000
	case mode&os.ModeCharDevice != 0:
		kind = 0o020000
	case mode&os.ModeDevice != 0:
		kind = 0o060000
	}
	return kind | Permissions(mode)
}
