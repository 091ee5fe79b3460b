package tool

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"syscall"
)

// reasons are the texts of strerror(3) in the C locale; Go's own begin with a small letter.
var reasons = map[syscall.Errno]string{
	syscall.EACCES:       "Permission denied",
	syscall.EBADF:        "Bad file descriptor",
	syscall.EBUSY:        "Device or resource busy",
	syscall.EDQUOT:       "Disk quota exceeded",
	syscall.EEXIST:       "File exists",
	syscall.EFBIG:        "File too large",
	syscall.EINVAL:       "Invalid argument",
	syscall.EIO:          "Input/output error",
	syscall.EISDIR:       "Is a directory",
	syscall.ELOOP:        "Too many levels of symbolic links",
	syscall.EMFILE:       "Too many open files",
	syscall.EMLINK:       "Too many links",
	syscall.ENAMETOOLONG: "File name too long",
	syscall.ENOENT:       "No such file or directory",
	syscall.ENOSPC:       "No space left on device",
	syscall.ENOSYS:       "Function not implemented",
	syscall.ENOTDIR:      "Not a directory",
	syscall.ENOTEMPTY:    "Directory not empty",
	syscall.ENOTSUP:      "Operation not supported",
	syscall.EPERM:        "Operation not permitted",
	syscall.EPIPE:        "Broken pipe",
	syscall.EROFS:        "Read-only file system",
	syscall.ETXTBSY:      "Text file busy",
	syscall.EXDEV:        "Invalid cross-device link",
}

// Reason is the text of err as C programs print it, without the path that Go puts before it.
func Reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if text, ok := reasons[errno]; ok {
			return text
		}
	}
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return reasons[syscall.ENOENT]
	case errors.Is(err, iofs.ErrExist):
		return reasons[syscall.EEXIST]
	case errors.Is(err, iofs.ErrPermission):
		return reasons[syscall.EACCES]
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end of file"
	}
	if path, ok := errors.AsType[*iofs.PathError](err); ok {
		err = path.Err
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// Quote puts a name into quotes that a shell would take back, as GNU's messages do.
func Quote(name string) string {
	if !strings.ContainsFunc(name, isControl) {
		if !strings.Contains(name, "'") {
			return "'" + name + "'"
		}
		if !strings.ContainsAny(name, "\"$`\\!") {
			return `"` + name + `"`
		}
	}
	var b strings.Builder
	b.WriteByte('\'')
	escaped := false
	for i := range len(name) {
		c := name[i]
		special := c < ' ' || c >= 0x7f
		if special != escaped {
			b.WriteString(map[bool]string{true: "'$'", false: "''"}[special])
			escaped = special
		}
		switch {
		case special:
			b.WriteString(escape(c))
		case c == '\'':
			b.WriteString(`'\''`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// QuoteIfNeeded is Quote for names that a shell would not take as they are, or that hold a colon, and the name itself otherwise.
func QuoteIfNeeded(name string) string {
	special := func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'`$&*();<=>?[\\^|!:", r)
	}
	if name != "" && !strings.ContainsFunc(name, special) && name[0] != '#' && name[0] != '~' {
		return name
	}
	return Quote(name)
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f }

func escape(c byte) string {
	if i := strings.IndexByte("\a\b\t\n\v\f\r", c); i >= 0 {
		return `\` + "abtnvfr"[i:i+1]
	}
	return fmt.Sprintf(`\%03o`, c)
}

// ShellWord is the name as a shell would need it: in quotes only if it has a special character.
func ShellWord(name string) string {
	if QuoteIfNeeded(strings.ReplaceAll(name, ":", "_")) == strings.ReplaceAll(name, ":", "_") {
		return name
	}
	return Quote(name)
}
