package ui

import (
	"strconv"
	"strings"

	"tollgate/internal/money"
)

// Nothing stands where there is no value; zero is 0.
const Nothing = "–"

const (
	nanoPerUSD = 1_000_000_000
	minus      = "−" // U+2212, as wide as a plus
)

// MoneyText is the form of a spend figure: two decimals with thousands from $1, four significant digits
// below; an amount that is shorter than that is written in full: $14,498.70, $0.008622, $0.50, $0.
func MoneyText(n money.NanoUSD) string {
	neg, u := magnitude(int64(n))
	if u == 0 {
		return "$0"
	}
	s := "$"
	if neg {
		s = minus + s
	}
	if u < nanoPerUSD {
		if r := significant(u, 4); r < nanoPerUSD {
			return s + decimal(r, 9)
		}
	}
	cents := roundDiv(u, nanoPerUSD/100)
	return s + thousands(cents/100) + "." + pad(cents%100, 2)
}

// MoneyCall is the form in a column of single calls: always six decimals, so that digits align. What is
// more than nothing and less than half of the last digit is shown as less than it, never as zero.
func MoneyCall(n money.NanoUSD) string {
	neg, u := magnitude(int64(n))
	if u == 0 {
		return "$0"
	}
	micros := roundDiv(u, 1000)
	if micros == 0 {
		return "<$0.000001"
	}
	s := "$" + thousands(micros/1_000_000) + "." + pad(micros%1_000_000, 6)
	if neg {
		return minus + s
	}
	return s
}

// MoneyExact is every digit there is, at least two decimals: $0.000195123.
func MoneyExact(n money.NanoUSD) string {
	neg, u := magnitude(int64(n))
	s := "$" + thousands(u/nanoPerUSD) + fraction(u%nanoPerUSD, 9)
	if neg {
		return minus + s
	}
	return s
}

// DollarsText is the form of limits and forecasts: whole dollars, $24,000.
func DollarsText(n money.NanoUSD) string {
	neg, u := magnitude(int64(n))
	s := "$" + thousands(roundDiv(u, nanoPerUSD))
	if neg {
		return minus + s
	}
	return s
}

// MoneyChange is MoneyText with its sign, for differences: +$412.80, −$61.07, $0.
func MoneyChange(n money.NanoUSD) string {
	if n > 0 {
		return "+" + MoneyText(n)
	}
	return MoneyText(n)
}

// PriceText is a list price: dollars for a million units, exact, at least two decimals: $3.00, $0.075.
func PriceText(p money.Price) string {
	neg, u := magnitude(int64(p))
	s := "$" + thousands(u/1_000_000) + fraction(u%1_000_000, 6)
	if neg {
		return minus + s
	}
	return s
}

// decimal writes u / 10^places for u below one, at least two decimals, without needless zeros.
func decimal(u uint64, places int) string { return "0" + fraction(u, places) }

// fraction is the part behind the point, with it: at least two digits.
func fraction(u uint64, places int) string {
	digits := strings.TrimRight(pad(u, places), "0")
	for len(digits) < 2 {
		digits += "0"
	}
	return "." + digits
}

// significant rounds u half up to so many significant digits.
func significant(u uint64, digits int) uint64 {
	unit := uint64(1)
	for r := u; r >= pow10(digits); r /= 10 {
		unit *= 10
	}
	return roundDiv(u, unit) * unit
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// roundDiv is u / by, rounded half up, without wrapping.
func roundDiv(u, by uint64) uint64 {
	q, r := u/by, u%by
	if r >= by-by/2 {
		q++
	}
	return q
}

func magnitude(v int64) (negative bool, u uint64) {
	if v < 0 {
		return true, -uint64(v)
	}
	return false, uint64(v)
}

func pad(u uint64, width int) string {
	s := strconv.FormatUint(u, 10)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}

// thousands writes u with commas: 1,902,114.
func thousands(u uint64) string {
	s := strconv.FormatUint(u, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
