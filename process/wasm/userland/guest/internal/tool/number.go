package tool

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Count reads a number with an optional multiplier: b is 512; K, M, G, T, P and E are powers of 1024, of 1000 with a B behind
// them (kB), and KiB is K. What is too large becomes the largest number.
func Count(text string) (int64, error) {
	digits := countDigits(text)
	if digits == 0 {
		return 0, fmt.Errorf("not a number: %s", Quote(text))
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	suffix := text[digits:]
	factor := int64(1)
	switch {
	case suffix == "":
		return n, nil
	case suffix == "b":
		factor = 512
	default:
		power := strings.IndexByte("KMGTPE", suffix[0]&^0x20) + 1
		base := int64(1024)
		switch suffix[1:] {
		case "", "iB":
		case "B":
			base = 1000
		default:
			power = 0
		}
		if power == 0 {
			return 0, fmt.Errorf("unknown suffix: %s", Quote(text))
		}
		for range power {
			factor *= base
		}
	}
	if n > math.MaxInt64/factor {
		return math.MaxInt64, nil
	}
	return n * factor, nil
}

// Human writes a size with at most three digits and a letter, rounded up, as ls -h does. The base is 1024 or 1000.
func Human(size int64, base float64) string {
	if float64(size) < base {
		return strconv.FormatInt(size, 10)
	}
	letters := "KMGTPE"
	if base == 1000 {
		letters = "kMGTPE"
	}
	value := float64(size)
	power := -1
	for value >= base && power < len(letters)-1 {
		value /= base
		power++
	}
	if rounded := math.Ceil(value*10) / 10; rounded < 10 {
		return fmt.Sprintf("%.1f%c", rounded, letters[power])
	}
	whole := math.Ceil(value)
	if whole >= base && power < len(letters)-1 {
		return fmt.Sprintf("1.0%c", letters[power+1])
	}
	return fmt.Sprintf("%.0f%c", whole, letters[power])
}
