package dates

import (
	"strconv"
	"strings"
	"time"
)

// Parse reads the dates people give to date -d and touch -d: @SECONDS, ISO 8601 with or without a time and a zone, `Nov 23 2026`,
// `23 Nov 2026`, `12:30`, now, today, yesterday, tomorrow, and offsets such as `+2 days`, `3 weeks ago`, `next month`. What is not
// given comes from now.
func Parse(text string, now time.Time) (time.Time, bool) {
	if seconds, ok := strings.CutPrefix(strings.TrimSpace(text), "@"); ok {
		return epoch(seconds, now.Location())
	}
	p := &dateParser{t: now, zone: now.Location()}
	words := strings.Fields(strings.ReplaceAll(strings.ToLower(text), ",", " "))
	if len(words) == 0 {
		p.midnight()
	}
	for len(words) > 0 {
		n := p.word(words)
		if n == 0 {
			return now, false
		}
		words = words[n:]
	}
	return p.result(), true
}

func epoch(text string, zone *time.Location) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, false
	}
	nanoseconds, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if strings.HasPrefix(whole, "-") {
		nanoseconds = -nanoseconds
	}
	return time.Unix(seconds, nanoseconds).In(zone), true
}

type dateParser struct {
	t        time.Time
	zone     *time.Location
	clockSet bool
	dateSet  bool
	years    int
	months   int
	days     int
	duration time.Duration
}

func (p *dateParser) midnight() { p.clock(0, 0, 0, 0) }

func (p *dateParser) clock(h, m, s, ns int) {
	p.t = time.Date(p.t.Year(), p.t.Month(), p.t.Day(), h, m, s, ns, p.t.Location())
	p.clockSet = true
}

func (p *dateParser) date(year int, month time.Month, day int) bool {
	p.t = time.Date(year, month, day, p.t.Hour(), p.t.Minute(), p.t.Second(), p.t.Nanosecond(), p.t.Location())
	p.dateSet = true
	return p.t.Day() == day && p.t.Month() == month
}

func (p *dateParser) result() time.Time {
	if p.dateSet && !p.clockSet {
		p.midnight()
	}
	t := p.t
	t = time.Date(t.Year()+p.years, t.Month()+time.Month(p.months), t.Day()+p.days, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), p.zone)
	return t.Add(p.duration)
}

// word takes one or more words in and returns how many, or 0 when it cannot.
func (p *dateParser) word(words []string) int {
	word := words[0]
	switch word {
	case "now", "today", "at":
		return 1
	case "yesterday":
		p.days--
		return 1
	case "tomorrow":
		p.days++
		return 1
	case "z", "utc", "gmt":
		p.zone = time.UTC
		return 1
	}
	if n := p.relative(words); n > 0 {
		return n
	}
	if n := p.monthName(words); n > 0 {
		return n
	}
	return p.numbers(word)
}

// relative reads `+2 days`, `2 days ago`, `next week`, `last month`.
func (p *dateParser) relative(words []string) int {
	amount, taken := 0, 1
	switch words[0] {
	case "next":
		amount = 1
	case "last":
		amount = -1
	default:
		digits := strings.TrimLeft(words[0], "+-")
		number := strings.TrimRight(words[0], "abcdefghijklmnopqrstuvwxyz")
		n, err := strconv.Atoi(number)
		if err != nil || digits == "" || len(words[0])-len(digits) > 1 {
			return p.unit(words, 1, 0)
		}
		if unit := words[0][len(number):]; unit != "" {
			return p.unit(append([]string{unit}, words[1:]...), n, 0)
		}
		amount = n
	}
	if len(words) < 2 {
		return 0
	}
	return p.unit(words[1:], amount, taken)
}

func (p *dateParser) unit(words []string, amount, taken int) int {
	unit := strings.TrimSuffix(words[0], "s")
	taken++
	if len(words) > 1 && words[1] == "ago" {
		amount = -amount
		taken++
	}
	switch unit {
	case "year":
		p.years += amount
	case "month":
		p.months += amount
	case "fortnight":
		p.days += 14 * amount
	case "week":
		p.days += 7 * amount
	case "day":
		p.days += amount
	case "hour":
		p.duration += time.Duration(amount) * time.Hour
	case "minute", "min":
		p.duration += time.Duration(amount) * time.Minute
	case "second", "sec":
		p.duration += time.Duration(amount) * time.Second
	default:
		return 0
	}
	return taken
}

// monthName reads `nov 23 [2026]` and `23 nov [2026]`; a name of a weekday before it means nothing more.
func (p *dateParser) monthName(words []string) int {
	if len(words[0]) >= 3 && strings.Contains("sunmontuewedthufrisat", words[0][:3]) && len(words) > 1 && monthOf(words[0]) == 0 {
		return 1
	}
	if len(words) < 2 {
		return 0
	}
	month, day := monthOf(words[0]), words[1]
	if month == 0 {
		month, day = monthOf(words[1]), words[0]
	}
	n, err := strconv.Atoi(day)
	if month == 0 || err != nil {
		return 0
	}
	taken, year := 2, p.t.Year()
	for i, word := range words[2:] {
		// The year may follow later, as in what date itself prints: Nov 23 22:53:52 UTC 2026. It is then read once more in its turn.
		if y, err := strconv.Atoi(word); err == nil && len(word) == 4 && word[0] != '+' && word[0] != '-' {
			year = y
			if i == 0 {
				taken = 3
			}
		}
	}
	if !p.date(year, month, n) {
		return 0
	}
	return taken
}

func monthOf(word string) time.Month {
	if len(word) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", word[:3])
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

var layouts = []struct {
	layout     string
	date, time bool
}{
	{"2006-01-02t15:04:05.999999999z07:00", true, true},
	{"2006-01-02t15:04:05.999999999-0700", true, true},
	{"2006-01-02t15:04:05.999999999", true, true},
	{"2006-01-02t15:04z07:00", true, true},
	{"2006-01-02t15:04", true, true},
	{"2006-01-02t15", true, true},
	{"2006-01-02", true, false},
	{"2006/01/02", true, false},
	{"2006/1/2", true, false},
	{"01/02/2006", true, false},
	{"1/2/2006", true, false},
	{"20060102", true, false},
	{"15:04:05.999999999z07:00", false, true},
	{"15:04:05.999999999", false, true},
	{"15:04z07:00", false, true},
	{"15:04", false, true},
	{"3pm", false, true},
	{"3:04pm", false, true},
	{"-0700", false, false},
	{"-07:00", false, false},
	{"2006", false, false},
}

func (p *dateParser) numbers(word string) int {
	for _, l := range layouts {
		t, err := time.Parse(strings.ToUpper(strings.ReplaceAll(l.layout, "pm", "PM")), strings.ToUpper(word))
		if err != nil {
			continue
		}
		if strings.Contains(l.layout, "07") {
			_, offset := t.Zone()
			p.local(time.FixedZone("", offset))
		}
		if l.date {
			p.date(t.Year(), t.Month(), t.Day())
		}
		if l.time {
			p.clock(t.Hour(), t.Minute(), t.Second(), t.Nanosecond())
		}
		if l.layout == "2006" && !p.dateSet {
			return 0
		}
		return 1
	}
	return 0
}

// local says that the time is given in a zone of its own; it is shown in the one asked for.
func (p *dateParser) local(zone *time.Location) { p.zone = zone }
