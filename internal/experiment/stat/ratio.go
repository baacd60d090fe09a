package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	ratioUnits = 8     // units that each arm must be expected to have: below, chi-square is no approximation
	ratioAlpha = 0.001 // as GrowthBook has it: so rare that an alarm means a broken assignment, not bad luck
)

// Ratio says whether units were dealt to arms as planned. Where they were not (a sample-ratio mismatch: an arm loses units, an arm's calls are not
// recorded), the arms hold different kinds of units, and no difference between them means anything.
type Ratio struct {
	Known    bool      `json:"known"` // false: too few units to say
	Expected []float64 `json:"expected"`
	// P is Pearson's chi-square at this look. An hourly look at it over weeks raises more false alarms than 0.001; Broken is therefore about
	// this look only, and holds a verdict back only as long as it lasts.
	P      float64 `json:"p"`
	Broken bool    `json:"broken"`
	// Always is a p-value for all looks together (Lindon and Malek 2022): below 0.001 it is safe to end a test for it.
	Always float64 `json:"always"`
}

// SampleRatio compares the number of units in each arm with the arms' weights, which need not be equal nor add up to anything. An arm
// of weight 0 must have no units.
func SampleRatio(units []int64, weights []float64) Ratio {
	n, total := 0.0, 0.0
	for i := range units {
		n += float64(units[i])
		total += weights[i]
	}
	r := Ratio{Known: len(units) > 1 && total > 0, P: 1, Always: 1, Expected: make([]float64, len(units))}
	stray := false
	chi, arms := 0.0, 0
	for i := range units {
		if weights[i] <= 0 {
			stray = stray || units[i] > 0
			continue
		}
		want := n * weights[i] / total
		r.Expected[i] = want
		r.Known = r.Known && want >= ratioUnits
		if want > 0 {
			chi += (float64(units[i]) - want) * (float64(units[i]) - want) / want
		}
		arms++
	}
	switch {
	case stray:
		r.P, r.Always, r.Broken, r.Known = 0, 0, true, true
	case !r.Known || arms < 2:
		r.Known = false
	default:
		r.P = distuv.ChiSquared{K: float64(arms - 1)}.Survival(chi)
		r.Broken = r.P < ratioAlpha
		r.Always = multinomialP(units, weights, total)
	}
	return r
}

// multinomialP is the inverse of the Bayes factor of "some other split" against the planned one: the Dirichlet-multinomial mixture
// of Lindon and Malek (Anytime-valid inference for multinomial count data, NeurIPS 2022). It is a martingale under the planned
// split, so that it falls below p at any look with chance p at most.
func multinomialP(units []int64, weights []float64, total float64) float64 {
	const strength = 100 // units' worth of belief in the plan: a mismatch to be found is of some percent, not of half
	n, log := 0.0, 0.0
	for i, u := range units {
		if weights[i] <= 0 {
			continue
		}
		w := weights[i] / total
		k := float64(u)
		n += k
		log += gammaln(strength*w+k) - gammaln(strength*w) - k*math.Log(w)
	}
	log += gammaln(strength) - gammaln(strength+n)
	return min(1, math.Exp(-log))
}

func gammaln(x float64) float64 {
	y, _ := math.Lgamma(x)
	return y
}
