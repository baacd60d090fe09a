package harness

import "tollgate/test/replay"

// Rate is a price list entry in pico-dollars a token, written down by hand from the providers' price pages ($ a million tokens × 10⁶).
type Rate struct{ Input, CacheRead, CacheWrite5m, CacheWrite1h, Output int64 }

// Rates are the prices that tests compute with.
func Rates(model string) (Rate, bool) {
	switch model {
	case "gpt-4o-mini": // $0.15, cached $0.075, $0.60
		return Rate{Input: 150_000, CacheRead: 75_000, Output: 600_000}, true
	case "claude-haiku-4-5": // $1.00, cache $0.10 / $1.25 / $2.00, $5.00
		return Rate{Input: 1_000_000, CacheRead: 100_000, CacheWrite5m: 1_250_000, CacheWrite1h: 2_000_000, Output: 5_000_000}, true
	case "text-embedding-3-small": // $0.02
		return Rate{Input: 20_000}, true
	}
	return Rate{}, false
}

// Nano is what one answer costs in nano-dollars: the sum over the classes, rounded up once. Reasoning is billed as output.
func (r Rate) Nano(u replay.Usage) int64 {
	pico := u.Input*r.Input + u.CacheRead*r.CacheRead + u.CacheWrite5m*r.CacheWrite5m + u.CacheWrite1h*r.CacheWrite1h + u.OutputTotal()*r.Output
	return (pico + 999) / 1000
}
