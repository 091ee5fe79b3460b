package shell

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"

	"dappco.re/go/cloche/userland/internal/dates"
	"dappco.re/go/cloche/userland/internal/tool"
)

// Date prints the time.
func Date(e *tool.Env) int {
	f := e.Flags("[OPTION]... [+FORMAT]")
	utc := f.Bool("u,utc", "print Coordinated Universal Time (UTC)")
	f.Call(",universal", "", "the same as --utc", func(string) error { *utc = true; return nil })
	var given, list, reference *string
	keep := func(to **string) func(string) error {
		return func(v string) error { *to = &v; return nil }
	}
	f.Call("d,date", "STRING", "display time described by STRING, not 'now'", keep(&given))
	f.Call("f,file", "DATEFILE", "like --date; once for each line of DATEFILE", keep(&list))
	f.Call("r,reference", "FILE", "display the last modification time of FILE", keep(&reference))
	format := dates.Default
	iso := map[string]string{"": "%Y-%m-%d", "date": "%Y-%m-%d", "hours": "%Y-%m-%dT%H%:z", "minutes": "%Y-%m-%dT%H:%M%:z",
		"seconds": "%Y-%m-%dT%H:%M:%S%:z", "ns": "%Y-%m-%dT%H:%M:%S,%N%:z"}
	choose := func(formats map[string]string, option string) func(string) error {
		return func(v string) error {
			chosen, ok := formats[v]
			if !ok {
				return tool.Usage("invalid argument " + tool.Quote(v) + " for " + tool.Quote(option))
			}
			format = chosen
			return nil
		}
	}
	f.Call("I,iso-8601", "[FMT]", "output date/time in ISO 8601 format", choose(iso, "--iso-8601"))
	rfc := map[string]string{"date": "%Y-%m-%d", "seconds": "%Y-%m-%d %H:%M:%S%:z", "ns": "%Y-%m-%d %H:%M:%S.%N%:z"}
	f.Call(",rfc-3339", "FMT", "output date/time in RFC 3339 format", choose(rfc, "--rfc-3339"))
	f.Call("R,rfc-email", "", "output date and time in RFC 5322 format", func(string) error { format = "%a, %d %b %Y %H:%M:%S %z"; return nil })
	operands, ok := f.Parse()
	if !ok {
		return f.Code()
	}
	for _, operand := range operands {
		if !strings.HasPrefix(operand, "+") {
			if given == nil && list == nil && reference == nil {
				return e.Fail("cannot set date: Operation not permitted")
			}
			return e.Misused("the argument %s lacks a leading '+';\nwhen using an option to specify date(s), any non-option\nargument must be a format string beginning with '+'", tool.Quote(operand))
		}
		format = operand[1:]
	}
	if len(operands) > 1 {
		return e.Misused("extra operand %s", tool.Quote(operands[1]))
	}
	now := time.Now()
	if *utc {
		now = now.UTC()
	}
	print := func(text string) {
		t, ok := dates.Parse(text, now)
		if !ok {
			e.Fail("invalid date %s", tool.Quote(text))
			return
		}
		e.Stdout.Printf("%s\n", dates.Format(format, t.In(now.Location())))
	}
	switch {
	case list != nil:
		e.Each([]string{*list}, func(_ string, r io.Reader) error {
			return tool.EachLine(r, '\n', func(line []byte, _ bool) bool { print(string(bytes.Clone(line))); return true })
		})
	case reference != nil:
		info, err := os.Stat(*reference)
		if err != nil {
			return e.FailPath(*reference, err)
		}
		e.Stdout.Printf("%s\n", dates.Format(format, info.ModTime().In(now.Location())))
	case given != nil:
		print(*given)
	default:
		e.Stdout.Printf("%s\n", dates.Format(format, now))
	}
	return e.Status()
}
