package ui

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// CountText is a count in a table, in full: 1,902,114.
func CountText(n int64) string {
	neg, u := magnitude(n)
	if neg {
		return minus + thousands(u)
	}
	return thousands(u)
}

// CountShort is a count in a card: in full below 10,000, then three digits with K, M or G: 4.18 M.
func CountShort(n int64) string {
	neg, u := magnitude(n)
	sign := ""
	if neg {
		sign = minus
	}
	if u < 10_000 {
		return sign + thousands(u)
	}
	unit, name := uint64(1000), " K"
	for _, next := range []string{" M", " G"} {
		if roundTo3(u, unit) < 1000*unit {
			break
		}
		unit, name = unit*1000, next
	}
	r := roundTo3(u, unit)
	whole, frac := r/unit, r%unit
	if whole >= 1000 {
		return sign + thousands(whole) + name
	}
	digits := 3 - len(strconv.FormatUint(whole, 10))
	if digits <= 0 {
		return sign + strconv.FormatUint(whole, 10) + name
	}
	return sign + strconv.FormatUint(whole, 10) + "." + pad(frac/(unit/pow10(digits)), digits) + name
}

// roundTo3 rounds u to three significant digits, but never finer than a thousandth of unit.
func roundTo3(u, unit uint64) uint64 {
	if u >= 1000*unit {
		return roundDiv(u, unit) * unit
	}
	return significant(u, 3)
}

// Plural is a count with its word: 1 call, 2 calls.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return CountText(n) + " " + many
}

// SpanText is a time span: milliseconds below a second, seconds with two decimals below a minute, then
// minutes, hours and days. Below ten milliseconds the digits that matter are kept: 0.43 ms, 3.1 ms.
func SpanText(d time.Duration) string {
	switch {
	case d < 0:
		return Nothing
	case d == 0:
		return "0 ms"
	case roundDuration(d, 10*time.Microsecond) < time.Millisecond:
		hundredths := roundDuration(d, 10*time.Microsecond) / (10 * time.Microsecond)
		if hundredths == 0 {
			return "<0.01 ms"
		}
		return "0." + pad(uint64(hundredths), 2) + " ms"
	case roundDuration(d, 100*time.Microsecond) < 10*time.Millisecond:
		tenths := uint64(roundDuration(d, 100*time.Microsecond) / (100 * time.Microsecond))
		if tenths%10 == 0 {
			return strconv.FormatUint(tenths/10, 10) + " ms"
		}
		return strconv.FormatUint(tenths/10, 10) + "." + strconv.FormatUint(tenths%10, 10) + " ms"
	case roundDuration(d, time.Millisecond) < time.Second:
		return strconv.FormatInt(int64(roundDuration(d, time.Millisecond)/time.Millisecond), 10) + " ms"
	case roundDuration(d, 10*time.Millisecond) < time.Minute:
		hundredths := uint64(roundDuration(d, 10*time.Millisecond) / (10 * time.Millisecond))
		return strconv.FormatUint(hundredths/100, 10) + "." + pad(hundredths%100, 2) + " s"
	case roundDuration(d, time.Minute) < time.Hour:
		return strconv.FormatInt(int64(roundDuration(d, time.Minute)/time.Minute), 10) + " min"
	case d < 48*time.Hour:
		minutes := int64(roundDuration(d, time.Minute) / time.Minute)
		if minutes%60 == 0 {
			return strconv.FormatInt(minutes/60, 10) + " h"
		}
		return strconv.FormatInt(minutes/60, 10) + " h " + strconv.FormatInt(minutes%60, 10) + " min"
	default:
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + " days"
	}
}

func roundDuration(d, unit time.Duration) time.Duration { return (d + unit/2) / unit * unit }

// ShareText is part of whole in percent with one decimal: 37.8%. Nothing of nothing is –; what is there but
// would round to zero is <0.1%, and what is not all but would round to all is >99.9%.
func ShareText(part, whole int64) string {
	if whole <= 0 || part < 0 {
		return Nothing
	}
	tenths := perParts(part, whole, 1000)
	switch {
	case part == 0:
		return "0%"
	case tenths == 0:
		return "<0.1%"
	case part == whole:
		return "100%"
	case tenths == 1000 && part < whole:
		return ">99.9%"
	}
	return CountText(int64(tenths/10)) + "." + strconv.FormatUint(tenths%10, 10) + "%"
}

// RateText is Share for what is rare: two decimals below one percent, 0.31%.
func RateText(part, whole int64) string {
	if whole <= 0 || part <= 0 {
		return ShareText(part, whole)
	}
	if h := perParts(part, whole, 10_000); h > 0 && h < 100 {
		return "0." + pad(h, 2) + "%"
	}
	return ShareText(part, whole)
}

// perParts is part × scale / whole, rounded half up, saturating; part ≥ 0, whole > 0.
func perParts(part, whole int64, scale uint64) uint64 {
	hi, lo := bits.Mul64(uint64(part), scale)
	if hi >= uint64(whole) {
		return 1<<63 - 1
	}
	q, r := bits.Div64(hi, lo, uint64(whole))
	if r >= uint64(whole)-uint64(whole)/2 {
		q++
	}
	return q
}

// Percent is part of whole as an SVG length with two decimals, clamped to 0–100: "37.82%".
func Percent(part, whole int64) string {
	if whole <= 0 || part <= 0 {
		return "0%"
	}
	h := perParts(part, whole, 10_000)
	if h >= 10_000 {
		return "100%"
	}
	return hundredths(int64(h)) + "%"
}

// hundredths writes v/100 without needless zeros: 3782 is "37.82", 500 is "5".
func hundredths(v int64) string {
	neg, u := magnitude(v)
	s := strconv.FormatUint(u/100, 10)
	if u%100 != 0 {
		s += "." + strings.TrimRight(pad(u%100, 2), "0")
	}
	if neg {
		return "-" + s
	}
	return s
}
