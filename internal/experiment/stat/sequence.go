package stat

import "math"

// defaultHorizon is the number of units at which a sequence is narrowest when nobody forecast one; GrowthBook's default.
const defaultHorizon = 5000

// twoSided is by how many standard errors an estimate from n units may be off, at all n together, but for the chance alpha
// (Waudby-Smith et al. 2024, theorem 2.2): with x = n·rho²,
//
//	√( 2·(x+1)/x · log( √(x+1)/alpha ) )
//
// It is narrowest, compared with an interval of one look, around n = horizon.
func twoSided(alpha, n, horizon float64) float64 {
	x := n * rho2(alpha, horizon)
	return math.Sqrt(2 * (x + 1) / x * math.Log(math.Sqrt(x+1)/alpha))
}

// oneSided is the same for an error in one direction only (proposition B.1 there: a mixture over the half line).
func oneSided(alpha, n, horizon float64) float64 {
	x := n * rho2(2*alpha, horizon)
	return math.Sqrt(2 * (x + 1) / x * math.Log1p(math.Sqrt(x+1)/(2*alpha)))
}

// rho2 is the tuning parameter, squared: rho = √( (-2·log alpha + log(-2·log alpha + 1)) / horizon ).
func rho2(alpha, horizon float64) float64 {
	if horizon <= 0 {
		horizon = defaultHorizon
	}
	a := -2 * math.Log(alpha)
	return (a + math.Log1p(a)) / horizon
}
