package digest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"

	"dappco.re/go/cloche/userland/internal/tool"
)

// Base64 encodes or decodes data.
func Base64(e *tool.Env) int {
	f := e.Flags("[OPTION]... [FILE]")
	decode := f.Bool("d,decode", "decode data")
	garbage := f.Bool("i,ignore-garbage", "when decoding, ignore non-alphabet characters")
	width := 76
	f.Call("w,wrap", "COLS", "wrap encoded lines after COLS character; 0 does not wrap", func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("invalid wrap size: %s", tool.Quote(v))
		}
		width = n
		return nil
	})
	names, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	if len(names) > 1 {
		return e.Misused("extra operand %s", tool.Quote(names[1]))
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	r, err := e.Open(names[0])
	if err != nil {
		if tool.Reason(err) == "Is a directory" {
			return e.Fail("read error: %s", tool.Reason(err))
		}
		return e.FailPath(names[0], err)
	}
	defer r.Close()
	if *decode {
		err = decodeBase64(e.Stdout, r, *garbage)
	} else {
		err = encodeBase64(e.Stdout, r, width)
	}
	switch {
	case errors.Is(err, errInvalidInput):
		return e.Fail("invalid input")
	case err != nil:
		return e.Fail("read error: %s", tool.Reason(err))
	}
	return e.Status()
}

var errInvalidInput = errors.New("invalid input")

func encodeBase64(out *tool.Output, r io.Reader, width int) error {
	w := &wrapper{out: out, width: width}
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := io.Copy(encoder, r); err != nil && !out.Broken() {
		return err
	}
	encoder.Close()
	if w.column > 0 && width > 0 {
		out.WriteByte('\n')
	}
	return nil
}

// wrapper breaks what it is given into lines.
type wrapper struct {
	out           *tool.Output
	width, column int
}

func (w *wrapper) Write(data []byte) (int, error) {
	total := len(data)
	for w.width > 0 && len(data) >= w.width-w.column {
		w.out.Line(data[:w.width-w.column], '\n')
		data = data[w.width-w.column:]
		w.column = 0
	}
	w.column += len(data)
	_, err := w.out.Write(data)
	return total, err
}

// decodeBase64 decodes group by group: what is right before a mistake is printed, and padding may be followed by more data.
func decodeBase64(out *tool.Output, r io.Reader, ignoreGarbage bool) error {
	var group [4]byte
	var decoded [3]byte
	n := 0
	buf := make([]byte, 64<<10)
	flush := func() bool {
		size, err := base64.StdEncoding.Decode(decoded[:], group[:])
		out.Write(decoded[:size])
		n = 0
		return err == nil
	}
	for {
		size, err := r.Read(buf)
		for _, c := range buf[:size] {
			inAlphabet := c == '+' || c == '/' || c == '=' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
			if c == '\n' || ignoreGarbage && !inAlphabet {
				continue
			}
			group[n] = c
			if n++; n == 4 && !flush() {
				return errInvalidInput
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if n > 0 {
		size, _ := base64.RawStdEncoding.Decode(decoded[:], group[:n])
		out.Write(decoded[:size])
		return errInvalidInput
	}
	return nil
}
