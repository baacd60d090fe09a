package route

import (
	"math"

	"tollgate/internal/alias"
)

// Draws are weighted rendezvous hashing (Thaler and Ravishankar 1998; weights by Schindelhauer and Schomaker 2005): each target's score
// is its weight over the negative logarithm of a hash of unit and target, and the highest score is drawn. So a unit is at one target
// as long as that is there, on every proxy and without memory; a changed weight moves the share that it has to move and no more;
// and the rest of the order, in which targets take over for each other, has the weights' shares too.

// seed begins a draw: what is drawn for (an alias, a provider) and the unit.
func seed(of, unit string) uint64 {
	return mixed(fnv(fnv(fnvBasis, of)*fnvPrime, unit)) // the product stands for a zero byte between both
}

// lot is the hash of one target in a draw.
func lot(seed uint64, t *alias.Target) uint64 {
	h := fnv(fnvBasis, t.Provider) * fnvPrime
	h = fnv(h, t.Model) * fnvPrime
	h = fnv(h, string(t.Credential)) * fnvPrime
	return mixed(seed ^ mixed(fnv(h, t.Via)))
}

// score is the weighted score of a lot; the highest is drawn.
func score(lot uint64, weight int) float64 {
	u := (float64(lot>>11) + 0.5) / (1 << 53) // strictly between 0 and 1
	return float64(weight) / -math.Log(u)
}

const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// fnv goes on with FNV-1a.
func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// mixed is the finalizer of SplitMix64: it spreads what FNV leaves close together.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
