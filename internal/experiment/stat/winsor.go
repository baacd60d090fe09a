package stat

import "slices"

// CostCap is the share of units whose costs count as they are when arms are compared; the dearest hundredth counts as the next dearest.
const CostCap = 0.99

// Cap is the value at share q of the units' rates, of all arms together: the same for all, so that it favours none. With q of 1 it is the
// largest value, without units 0. PostgreSQL's percentile_disc(q) over the units of all arms gives the same to within one rank.
func Cap(q float64, arms ...[]Unit) float64 {
	var rates []float64
	for _, units := range arms {
		for _, u := range units {
			rates = append(rates, u.rate())
		}
	}
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	return rates[min(int(q*float64(len(rates))), len(rates)-1)]
}

// Capped is the unit with a rate above most brought down to it (winsorised). A few runaway conversations otherwise rule a mean, and where
// arms differ in size they even make false winners of small arms. The dearer arm loses more by it, so a saving comes out too small
// rather than too large. Good for telling arms apart, wrong for a bill: show costs, and reckon savings, from units as they are.
func (u Unit) Capped(most float64) Unit {
	if u.rate() > most {
		u.Value = most * u.vector()[1]
	}
	return u
}

func (u Unit) rate() float64 { return u.Value / u.vector()[1] }
