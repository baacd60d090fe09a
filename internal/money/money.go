// Package money holds the two integer units of the product: prices in pico-dollars per unit and costs in
// nano-dollars. There is no float anywhere on a money path.
//
// Overflow: 10^9 units at 10^9 pico-dollars ($1 a thousand tokens) is 10^18 < 2^63, so a class of one call fits;
// Sum saturates instead of wrapping where inputs are beyond that.
package money

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Price is pico-dollars (1e-12 USD) per unit, the same as micro-dollars per million units:
// $0.0375 per million tokens is 37_500.
type Price int64

// NanoUSD is a cost in nano-dollars (1e-9 USD). The zero value is nothing spent.
type NanoUSD int64

// Sum is a call's cost in pico-dollars over its disjoint classes; NanoUSD rounds it up, once per call.
// The zero value is an empty sum. It never wraps: past the range it stays at the largest value.
type Sum struct{ pico uint64 }

// Add adds units × price. Negative units or prices add nothing: both are refused where they enter.
func (s *Sum) Add(units int64, p Price) {
	if units <= 0 || p <= 0 {
		return
	}
	hi, lo := bits.Mul64(uint64(units), uint64(p))
	sum, carry := bits.Add64(s.pico, lo, 0)
	if hi != 0 || carry != 0 {
		sum = math.MaxUint64
	}
	s.pico = sum
}

// NanoUSD rounds the sum up to whole nano-dollars.
func (s Sum) NanoUSD() NanoUSD {
	n := s.pico / 1000
	if s.pico%1000 != 0 {
		n++
	}
	return NanoUSD(min(n, math.MaxInt64))
}

// USD is the exact decimal form in dollars, nine decimals at most, at least two: "0.000195", "12.50".
func (n NanoUSD) USD() string { return decimal(int64(n), 9) }

// PerMillion is the exact decimal price in dollars for a million units: "0.0375".
func (p Price) PerMillion() string { return decimal(int64(p), 6) }

// ErrFormat is returned by the parsers for what is no decimal amount.
var ErrFormat = errors.New("not a decimal amount")

// ParseUSD reads a plain decimal dollar amount exactly; more than nine decimals is ErrFormat.
func ParseUSD(s string) (NanoUSD, error) {
	v, err := parse(s, 9)
	return NanoUSD(v), err
}

// ParsePerMillion reads a dollar price for a million units exactly; more than six decimals is ErrFormat.
func ParsePerMillion(s string) (Price, error) {
	v, err := parse(s, 6)
	return Price(v), err
}

func decimal(v int64, places int) string {
	sign := ""
	u := uint64(v)
	if v < 0 {
		sign, u = "-", -u
	}
	digits := strconv.FormatUint(u, 10)
	if len(digits) <= places {
		digits = strings.Repeat("0", places+1-len(digits)) + digits
	}
	whole, frac := digits[:len(digits)-places], digits[len(digits)-places:]
	frac = strings.TrimRight(frac, "0")
	for len(frac) < 2 {
		frac += "0"
	}
	return sign + whole + "." + frac
}

func parse(s string, places int) (int64, error) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || (dot && frac == "") || len(frac) > places {
		return 0, ErrFormat
	}
	digits := whole + frac + strings.Repeat("0", places-len(frac))
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, ErrFormat
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, ErrFormat
	}
	if neg {
		v = -v
	}
	return v, nil
}
