package stat

import "math"

// Buckets of a Histogram: bucket 0 is everything up to a millisecond, each next one reaches 5 % further, the last one is open at about 3 hours.
const (
	Buckets = 333
	growth  = 1.05
)

// Histogram is how often a time fell into which bucket: enough for quantiles to within 5 %, and it merges. Bucket numbers are keys.
type Histogram map[int]int64

// Bucket is where a time in milliseconds belongs: ceil(ln(ms)/ln(1.05)), kept between 0 and Buckets-1.
func Bucket(ms float64) int {
	if !(ms > 1) { // also not a number
		return 0
	}
	return min(int(math.Ceil(math.Log(ms)/math.Log(growth)-1e-9)), Buckets-1)
}

// Edge is the upper end of a bucket in milliseconds.
func Edge(bucket int) float64 { return math.Pow(growth, float64(bucket)) }

// Add counts a time.
func (h Histogram) Add(ms float64) { h[Bucket(ms)]++ }

// Merge adds another part.
func (h Histogram) Merge(o Histogram) {
	for b, n := range o {
		h[b] += n
	}
}

// N is the number of times.
func (h Histogram) N() int64 {
	var n int64
	for _, k := range h {
		n += k
	}
	return n
}

// Quantile is the time in milliseconds that the share q of all times does not exceed, interpolated inside its bucket; 0 without times.
func (h Histogram) Quantile(q float64) float64 {
	var dense [Buckets]float64
	for b, n := range h {
		dense[clamp(b)] += float64(n)
	}
	return quantile(&dense, q)
}

// quantile walks up to the bucket in which the share q is reached.
func quantile(dense *[Buckets]float64, q float64) float64 {
	total := 0.0
	for _, n := range dense {
		total += n
	}
	if total <= 0 {
		return 0
	}
	want := min(max(q, 0), 1) * total
	below := 0.0
	last := 0
	for b, n := range dense {
		if n <= 0 {
			continue
		}
		last = b
		if below+n >= want {
			from, to := lower(b), Edge(b)
			return from + (to-from)*(want-below)/n
		}
		below += n
	}
	return Edge(last)
}

func lower(bucket int) float64 {
	if bucket == 0 {
		return 0
	}
	return Edge(bucket - 1)
}

// clamp keeps a bucket number that came from elsewhere inside.
func clamp(bucket int) int { return min(max(bucket, 0), Buckets-1) }
