// Package digest holds base64 and the commands that print and check digests: md5sum, sha1sum, sha256sum and sha512sum.
package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"

	"dappco.re/go/cloche/userland/internal/tool"
)

// Md5sum prints or checks MD5 digests.
func Md5sum(e *tool.Env) int { return sum(e, "MD5", md5.New) }

// Sha1sum prints or checks SHA-1 digests.
func Sha1sum(e *tool.Env) int { return sum(e, "SHA1", sha1.New) }

// Sha256sum prints or checks SHA-256 digests.
func Sha256sum(e *tool.Env) int { return sum(e, "SHA256", sha256.New) }

// Sha512sum prints or checks SHA-512 digests.
func Sha512sum(e *tool.Env) int { return sum(e, "SHA512", sha512.New) }

type summer struct {
	env  *tool.Env
	name string
	new  func() hash.Hash

	quiet, status, strict, warn, ignoreMissing bool
}

func sum(e *tool.Env, name string, new func() hash.Hash) int {
	s := &summer{env: e, name: name, new: new}
	f := e.Flags("[OPTION]... [FILE]...")
	on := func(p *bool) func(string) error { return func(string) error { *p = true; return nil } }
	check := f.Bool("c,check", "read checksums from the FILEs and check them")
	binary := f.Bool("b,binary", "read in binary mode")
	f.Call("t,text", "", "read in text mode (default)", func(string) error { *binary = false; return nil })
	tag := f.Bool(",tag", "create a BSD-style checksum")
	zero := f.Bool("z,zero", "end each output line with NUL, not newline")
	f.Call(",quiet", "", "don't print OK for each successfully verified file", on(&s.quiet))
	f.Call(",status", "", "don't output anything, status code shows success", on(&s.status))
	f.Call(",strict", "", "exit non-zero for improperly formatted checksum lines", on(&s.strict))
	f.Call("w,warn", "", "warn about improperly formatted checksum lines", on(&s.warn))
	f.Call(",ignore-missing", "", "don't fail or report status for missing files", on(&s.ignoreMissing))
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if *check {
		e.Each(names, s.check)
		return e.Status()
	}
	e.Each(names, func(name string, r io.Reader) error {
		digest, err := s.sum(r)
		if err != nil {
			return err
		}
		escaped, prefix := escapeName(name)
		if *zero {
			escaped, prefix = name, ""
		}
		mark := " "
		if *binary {
			mark = "*"
		}
		line := prefix + digest + " " + mark + escaped
		if *tag {
			line = prefix + name2tag(s.name, escaped) + digest
		}
		delim := byte('\n')
		if *zero {
			delim = 0
		}
		e.Stdout.Line([]byte(line), delim)
		return nil
	})
	return e.Status()
}

func name2tag(algorithm, name string) string { return algorithm + " (" + name + ") = " }

func escapeName(name string) (escaped, prefix string) {
	escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
	if escaped != name {
		prefix = `\`
	}
	return escaped, prefix
}

func (s *summer) sum(r io.Reader) (string, error) {
	h := s.new()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// check reads a list of digests and compares them with the files.
func (s *summer) check(list string, r io.Reader) error {
	e := s.env
	var good, bad, mismatched, unreadable int
	number := 0
	err := tool.EachLine(r, '\n', func(line []byte, _ bool) bool {
		number++
		if len(line) > 0 && line[0] == '#' {
			return true
		}
		digest, name, ok := s.parse(string(line))
		if !ok {
			bad++
			if s.warn {
				e.Warn("%s: %d: improperly formatted %s checksum line", list, number, s.name)
			}
			return true
		}
		got, err := s.file(name)
		if err != nil {
			if s.ignoreMissing && tool.Reason(err) == "No such file or directory" {
				return true
			}
			good++
			unreadable++
			e.FailPath(name, err)
			if !s.status {
				e.Stdout.Printf("%s: FAILED open or read\n", name)
			}
			return true
		}
		good++
		if got != strings.ToLower(digest) {
			mismatched++
			e.Raise(1)
			if !s.status {
				e.Stdout.Printf("%s: FAILED\n", name)
			}
		} else if !s.quiet && !s.status {
			e.Stdout.Printf("%s: OK\n", name)
		}
		return true
	})
	if err != nil {
		return err
	}
	if good == 0 {
		if s.ignoreMissing && bad == 0 {
			e.Fail("%s: no file was verified", list)
			return nil
		}
		e.Fail("%s: no properly formatted checksum lines found", list)
		return nil
	}
	if bad > 0 && s.strict {
		e.Raise(1)
	}
	if !s.status {
		s.summary(bad, "line is improperly formatted", "lines are improperly formatted")
		s.summary(unreadable, "listed file could not be read", "listed files could not be read")
		s.summary(mismatched, "computed checksum did NOT match", "computed checksums did NOT match")
	}
	return nil
}

func (s *summer) summary(n int, one, many string) {
	switch {
	case n == 1:
		s.env.Warn("WARNING: %d %s", n, one)
	case n > 1:
		s.env.Warn("WARNING: %d %s", n, many)
	}
}

func (s *summer) file(name string) (string, error) {
	r, err := s.env.Open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return s.sum(r)
}

// parse reads a line of either form: digest, two characters, name; or ALGORITHM (name) = digest.
func (s *summer) parse(line string) (digest, name string, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	line, escaped := strings.CutPrefix(strings.TrimLeft(line, " \t"), `\`)
	if rest, tagged := strings.CutPrefix(line, s.name+" ("); tagged {
		i := strings.LastIndex(rest, ") = ")
		if i < 0 {
			return "", "", false
		}
		name, digest = rest[:i], rest[i+4:]
	} else {
		size := 2 * s.new().Size()
		if len(line) < size+3 || line[size] != ' ' || line[size+1] != ' ' && line[size+1] != '*' {
			return "", "", false
		}
		digest, name = line[:size], line[size+2:]
	}
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	raw, err := hex.DecodeString(digest)
	return digest, name, err == nil && len(raw) == s.new().Size()
}
