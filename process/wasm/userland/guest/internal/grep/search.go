package grep

import (
	"bytes"
	"errors"
	"io"

	"dappco.re/go/cloche/userland/internal/tool"
)

// search is the search of one file.
type search struct {
	*grep
	name   string
	lines  *tool.Lines
	number int   // of the line at hand
	offset int64 // of the line at hand

	held       []held // lines before the one at hand that may become context
	pending    int    // lines of context still to print
	lastNumber int    // of the last line printed
	isBinary   bool
}

type held struct {
	line   []byte
	number int
	offset int64
}

// run searches the file and returns the number of lines selected.
func (s *search) run() (int, error) {
	selected := 0
	if s.most == 0 {
		return 0, nil
	}
	s.isBinary = s.looksBinary(s.lines.Ahead())
	quietly := s.quiet || s.names || s.namesWithout
	silent := quietly || s.count
	for {
		line, ended, err := s.lines.Next()
		if errors.Is(err, io.EOF) || s.out.Broken() {
			return selected, nil
		}
		if err != nil {
			return selected, err
		}
		s.number++
		s.isBinary = s.isBinary || s.looksBinary(line)
		if s.isBinary && s.binary == "without-match" {
			return 0, nil
		}
		if s.selects(line) {
			selected++
			switch {
			case quietly:
				return selected, nil
			case silent:
			case s.isBinary:
				s.env.Warn("%s: binary file matches", s.name)
				return selected, nil
			default:
				s.matched(line)
			}
			if selected >= s.most {
				if !silent {
					return selected, s.trail()
				}
				return selected, nil
			}
		} else if !silent && !s.isBinary {
			s.unmatched(line)
		}
		s.offset += int64(len(line))
		if ended {
			s.offset++
		}
	}
}

func (s *search) looksBinary(data []byte) bool {
	return s.binary != "text" && s.delim != 0 && bytes.IndexByte(data, 0) >= 0
}

func (s *search) selects(line []byte) bool {
	return (!s.never && s.pattern.Match(line)) != s.invert
}

func (s *search) matched(line []byte) {
	first := s.number
	if len(s.held) > 0 {
		first = s.held[0].number
	}
	if (s.before >= 0 || s.after >= 0) && s.lastNumber > 0 && first > s.lastNumber+1 || s.newFile() {
		s.out.WriteString("--\n")
	}
	for _, h := range s.held {
		s.line('-', h.line, h.number, h.offset)
	}
	s.held = s.held[:0]
	if s.only {
		s.parts(line)
	} else {
		s.line(':', line, s.number, s.offset)
	}
	s.pending = max(s.after, 0)
	s.lastNumber = s.number
	s.printed = true
}

// newFile tells whether the group of lines that begins now follows one of another file.
func (s *search) newFile() bool {
	return (s.before > 0 || s.after > 0) && s.lastNumber == 0 && s.printed
}

func (s *search) unmatched(line []byte) {
	if s.pending > 0 {
		s.pending--
		s.line('-', line, s.number, s.offset)
		s.lastNumber = s.number
		return
	}
	if s.before > 0 {
		if len(s.held) == s.before {
			s.held = append(s.held[:0], s.held[1:]...)
		}
		s.held = append(s.held, held{bytes.Clone(line), s.number, s.offset})
	}
}

// trail prints the context behind the last line that -m allows.
func (s *search) trail() error {
	for s.pending > 0 {
		line, _, err := s.lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.number++
		s.unmatched(line)
	}
	return nil
}

func (s *search) prefix(mark byte, number int, offset int64) {
	if s.withName {
		s.out.WriteString(s.name)
		s.out.WriteByte(s.endOfName(mark))
	}
	if s.numbers {
		s.out.Printf("%d%c", number, mark)
	}
	if s.offsets {
		s.out.Printf("%d%c", offset, mark)
	}
	if s.initialTab && (s.withName || s.numbers || s.offsets) {
		s.out.WriteByte('\t')
	}
}

func (s *search) line(mark byte, line []byte, number int, offset int64) {
	if s.only && mark == '-' {
		return
	}
	s.prefix(mark, number, offset)
	s.out.Line(line, s.delim)
}

func (s *search) parts(line []byte) {
	if s.invert {
		return
	}
	for _, match := range s.pattern.FindAll(line, -1) {
		if match[0] < match[1] {
			s.prefix(':', s.number, s.offset+int64(match[0]))
			s.out.Line(line[match[0]:match[1]], s.delim)
		}
	}
}
