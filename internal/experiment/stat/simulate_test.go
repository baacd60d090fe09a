package stat_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"tollgate/internal/experiment/stat"
)

// runs is the share of n simulated tests for which one holds; see shares.
func runs(t *testing.T, n int, seed uint64, one func(rng *rand.Rand) bool) float64 {
	t.Helper()
	return shares(t, n, 1, seed, func(rng *rand.Rand, happened []bool) { happened[0] = one(rng) })[0]
}

// shares is the share of n simulated tests in which each of k things happened. Tests are dealt to 64 streams of random numbers, so that the figures
// are the same on any number of processors. Under the race detector there are fewer runs: the arithmetic is the same.
func shares(t *testing.T, n, k int, seed uint64, one func(rng *rand.Rand, happened []bool)) []float64 {
	t.Helper()
	const streams = 64
	n = scaled(n)
	counts := make([][]int, streams)
	next := make(chan int, streams)
	for s := range streams {
		next <- s
	}
	close(next)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s := range next {
				rng := rand.New(rand.NewPCG(seed, uint64(s)))
				counts[s] = make([]int, k)
				for range n/streams + min(1, max(0, n%streams-s)) {
					happened := make([]bool, k)
					one(rng, happened)
					for i, h := range happened {
						if h {
							counts[s][i]++
						}
					}
				}
			}
		})
	}
	wg.Wait()
	out := make([]float64, k)
	for _, c := range counts {
		for i := range c {
			out[i] += float64(c[i]) / float64(n)
		}
	}
	return out
}

// atMost fails where a measured chance is above its limit. The limit holds for the measured share itself: the methods are conservative enough
// to leave room for chance, which is shown as three standard errors; only where there are fewer runs than planned is the room added.
func atMost(t *testing.T, what string, got, limit float64, n int) {
	t.Helper()
	if scaled(n) < n {
		limit += slack(limit, n)
	}
	t.Logf("%-62s %6.2f %% ± %.2f  (limit %g %%)", what, 100*got, 300*math.Sqrt(got*(1-got)/float64(scaled(n))), 100*limit)
	if got > limit {
		t.Errorf("%s: %.2f %%, want at most %g %%", what, 100*got, 100*limit)
	}
}

// atLeast is for contrasts: a wrong method must be seen to be wrong, or the simulation shows nothing.
func atLeast(t *testing.T, what string, got, limit float64) {
	t.Helper()
	t.Logf("%-62s %6.2f %%  (at least %g %%)", what, 100*got, 100*limit)
	if got < limit {
		t.Errorf("%s: %.2f %%, want at least %g %%", what, 100*got, 100*limit)
	}
}

// table draws from a distribution on 0, 1, 2, … with one random number (Walker 1977, Vose 1991). It is exact but for rounding.
type table struct {
	chance []float64
	other  []int
}

func newTable(p []float64) table {
	n := len(p)
	t := table{chance: make([]float64, n), other: make([]int, n)}
	scaled := make([]float64, n)
	var small, large []int
	for i, x := range p {
		scaled[i] = x * float64(n)
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		t.chance[s], t.other[s] = scaled[s], l
		scaled[l] -= 1 - scaled[s]
		if scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		t.chance[i], t.other[i] = 1, i
	}
	return t
}

func (t table) draw(rng *rand.Rand) int {
	x := rng.Float64() * float64(len(t.chance))
	i := int(x)
	if x-float64(i) < t.chance[i] {
		return i
	}
	return t.other[i]
}

// binomial is the number of successes of n units: the sum of an hour's units, exactly as if each had been drawn by itself.
func binomial(n int, p float64) table {
	return newTable(binomialChances(n, p))
}

func binomialChances(n int, p float64) []float64 {
	out := make([]float64, n+1)
	for k := range out {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		out[k] = math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
	}
	return out
}

// sessions is the number of successes in a session of calls whose own rate is drawn from a normal distribution, cut to 0..1.
func sessions(calls int, mean, sd float64) table {
	const steps = 2000
	p := make([]float64, calls+1)
	total := 0.0
	for i := range steps {
		z := -5 + 10*(float64(i)+0.5)/steps
		w := math.Exp(-z * z / 2)
		total += w
		for k, c := range binomialChances(calls, min(max(mean+sd*z, 1e-9), 1-1e-9)) {
			p[k] += w * c
		}
	}
	for k := range p {
		p[k] /= total
	}
	return newTable(p)
}

// successes are the sums of n units of which k succeeded: what adding them one by one gives.
func successes(k, n int) stat.Sums {
	p := float64(k) / float64(n)
	s := stat.Sums{N: int64(n)}
	s.Mean[0], s.Mean[1] = p, 1
	s.Co[0] = float64(n) * p * (1 - p)
	s.Third[0] = float64(n) * p * (1 - p) * (1 - 2*p)
	return s
}

// batch are the sums of some units' values in two passes: what adding them one by one gives, faster.
func batch(values []float64) stat.Sums {
	s := stat.Sums{N: int64(len(values))}
	s.Mean[1] = 1
	for _, v := range values {
		s.Mean[0] += v
	}
	s.Mean[0] /= float64(len(values))
	for _, v := range values {
		d := v - s.Mean[0]
		s.Co[0] += d * d
		s.Third[0] += d * d * d
	}
	return s
}

// costs are as many lognormal costs as into holds, none above most.
func costs(rng *rand.Rand, into []float64, sigma, most float64) stat.Sums {
	for i := range into {
		into[i] = min(math.Exp(sigma*rng.NormFloat64()), most)
	}
	return batch(into)
}

// hours of a test of seven days.
const hours = 7 * 24
