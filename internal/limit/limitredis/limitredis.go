// Package limitredis counts limits on a Redis or Valkey server that many proxies share.
//
// A call asks for all its limits in one round trip, by one script. Calls do not wait for a server that is slow: one that has not
// answered within Options.Patience is passed over, and one that keeps failing is left alone (a breaker) until it answers quickly
// again. What then holds is Options.Fallback. By default each proxy holds calls to its share of every limit: of what was left when the
// server was last heard, as long as what was let in before still counts, and of the whole limit divided by the proxies that were
// alive. What was let in meanwhile is told to the server before it is asked again.
package limitredis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"log/slog"
	neturl "net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitmem"
)

// Fallback is what holds while the server does not answer.
type Fallback string

// The fallbacks.
const (
	Share  Fallback = "share"  // each proxy holds calls to its part of a limit
	Pass   Fallback = "open"   // calls pass
	Refuse Fallback = "refuse" // calls under a limit are refused
)

// Options are a Meter's settings. The zero value of each field but Proxy, Now and Logger is its default.
type Options struct {
	Proxy    string        // id of this proxy; unlike any other's
	Fallback Fallback      // Share
	Patience time.Duration // how long a call waits for the server; 5 ms
	Lease    time.Duration // how long a call under way counts after its proxy's last word; 30 s
	Beat     time.Duration // how often a proxy says that it lives; 1 s. After 10 it counts as gone
	Proxies  int           // how many proxies share a limit before the server was ever heard; 1
	Now      func() time.Time
	Logger   *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Patience, 5*time.Millisecond)
	def(&o.Lease, 30*time.Second)
	def(&o.Beat, time.Second)
	if o.Fallback == "" {
		o.Fallback = Share
	}
	o.Proxies = max(o.Proxies, 1)
	return o
}

// Meter is limit.Meter. Run must run beside it.
type Meter struct {
	Options
	rdb    redis.UniversalClient
	shadow *limitmem.Meter // what this proxy has let in, by the server's clock
	link   link
	offset atomic.Int64 // nanoseconds that the server's clock is ahead of ours
	set    bool         // it is known; Run's

	proxies atomic.Int64
	rank    atomic.Int64 // of this proxy among them
	away    atomic.Int64 // how many others count by themselves

	mu      sync.Mutex
	pending map[part]int64 // what the server is yet to be told
	freed   map[place]struct{}
	open    map[place]struct{} // calls under way
	telling atomic.Int32       // under way
	wake    chan struct{}
	asked   [3]atomic.Int64 // calls by Mode
}

// part is a part of a window on the server.
type part struct {
	key  string
	per  time.Duration
	slot int64
}

// place is a call's place under a limit of calls at once.
type place struct {
	key  string
	call id.Call
}

var _ limit.Meter = (*Meter)(nil)

