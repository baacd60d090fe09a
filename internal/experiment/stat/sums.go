package stat

import "math"

// Covariates is the number of pre-treatment measurements of a unit.
const Covariates = 3

// dims are value, weight and the covariates; terms is the size of the upper triangle of their co-moments.
const (
	dims  = 2 + Covariates
	terms = dims * (dims + 1) / 2
)

// Unit is one unit's contribution to a metric.
//
// A mean over units (cost per conversation) leaves Weight zero, which counts as 1. A ratio (time per call, score per scored call) gives the
// unit's total as Value and its count as Weight; the metric is then the sum of values over the sum of weights, and its error follows
// from the units by the delta method. A unit without anything to count (no scored call) is left out.
type Unit struct {
	Value  float64
	Weight float64
	X      [Covariates]float64 // known before the arm could matter, see Covariate; zero: not used
}

// Covariate is what a unit's X holds by convention: the logarithm of the request's size, and the hour of the day (0 to 24) as a point on
// a circle, both of the unit's first call. They are known before an arm can have an effect: that is what keeps the adjustment unbiased.
func Covariate(requestBytes int64, hour float64) [Covariates]float64 {
	angle := 2 * math.Pi * hour / 24
	return [Covariates]float64{math.Log1p(float64(max(requestBytes, 0))), math.Sin(angle), math.Cos(angle)}
}

// Sums are the moments of the units of one arm: number, means, and sums of products of deviations from the means. The zero value is no
// units. Its size does not depend on the number of units, and it travels as JSON.
type Sums struct {
	N    int64          `json:"n"`
	Mean [dims]float64  `json:"mean"` // of value, weight, covariates
	Co   [terms]float64 `json:"co"`   // upper triangle by rows, of the same
	// Third are the sums of third powers of deviations: value³, value²·weight, value·weight², weight³. They tell how lopsided costs are.
	Third [4]float64 `json:"third"`
}

// Of is the sums of units.
func Of(units []Unit) Sums {
	var s Sums
	for _, u := range units {
		s.Add(u)
	}
	return s
}

// Add counts one unit (Welford 1962). A unit with a value that is not a number, or infinite, is ignored: one broken row must not blank a
// whole experiment.
func (s *Sums) Add(u Unit) {
	v := u.vector()
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return
		}
	}
	last := dims // dimensions from here on are at their mean, where they add nothing: mostly the weight and unused covariates
	for last > 1 && v[last-1] == s.Mean[last-1] {
		last--
	}
	s.Third = add4(s.third(v[0], v[1], 1), one(v, s.Mean, float64(s.N)))
	s.N++
	n := float64(s.N)
	var before [dims]float64
	for i := range last {
		before[i] = v[i] - s.Mean[i]
		s.Mean[i] += before[i] / n
	}
	for i := range last {
		for j := i; j < last; j++ {
			s.Co[at(i, j)] += before[i] * (v[j] - s.Mean[j])
		}
	}
}

// one is what a unit v brings to Third about its common mean with n others.
func one(v, mean [dims]float64, n float64) [4]float64 {
	share := n / (n + 1)
	a, b := share*(v[0]-mean[0]), share*(v[1]-mean[1])
	return [4]float64{a * a * a, a * a * b, a * b * b, b * b * b}
}

// at is where Co has the dimensions i <= j.
func at(i, j int) int { return i*dims - i*(i-1)/2 + j - i }

// Merge adds the units of another part (Chan, Golub, LeVeque 1979).
func (s *Sums) Merge(o Sums) {
	if o.N == 0 {
		return
	}
	if s.N == 0 {
		*s = o
		return
	}
	a, b := float64(s.N), float64(o.N)
	n := a + b
	s.Third = add4(s.third(o.Mean[0], o.Mean[1], b), o.third(s.Mean[0], s.Mean[1], a))
	var d [dims]float64
	for i := range d {
		d[i] = o.Mean[i] - s.Mean[i]
	}
	for i := range d {
		for j := i; j < dims; j++ {
			s.Co[at(i, j)] += o.Co[at(i, j)] + d[i]*d[j]*a*b/n
		}
	}
	for i := range d {
		s.Mean[i] += d[i] * b / n
	}
	s.N += o.N
}

// third is Third about the common mean with n other units of the given mean of value and weight.
func (s Sums) third(value, weight, n float64) [4]float64 {
	own := float64(s.N)
	share := n / (n + own)
	v, w := share*(s.Mean[0]-value), share*(s.Mean[1]-weight)
	vv, vw, ww := s.Co[0], s.Co[1], s.Co[dims]
	return [4]float64{
		s.Third[0] + 3*v*vv + own*v*v*v,
		s.Third[1] + 2*v*vw + w*vv + own*v*v*w,
		s.Third[2] + 2*w*vw + v*ww + own*v*w*w,
		s.Third[3] + 3*w*ww + own*w*w*w,
	}
}

func add4(a, b [4]float64) [4]float64 {
	return [4]float64{a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]}
}

// cubes is the sum of third powers of the linearised contributions, covariates left aside: they have light tails.
func (s Sums) cubes() float64 {
	l := s.linear([Covariates]float64{})
	v, w := l[0], l[1]
	return v*v*v*s.Third[0] + 3*v*v*w*s.Third[1] + 3*v*w*w*s.Third[2] + w*w*w*s.Third[3]
}

// Rate is the metric: the mean of the values, or values over weights for a ratio. Zero without units.
func (s Sums) Rate() float64 {
	if s.Mean[1] == 0 {
		return 0
	}
	return s.Mean[0] / s.Mean[1]
}

// SD is the standard deviation of one unit's contribution to Rate; Rate's own error is SD over the root of N. Zero for less than two units.
func (s Sums) SD() float64 {
	if s.N < 2 {
		return 0
	}
	return math.Sqrt(s.variance([Covariates]float64{}) / float64(s.N-1))
}

// variance is the sum of squares of the linearised, adjusted contributions z = (value - rate·weight)/mean weight - slope·x.
func (s Sums) variance(slope [Covariates]float64) float64 {
	w := s.linear(slope)
	sum := 0.0
	for i := range w {
		sum += w[i] * w[i] * s.Co[at(i, i)]
		for j := i + 1; j < dims; j++ {
			sum += 2 * w[i] * w[j] * s.Co[at(i, j)]
		}
	}
	return max(sum, 0) // rounding
}

// linear is the contribution of a unit to the adjusted rate as weights of value, weight and covariates (delta method).
func (s Sums) linear(slope [Covariates]float64) [dims]float64 {
	w := [dims]float64{1, 0}
	if s.Mean[1] != 0 {
		w[0], w[1] = 1/s.Mean[1], -s.Rate()/s.Mean[1]
	}
	for i, b := range slope {
		w[2+i] = -b
	}
	return w
}

// co is the co-moment of two dimensions, in any order.
func (s Sums) co(i, j int) float64 { return s.Co[at(min(i, j), max(i, j))] }

func (u Unit) vector() [dims]float64 {
	v := [dims]float64{u.Value, u.Weight}
	if u.Weight == 0 {
		v[1] = 1
	}
	copy(v[2:], u.X[:])
	return v
}
