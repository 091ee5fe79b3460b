package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// onScreen is w itself unless it is a terminal, to which what a guest wrote must
// not speak: there, characters that control it are shown as what they are. Parts
// of characters are, too, so each Write should hold whole ones.
func onScreen(w io.Writer) io.Writer {
	if isTerminal(w) {
		return screen{w}
	}
	return w
}

type screen struct{ terminal io.Writer }

func (s screen) Write(p []byte) (int, error) {
	if _, err := s.terminal.Write(harmless(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func harmless(text []byte) []byte {
	safe := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\n', r == '\t', unicode.IsPrint(r) && (r != utf8.RuneError || n > 1):
			safe = append(safe, text[:n]...)
		case n == 1:
			safe = fmt.Appendf(safe, `\x%02x`, text[0])
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
		text = text[n:]
	}
	return safe
}
