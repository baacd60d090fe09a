package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Spread is a figure with the interval in which it lies with 95 % chance. For display: it holds at one look and decides nothing.
type Spread struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// The bootstrap's cost is bounded: Redraws times bucket entries of all units, but no more than workMost additions.
const (
	redraws  = 200
	workMost = 20_000_000
)

// Quantiles are quantiles of calls' times with intervals from redrawing units, not calls: calls of one unit resemble each other. Each unit is the
// histogram of its calls. Redrawing with replacement is done by giving each unit a Poisson(1) weight (Chamandy et al. 2012), which
// needs one pass and no copy. Above about 100,000 bucket entries there are fewer redraws, at the least 40. The same rng
// state gives the same answer if units come in the same order.
func Quantiles(units []Histogram, qs []float64, rng *rand.Rand) []Spread {
	flat, entries := flatten(units)
	var all [Buckets]float64
	for _, u := range flat {
		for _, e := range u {
			all[e.bucket] += e.n
		}
	}
	draws := redraws
	if entries > 0 {
		draws = max(40, min(redraws, workMost/entries))
	}
	out := make([]Spread, len(qs))
	drawn := make([][]float64, len(qs))
	for range draws {
		var sum [Buckets]float64
		for _, u := range flat {
			w := poisson1(rng)
			if w == 0 {
				continue
			}
			for _, e := range u {
				sum[e.bucket] += w * e.n
			}
		}
		for i, q := range qs {
			drawn[i] = append(drawn[i], quantile(&sum, q))
		}
	}
	for i, q := range qs {
		slices.Sort(drawn[i])
		out[i] = Spread{Value: quantile(&all, q), Low: rank(drawn[i], 0.025), High: rank(drawn[i], 0.975)}
	}
	return out
}

// entry is a bucket of one unit.
type entry struct {
	bucket int
	n      float64
}

// flatten lays units out in order: walking a map is slow, and in another order each time.
func flatten(units []Histogram) (flat [][]entry, entries int) {
	flat = make([][]entry, len(units))
	for i, u := range units {
		for b, n := range u {
			flat[i] = append(flat[i], entry{clamp(b), float64(n)})
		}
		slices.SortFunc(flat[i], func(a, b entry) int { return a.bucket - b.bucket })
		entries += len(flat[i])
	}
	return flat, entries
}

// poisson1 draws from Poisson(1) by inversion.
func poisson1(rng *rand.Rand) float64 {
	u := rng.Float64()
	p := math.Exp(-1)
	k := 0.0
	for u >= p && k < 20 {
		u -= p
		k++
		p /= k
	}
	return k
}

// rank is the value at share q of sorted values.
func rank(sorted []float64, q float64) float64 {
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}
