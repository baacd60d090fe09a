package limitredis

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errAnswer = errors.New("limits: the server's answer is not the script's")
	errOther  = errors.New("limits: the server was started anew")
)

// link is a breaker: whether the server is asked.
type link struct {
	mu     sync.Mutex
	state  linkState
	misses int       // answers in a row that did not come, those of one moment as one
	missed time.Time // the last of them
	good   int       // quick answers in a row to the beats, while it is down
	since  time.Time // of the state
	fell   time.Time // when it was asked last
	run    string    // which run of the server was heard last
}

type linkState uint8

// The server is asked; it is left alone; it is told what it missed, and not asked yet, so that every proxy has told it.
const (
	up linkState = iota
	down
	catching
)

const (
	missesMax   = 3
	missesApart = 5 * time.Millisecond
	goodMin     = 2
	catchUp     = time.Second // longer than the time between two looks of any proxy
	lookEvery   = 250 * time.Millisecond
)

func (l *link) usable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == up
}

// alone is for how long the server was not asked.
func (l *link) alone(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == up {
		return 0
	}
	return now.Sub(l.fell)
}

// heard notes how asking went.
func (l *link) heard(err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.misses = 0
		return
	}
	if now.Sub(l.missed) < missesApart { // many calls that wait at the same pause of this process
		return
	}
	l.missed = now
	if l.misses++; l.misses >= missesMax {
		l.fall(now)
	}
}

// beaten notes a beat: whether it came, and in time. tell: the server is to be told all that it missed. ready: after that it may be
// asked again.
func (l *link) beaten(err error, quick bool, now time.Time) (tell, ready bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.good = 0
		if l.misses++; l.misses >= missesMax || l.state == catching {
			l.fall(now)
		}
	case l.state == up:
		if quick {
			l.misses = 0
		} else if l.misses++; l.misses >= missesMax { // calls would wait in vain
			l.fall(now)
		}
	case !quick:
		l.good = 0
		l.fall(now)
	case l.state == catching:
		return true, now.Sub(l.since) >= catchUp
	default:
		if l.good++; l.good >= goodMin {
			l.state, l.since, l.run = catching, now, ""
			return true, false
		}
	}
	return false, false
}

func (l *link) fall(now time.Time) {
	if l.state == up {
		l.fell = now
	}
	if l.state != down {
		l.state, l.since, l.good = down, now, 0
	}
}

// rise lets the server be asked again.
func (l *link) rise() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == catching {
		l.state, l.misses = up, 0
	}
}

// joined notes a new connection to a run of the server. Another run than before may have lost what it was told: it is not asked before it
// has been told again.
func (l *link) joined(run string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	other := l.run != "" && run != "" && run != l.run
	if run != "" {
		l.run = run
	}
	if other && l.state == up {
		l.fall(now)
		return errOther
	}
	return nil
}

// Run keeps the link: it tells the server that this proxy lives, which calls are under way and what was given back, and asks whether
// it is there again. It returns when ctx ends, after a last word.
func (m *Meter) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var beaten, renewed time.Time
	for {
		now := m.Now()
		if now.Sub(beaten) >= m.Beat || !m.link.usable() || m.away.Load() > 0 {
			m.beat(ctx)
			beaten = now
		}
		if now.Sub(renewed) >= m.Lease/3 {
			m.renew(ctx)
			renewed = now
		}
		m.flush(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			m.flush(last)
			_ = m.rdb.ZRem(last, proxiesKey, m.Proxy).Err()
			return nil
		case <-tick.C:
		case <-m.wake:
		}
	}
}

const (
	proxiesKey   = "tollgate:{limits}:proxies"
	awayKey      = "tollgate:{limits}:away"
	beatTimeout  = time.Second
	flushTimeout = time.Second
)

// beat is one beat.
func (m *Meter) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	was, alone := m.link.usable(), 0
	if !was {
		alone = 1
	}
	sent := m.Now()
	out, err := beat.Run(ctx, m.rdb, []string{proxiesKey, awayKey}, m.Proxy, m.Beat.Milliseconds(), alone).Int64Slice()
	took := m.Now().Sub(sent)
	if err == nil && len(out) != 4 {
		err = errAnswer
	}
	if err == nil {
		if took <= m.Patience || !m.set { // an answer that was long on its way tells the time badly, and a clock that leaps forgets calls
			m.set = true
			m.offset.Store(int64(time.UnixMilli(out[0]).Sub(sent.Add(took / 2))))
		}
		if was || out[1] >= m.proxies.Load() { // a server that comes back empty knows of none at first: the parts stay what they were
			m.proxies.Store(max(out[1], 1))
			m.rank.Store(out[2])
		}
		m.away.Store(out[3])
	}
	tell, ready := m.link.beaten(err, took <= m.Patience, m.Now())
	if tell {
		m.resync(ctx)
		m.renew(ctx)
	}
	if ready {
		m.link.rise()
	}
	if is := m.link.usable(); is != was {
		m.Logger.Warn("limits: the shared count changed", "usable", is, "error", err)
	}
}

// join looks at a new connection.
func (m *Meter) join(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return nil //nolint:nilerr // some servers do not tell; what matters fails by itself
	}
	return m.link.joined(runIn(info), m.Now())
}

// runIn is the id of the server's run.
func runIn(info string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, "run_id:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