// Open makes a Meter over the server at a URL: redis or rediss, with cluster=true in its query for a cluster. It does not wait for the
// server. Close closes its connections, once Run has returned.
func Open(url string, opt Options) (*Meter, error) {
	m := &Meter{
		Options: opt.withDefaults(), pending: map[part]int64{}, freed: map[place]struct{}{}, open: map[place]struct{}{}, wake: make(chan struct{}, 1),
	}
	m.shadow = limitmem.New(m.time)
	m.proxies.Store(int64(m.Proxies))
	if clustered(url) {
		o, err := redis.ParseClusterURL(plain(url))
		if err != nil {
			return nil, err
		}
		o.ContextTimeoutEnabled, o.MaxRetries, o.DialTimeout, o.MinIdleConns = true, -1, dialTimeout, idleConns
		m.rdb = redis.NewClusterClient(o)
		return m, nil
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialTimeout, o.MinIdleConns, o.OnConnect = true, -1, dialTimeout, idleConns, m.join
	m.rdb = redis.NewClient(o)
	return m, nil
}

// Close ends the connections.
func (m *Meter) Close() error { return m.rdb.Close() }

// time is the server's, as far as it is known.
func (m *Meter) time() time.Time { return m.Now().Add(time.Duration(m.offset.Load())) }

// CheckURL reports why Open would not take a URL, or nil.
func CheckURL(url string) error {
	if clustered(url) {
		_, err := redis.ParseClusterURL(plain(url))
		return err
	}
	_, err := redis.ParseURL(url)
	return err
}

// Usable reports whether the server is asked.
func (m *Meter) Usable() bool { return m.link.usable() }

// Living is how many proxies are known to share limits.
func (m *Meter) Living() int { return int(m.proxies.Load()) }

const (
	dialTimeout = time.Second
	idleConns   = 4
)

// key names what is counted together on the server. Everything of an organization lies on one node of a cluster. Subjects, which may be
// people, are hashed.
func key(org id.Org, l *limit.Limit, subject string) string {
	k := "tollgate:{" + string(org) + "}:limit:" + string(l.ID) + ":" + strconv.FormatInt(int64(l.Per/time.Second), 10)
	if subject != "" {
		sum := sha256.Sum256([]byte(subject))
		k += ":" + hex.EncodeToString(sum[:12])
	}
	return k
}

// Take implements limit.Meter.
func (m *Meter) Take(ctx context.Context, org id.Org, call id.Call, asks []limit.Ask, states []limit.State) (limit.Mode, error) {
	usable := m.link.usable()
	if usable {
		totals, passed, err := m.ask(ctx, org, call, asks, states)
		m.link.heard(err, m.Now())
		if err == nil {
			m.shadow.Org(org).Mirror(m.time(), asks, states, totals, passed)
			if passed {
				m.occupy(org, call, asks, states)
			}
			m.asked[limit.Counted].Add(1)
			return limit.Counted, nil
		}
	}
	switch m.Fallback {
	case Refuse:
		return limit.Share, limit.ErrUnavailable
	case Pass:
		m.pass(org, asks, states)
	case Share:
		now := m.time()
		m.shadow.Org(org).Take(now, asks, states, m.part(asks, now, !usable))
	}
	mode := map[Fallback]limit.Mode{Pass: limit.Open, Share: limit.Share}[m.Fallback]
	m.asked[mode].Add(1)
	if !refused(asks, states) {
		m.owe(org, asks, states)
		m.occupy(org, call, asks, states)
	}
	return mode, nil
}

func refused(asks []limit.Ask, states []limit.State) bool {
	for i := range asks {
		if states[i].Refused && !asks[i].Limit.Watch {
			return true
		}
	}
	return false
}

// pass lets a call pass, and counts it in the shadow only.
func (m *Meter) pass(org id.Org, asks []limit.Ask, states []limit.State) {
	now := m.time()
	for i := range asks {
		a := &asks[i]
		states[i] = limit.State{Left: a.Limit.Amount, Slot: slot(now, a.Limit)}
		n := a.N
		m.shadow.Org(org).Add(now, limit.Return{Limit: a.Limit, Subject: a.Subject, N: n})
	}
}

func slot(now time.Time, l *limit.Limit) int64 {
	if l.Per == 0 {
		return 0
	}
	return limit.SlotOf(now, l.Per)
}

// part says how much of each limit this proxy may use by itself. What was left when the server was last heard is divided as long as what
// was let in before that counts: with what each had used until then, all proxies together stay within the limit. alone means that the
// server is not asked any more; for one answer that did not come in time the proxy need not fall back to its part of the whole. Until the
// others can know that this proxy is alone, room that comes back is theirs.
func (m *Meter) part(asks []limit.Ask, now time.Time, alone bool) func(int, limitmem.Key, *limitmem.Count) int64 {
	known := !alone || m.link.alone(m.Now()) >= unknownBeats*m.Beat
	return func(i int, k limitmem.Key, c *limitmem.Count) int64 {
		l := asks[i].Limit
		whole := m.divide(l.Amount, k)
		if l.Metric == limit.Concurrency || c.Seen.At.IsZero() || now.Sub(c.Seen.At) > l.Per+l.Per/limit.Slots && known {
			return whole
		}
		left := m.divide(max(l.Amount-c.Seen.Total, 0), k)
		switch {
		case !alone:
			return c.Seen.Own + left
		case !known:
			return min(whole, c.Window.Used(now, l.Per)+max(left-c.Seen.Since, 0))
		}
		return min(whole, c.Seen.Own+left)
	}
}

// unknownBeats is how many beats it takes at most until the other proxies know that one is cut off: three that do not come, and theirs.
const unknownBeats = 5

// divide gives this proxy's part of an amount, so that the parts of all make the amount: who gets one more goes by the proxy's rank, and
// turns with the limit and its subject.
func (m *Meter) divide(amount int64, k limitmem.Key) int64 {
	n := max(m.proxies.Load(), 1)
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.Limit))
	_, _ = h.Write([]byte(k.Subject))
	part := amount / n
	if (m.rank.Load()+int64(h.Sum32()))%n < amount%n {
		part++
	}
	return part
}

// common is what the proxies that ask the server may use together: what the others hold to by themselves is left to them.
func (m *Meter) common(amount int64) int64 {
	n, away := m.proxies.Load(), m.away.Load()
	if away <= 0 || n <= 0 {
		return amount
	}
	return max(amount-amount/n*away-amount%n*away/n, 1)
}

// ask asks the server.
func (m *Meter) ask(ctx context.Context, org id.Org, call id.Call, asks []limit.Ask, states []limit.State) (totals []int64, passed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.Patience)
	defer cancel()
	keys := make([]string, len(asks))
	args := make([]any, 3, 3+5*len(asks))
	args[0], args[1], args[2] = call.String(), m.Proxy, m.Lease.Milliseconds()
	for i := range asks {
		a := &asks[i]
		keys[i] = key(org, a.Limit, a.Subject)
		kind, watch := "w", 0
		if a.Limit.Metric == limit.Concurrency {
			kind = "c"
		}
		if a.Limit.Watch {
			watch = 1
		}
		args = append(args, kind, m.common(a.Limit.Amount), a.Limit.Per.Milliseconds(), a.N, watch)
	}
	out, err := take.Run(ctx, m.rdb, keys, args...).Int64Slice()
	if err != nil {
		return nil, false, err
	}
	if len(out) != 2+6*len(asks) {
		return nil, false, errAnswer
	}
	totals = make([]int64, len(asks))
	for i := range asks {
		v := out[2+6*i:]
		states[i] = limit.State{
			Refused: v[0] == 1, Left: v[1], Reset: time.Duration(v[2]) * time.Millisecond, Wait: time.Duration(v[3]) * time.Millisecond, Slot: v[4],
		}
		if v[3] < 0 {
			states[i].Wait = limit.Never
			if asks[i].N <= asks[i].Limit.Amount { // it fits when every proxy counts here again
				states[i].Wait = asks[i].Limit.Per
			}
		}
		totals[i] = v[5]
	}
	return totals, out[1] == 1, nil
}

// clustered reports a URL of a cluster.
func clustered(url string) bool {
	u, err := neturl.Parse(url)
	return err == nil && u.Query().Get("cluster") == "true"
}

// plain is a cluster's URL as the library knows it.
func plain(url string) string {
	u, err := neturl.Parse(url)
	if err != nil {
		return url
	}
	q := u.Query()
	q.Del("cluster")
	u.RawQuery = q.Encode()
	return u.String()
}
