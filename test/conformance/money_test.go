package conformance

import (
	"maps"
	"math/big"

	"tollgate/test/replay"
)

// rates are what a million units cost in dollars, for every provider of the tests: another figure for each class, so that a unit in a
// wrong one shows.
func rates() map[string]string {
	return map[string]string{
		"input": "2", "cache_read": "0.2", "cache_write_5m": "2.5", "cache_write_1h": "4", "output": "10", "reasoning": "11",
		"input_audio": "40", "output_audio": "80", "web_search": "10000", "input_image": "3", "output_image": "30", "image": "40000",
		"audio_ms": "0.1", "character": "15", "search_unit": "2000", "page": "1000", "file_search": "2500", "code_session": "30000",
	}
}

func units(u replay.Usage) map[string]int64 {
	all := map[string]int64{
		"input": u.Input, "cache_read": u.CacheRead, "cache_write_5m": u.CacheWrite5m, "cache_write_1h": u.CacheWrite1h,
		"output": u.Output, "reasoning": u.Reasoning, "input_audio": u.InputAudio, "output_audio": u.OutputAudio, "web_search": u.WebSearch,
		"input_image": u.InputImage, "output_image": u.OutputImage, "search_unit": u.SearchUnits,
	}
	maps.DeleteFunc(all, func(_ string, n int64) bool { return n == 0 })
	return all
}

// equalUnits passes over what hosted tools did beside web searches: no recording says what they cost.
func equalUnits(want, got map[string]int64) bool {
	got = maps.Clone(got)
	delete(got, "code_session")
	delete(got, "file_search")
	return maps.Equal(want, got)
}

// cost is in nano-dollars, rounded up once.
func cost(units map[string]int64) int64 {
	sum := new(big.Rat)
	for class, n := range units {
		rate, _ := new(big.Rat).SetString(rates()[class])
		sum.Add(sum, rate.Mul(rate, big.NewRat(n, 1)))
	}
	sum.Mul(sum, big.NewRat(1000, 1)) // dollars a million are micro-dollars each
	nano := new(big.Int).Add(sum.Num(), sum.Denom())
	nano.Sub(nano, big.NewInt(1))
	return nano.Quo(nano, sum.Denom()).Int64()
}

// sameDollars compares dollars with nano-dollars, which are rounded.
func sameDollars(dollars, nano string) bool {
	a, ok := new(big.Rat).SetString(dollars)
	b, fine := new(big.Rat).SetString(nano)
	if !ok || !fine {
		return false
	}
	off := a.Mul(a, big.NewRat(1_000_000_000, 1)).Sub(a, b)
	return off.Abs(off).Cmp(big.NewRat(1, 1)) <= 0
}
