package stat

import "math"

// adjustAt is the number of units that each arm must have before its values are adjusted: below, the slope is noise.
const adjustAt = 100

// pooledSlope is the regression of the metric on the covariates within arms, one slope for both (CUPED's idea with any covariate that the
// arm cannot have changed). As one slope is taken off both arms, the difference of the adjusted means estimates the same thing as the plain one:
// only noise that the covariates explain is gone. Reports false where the covariates say nothing (all alike) or units are too few.
func pooledSlope(a, b Sums) (slope [Covariates]float64, ok bool) {
	if a.N < adjustAt || b.N < adjustAt {
		return slope, false
	}
	var xx [Covariates][Covariates]float64
	var xz [Covariates]float64
	for _, s := range []Sums{a, b} {
		w := s.linear([Covariates]float64{})
		for i := range Covariates {
			xz[i] += w[0]*s.co(0, 2+i) + w[1]*s.co(1, 2+i)
			for j := range Covariates {
				xx[i][j] += s.co(2+i, 2+j)
			}
		}
	}
	return solve(xx, xz)
}

// solve is least squares by Cholesky. A covariate that does not vary, or that the ones before it explain, gets the slope zero.
func solve(a [Covariates][Covariates]float64, b [Covariates]float64) (x [Covariates]float64, ok bool) {
	const tiny = 1e-9 // of a covariate's own sum of squares: what rounding leaves of a copy
	var l [Covariates][Covariates]float64
	var used [Covariates]bool
	for i := range Covariates {
		for j := 0; j < i; j++ {
			if !used[j] {
				continue
			}
			sum := a[i][j]
			for k := 0; k < j; k++ {
				sum -= l[i][k] * l[j][k]
			}
			l[i][j] = sum / l[j][j]
		}
		rest := a[i][i]
		for k := 0; k < i; k++ {
			rest -= l[i][k] * l[i][k]
		}
		if rest > tiny*a[i][i] && a[i][i] > 0 {
			l[i][i], used[i], ok = math.Sqrt(rest), true, true
		}
	}
	if !ok {
		return x, false
	}
	var y [Covariates]float64
	for i := range Covariates {
		if !used[i] {
			continue
		}
		y[i] = b[i]
		for k := 0; k < i; k++ {
			y[i] -= l[i][k] * y[k]
		}
		y[i] /= l[i][i]
	}
	for i := Covariates - 1; i >= 0; i-- {
		if !used[i] {
			continue
		}
		x[i] = y[i]
		for k := i + 1; k < Covariates; k++ {
			x[i] -= l[k][i] * x[k]
		}
		x[i] /= l[i][i]
	}
	return x, true
}
