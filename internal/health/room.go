package health

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Room is what is left of a provider's rate limit.
type Room struct {
	Known bool
	Share float64       // 0 to 1: the tightest of requests and tokens
	Reset time.Duration // until it is full again; 0: not told
}

const (
	unsaidReset = time.Minute // windows of rate limits are minutes
	resetMax    = time.Hour
)

var unknownRoom = math.Float64bits(-1) //nolint:gochecknoglobals // a constant, if the language had it

func (e *entry) setRoom(r Room, now time.Time) {
	reset := r.Reset
	if reset <= 0 {
		reset = unsaidReset
	}
	e.headroom.Store(math.Float64bits(min(max(r.Share, 0), 1)))
	e.roomOver.Store(now.Add(min(reset, resetMax)).UnixNano())
}

// room is the share that is left, or -1 when that is not known or no longer true.
func (e *entry) room(now int64) float64 {
	if now >= e.roomOver.Load() {
		return -1
	}
	return math.Float64frombits(e.headroom.Load())
}

// limits are the headers of the vendors' rate limits, in net/http's spelling: what is left, of how much, and until when.
var limits = [...]struct{ left, all, reset string }{
	{"X-Ratelimit-Remaining-Requests", "X-Ratelimit-Limit-Requests", "X-Ratelimit-Reset-Requests"},
	{"X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Limit-Tokens", "X-Ratelimit-Reset-Tokens"},
	{"Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Reset"},
	{"Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Tokens-Reset"},
	{"Anthropic-Ratelimit-Input-Tokens-Remaining", "Anthropic-Ratelimit-Input-Tokens-Limit", "Anthropic-Ratelimit-Input-Tokens-Reset"},
	{"Anthropic-Ratelimit-Output-Tokens-Remaining", "Anthropic-Ratelimit-Output-Tokens-Limit", "Anthropic-Ratelimit-Output-Tokens-Reset"},
	{"X-Ratelimit-Remaining", "X-Ratelimit-Limit", "X-Ratelimit-Reset"},
	{"Ratelimit-Remaining", "Ratelimit-Limit", "Ratelimit-Reset"},
}

// Limits reads what an answer's headers tell of rate limits, as OpenAI, Azure, Anthropic, Groq, Mistral and most others write them.
func Limits(h http.Header, now time.Time) Room {
	var room Room
	for i := range limits {
		names := &limits[i]
		left, ok := number(h, names.left)
		if !ok {
			continue
		}
		all, ok := number(h, names.all)
		if !ok || all <= 0 {
			continue
		}
		if share := min(left/all, 1); !room.Known || share < room.Share {
			room = Room{Known: true, Share: share, Reset: until(h[names.reset], now)}
		}
	}
	return room
}

// number reads the first of a header's numbers: "100, 100;w=60" is 100.
func number(h http.Header, name string) (float64, bool) {
	values := h[name]
	if len(values) == 0 {
		return 0, false
	}
	text, _, _ := strings.Cut(values[0], ",")
	text, _, _ = strings.Cut(text, ";")
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n, err == nil && n >= 0 && !math.IsInf(n, 0)
}

// until reads "6m0s", "1.5" seconds, or a time; 0 when it is none of these or past.
func until(values []string, now time.Time) time.Duration {
	if len(values) == 0 {
		return 0
	}
	text := strings.TrimSpace(values[0])
	if d, err := time.ParseDuration(text); err == nil {
		return bounded(d.Seconds())
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		if s > 1e9 { // a moment, in seconds or in milliseconds
			if s > 1e12 {
				s /= 1000
			}
			s -= float64(now.Unix())
		}
		return bounded(s)
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return bounded(t.Sub(now).Seconds())
	}
	return 0
}

func bounded(seconds float64) time.Duration {
	if !(seconds > 0) { // also not a number
		return 0
	}
	return time.Duration(min(seconds, resetMax.Seconds()) * float64(time.Second))
}

// weight is how much a measurement counts that comes so long after the last: 1/4 at least, so that one of many calls at once tells
// something, and nearly all after a minute.
func weight(ago time.Duration) float64 {
	return max(1-math.Exp(-max(ago, 0).Seconds()/memory.Seconds()), 0.1)
}
