package account

import (
	"net/netip"
	"sync"
	"time"
)

// throttle slows guessing down. Every attempt counts as failed until it succeeds. An account has five attempts at once, then waits
// that double from 2 to 90 seconds: at most 19 attempts in any 15 minutes. A network address has thirty. Nobody is locked out: the
// wait always ends, and a guesser elsewhere does not slow down a person at an address from which they logged in before.
//
// It lives in the memory of one process and is bounded: when it is full, forgotten buckets go first, then any.
type throttle struct {
	mu      sync.Mutex
	buckets map[bucketKey]bucket
}

type bucketKey struct {
	kind bucketKind
	what string
}

type bucketKind uint8

const (
	byAccount bucketKind = iota
	byAddress
	bySignUp
	trusted   // account and address of a log-in that succeeded
	atTrusted // attempts on an account from its trusted address
)

type bucket struct {
	tries int
	last  time.Time
}

const (
	freeOfAccount = 5
	freeOfAddress = 30
	firstWait     = 2 * time.Second
	longestWait   = 90 * time.Second
	forgetAfter   = 15 * time.Minute
	trustLife     = 30 * 24 * time.Hour
	bucketsMax    = 50_000
)

// logIn counts an attempt, or refuses it.
func (t *throttle) logIn(email string, from Visitor, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	address := network(from.IP)
	account := bucketKey{byAccount, email}
	if b, ok := t.buckets[bucketKey{trusted, email + " " + address}]; ok && now.Sub(b.last) < trustLife {
		account = bucketKey{atTrusted, email + " " + address}
	}
	place := bucketKey{byAddress, address}
	wait := max(t.wait(account, freeOfAccount, now), t.wait(place, freeOfAddress, now))
	if wait > 0 {
		return tooSoon(wait)
	}
	t.count(account, now)
	t.count(place, now)
	return nil
}

// signUp counts an attempt to make an account, or refuses it.
func (t *throttle) signUp(from Visitor, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := bucketKey{bySignUp, network(from.IP)}
	if wait := t.wait(k, freeOfAddress, now); wait > 0 {
		return tooSoon(wait)
	}
	t.count(k, now)
	return nil
}

// succeeded takes the attempt back and trusts the address for this account from now on.
func (t *throttle) succeeded(email string, from Visitor, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	address := network(from.IP)
	delete(t.buckets, bucketKey{byAccount, email})
	delete(t.buckets, bucketKey{atTrusted, email + " " + address})
	place := bucketKey{byAddress, address}
	if b := t.buckets[place]; b.tries > 0 {
		b.tries--
		t.buckets[place] = b
	}
	t.put(bucketKey{trusted, email + " " + address}, bucket{last: now}, now)
}

func tooSoon(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return ErrThrottled.Say("Too many attempts. Try again in %d seconds.", seconds)
}

// wait is how long the next attempt must still wait.
func (t *throttle) wait(k bucketKey, free int, now time.Time) time.Duration {
	b, ok := t.buckets[k]
	if !ok || b.tries < free || now.Sub(b.last) >= forgetAfter {
		return 0
	}
	delay := longestWait
	if doublings := b.tries - free; doublings < 6 {
		delay = min(firstWait<<doublings, longestWait)
	}
	return b.last.Add(delay).Sub(now)
}

func (t *throttle) count(k bucketKey, now time.Time) {
	b := t.buckets[k]
	if now.Sub(b.last) >= forgetAfter {
		b.tries = 0
	}
	t.put(k, bucket{tries: b.tries + 1, last: now}, now)
}

func (t *throttle) put(k bucketKey, b bucket, now time.Time) {
	if t.buckets == nil {
		t.buckets = map[bucketKey]bucket{}
	}
	if _, known := t.buckets[k]; !known && len(t.buckets) >= bucketsMax {
		t.evict(now)
	}
	t.buckets[k] = b
}

// evict drops what is forgotten anyway, and if that is not enough whatever the map gives first.
func (t *throttle) evict(now time.Time) {
	for k, b := range t.buckets {
		life := forgetAfter
		if k.kind == trusted {
			life = trustLife
		}
		if now.Sub(b.last) >= life {
			delete(t.buckets, k)
		}
	}
	for k := range t.buckets {
		if len(t.buckets) < bucketsMax*9/10 {
			return
		}
		delete(t.buckets, k)
	}
}

// network is what one visitor can have many of: an IPv6 host owns its /64.
func network(ip netip.Addr) string {
	if ip.Is6() && !ip.Is4In6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
