package score

import (
	"sync"
	"time"

	"tollgate/internal/id"
)

// What one organization may send to one process: a steady rate, and a burst.
const (
	perSecond = 200
	burst     = 2 * BatchMax
	pacedMax  = 10_000 // organizations remembered; beyond, those that are at rest are forgotten
)

// pace is a token bucket for each organization.
type pace struct {
	mu      sync.Mutex
	buckets map[id.Org]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take reports whether n scores may be taken now.
func (p *pace) take(org id.Org, n int, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.buckets) >= pacedMax {
		for org, b := range p.buckets {
			if b.fill(now); b.left >= burst {
				delete(p.buckets, org)
			}
		}
	}
	b := p.buckets[org]
	if b == nil {
		b = &bucket{left: burst, at: now}
		p.buckets[org] = b
	}
	b.fill(now)
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}

func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.left, b.at = min(burst, b.left+passed.Seconds()*perSecond), now
	}
}
