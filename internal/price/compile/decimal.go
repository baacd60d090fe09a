package compile

import (
	"errors"
	"math/big"
	"strings"

	"tollgate/internal/money"
)

// fit says how a decimal became whole pico-dollars.
type fit uint8

const (
	whole   fit = iota // exactly
	snapped            // the text is float noise around a whole number (3.0000000000000002e-07), which was taken
	raised             // finer than a pico-dollar: rounded up
)

// errDecimal is returned for what is no decimal number, or one beyond any price.
var errDecimal = errors.New("not a price")

// exponents: a price file counts in dollars for one unit, or for a million.
const (
	perUnit    = 12
	perMillion = 6
)

const (
	digitsMax   = 40 // more digits than any price has; bounds the arithmetic
	exponentMax = 40
	noise       = 1_000_000_000 // one part in it may be float noise
)

// pico reads a decimal text (JSON number syntax: "0.000003", "3e-06") of dollars as pico-dollars. It never goes through a
// float. Negative numbers are returned as they are: what they mean is for the format to say.
func pico(text string, scale int) (money.Price, fit, error) {
	mant, exp, err := decimal(text)
	if err != nil {
		return 0, whole, err
	}
	negative := mant.Sign() < 0
	mant.Abs(mant)
	f := whole
	if e := exp + scale; e >= 0 {
		mant.Mul(mant, power(e))
	} else {
		mant, f = divide(mant, power(-e))
	}
	if !mant.IsInt64() {
		return 0, whole, errDecimal
	}
	v := mant.Int64()
	if negative {
		v = -v
	}
	return money.Price(v), f, nil
}

// divide gives n/d whole, snapped where n is within noise of a multiple of d, else raised.
func divide(n, d *big.Int) (*big.Int, fit) {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Sign() == 0 {
		return q, whole
	}
	above := new(big.Int).Sub(d, r)
	up := new(big.Int).Add(q, big.NewInt(1))
	nearest, off := q, r
	if above.Cmp(r) < 0 {
		nearest, off = up, above
	}
	if new(big.Int).Mul(off, big.NewInt(noise)).Cmp(n) <= 0 {
		return nearest, snapped
	}
	return up, raised
}

func power(e int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e)), nil)
}

// decimal splits a text into mantissa and power of ten.
func decimal(text string) (*big.Int, int, error) {
	mantissa, exp := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		var err error
		if exp, err = small(text[i+1:]); err != nil {
			return nil, 0, err
		}
	}
	unsigned := strings.TrimPrefix(mantissa, "-")
	integer, fraction, point := strings.Cut(unsigned, ".")
	digits := integer + fraction
	if integer == "" || (point && fraction == "") || len(digits) > digitsMax || !numeric(digits) {
		return nil, 0, errDecimal
	}
	m, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, 0, errDecimal
	}
	if unsigned != mantissa {
		m.Neg(m)
	}
	return m, exp - len(fraction), nil
}

// small reads a signed exponent.
func small(s string) (int, error) {
	sign := 1
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = -1, rest
	} else if rest, ok := strings.CutPrefix(s, "+"); ok {
		s = rest
	}
	if s == "" || len(s) > 4 || !numeric(s) {
		return 0, errDecimal
	}
	n := 0
	for _, r := range s {
		n = n*10 + int(r-'0')
	}
	if n > exponentMax {
		return 0, errDecimal
	}
	return sign * n, nil
}

func numeric(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
