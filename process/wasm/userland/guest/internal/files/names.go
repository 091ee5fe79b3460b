package files

import (
	"os"
	"strconv"
	"strings"
)

// Mode writes a mode as ls -l does.
func Mode(mode os.FileMode) string {
	b := []byte("-rwxrwxrwx")
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	switch {
	case mode.IsDir():
		b[0] = 'd'
	case mode&os.ModeSymlink != 0:
		b[0] = 'l'
	case mode&os.ModeNamedPipe != 0:
		b[0] = 'p'
	case mode&os.ModeSocket != 0:
		b[0] = 's'
	case mode&os.ModeCharDevice != 0:
		b[0] = 'c'
	case mode&os.ModeDevice != 0:
		b[0] = 'b'
	}
	special := func(bit os.FileMode, at int, letter byte) {
		if mode&bit == 0 {
			return
		}
		if b[at] == '-' {
			letter &^= 0x20
		}
		b[at] = letter
	}
	special(os.ModeSetuid, 3, 's')
	special(os.ModeSetgid, 6, 's')
	special(os.ModeSticky, 9, 't')
	return string(b)
}

// Permissions are the twelve bits that chmod(2) knows.
func Permissions(mode os.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for i, bit := range []os.FileMode{os.ModeSticky, os.ModeSetgid, os.ModeSetuid} {
		if mode&bit != 0 {
			bits |= 0o1000 << i
		}
	}
	return bits
}

// Owners turns numbers of users and groups into names, where the tree has an /etc/passwd and an /etc/group.
type Owners struct{ users, groups map[uint32]string }

// User is the name of a user, or the number where it has none.
func (o *Owners) User(id uint32) string {
	if o.users == nil {
		o.users = readNames("/etc/passwd")
	}
	return nameOr(o.users, id)
}

// Group is the name of a group, or the number where it has none.
func (o *Owners) Group(id uint32) string {
	if o.groups == nil {
		o.groups = readNames("/etc/group")
	}
	return nameOr(o.groups, id)
}

func nameOr(names map[uint32]string, id uint32) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

func readNames(path string) map[uint32]string {
	names := map[uint32]string{}
	data, _ := os.ReadFile(path)
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.SplitN(line, ":", 4)
		if len(fields) < 3 {
			continue
		}
		if id, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			names[uint32(id)] = fields[0]
		}
	}
	return names
}
