package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNothingThatAGuestWroteSpeaksToATerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\tline\n":       "plain\tline\n",
		"naïve, 世界":           "naïve, 世界",
		"\x1b]0;title\a":      `\x1b]0;title\x07`,
		"over\rwritten\b":     `over\x0dwritten\x08`,
		"\x9b2J \xff":         `\x9b2J \xff`,
		"\u009b2J":            `\u009b2J`, // the same in one character
		"abc\u202egpj.exe":    `abc\u202egpj.exe`,
		"\ufffd stands alone": "\ufffd stands alone",
	} {
		assert.Equal(t, want, string(harmless([]byte(text))))
	}
}
