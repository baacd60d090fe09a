package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/limit"
)

// limitsHeader tells how limits were counted, where not as they should be: local-share or open.
const limitsHeader = "X-Tollgate-Limits"

// class is one of the metrics that clients are told of.
type class uint8

const (
	ofRequests class = iota
	ofTokens
	ofInput
	ofOutput
	classes
)

var classOf = map[limit.Metric]class{limit.Requests: ofRequests, limit.Tokens: ofTokens, limit.Input: ofInput, limit.Output: ofOutput}

// shown is the tightest limit of each class.
type shown struct {
	any  bool
	best [classes]struct {
		amount, left int64
		reset        time.Duration
	}
}

// see takes what limits said of themselves.
func (s *shown) see(t *taken) {
	for i := range t.asks {
		l, st := t.asks[i].Limit, &t.states[i]
		cl, ok := classOf[l.Metric]
		if !ok || l.Watch {
			continue
		}
		b := &s.best[cl]
		if b.amount == 0 || st.Left < b.left || st.Left == b.left && st.Reset > b.reset {
			b.amount, b.left, b.reset, s.any = l.Amount, st.Left, st.Reset, true
		}
	}
}

// tell sets the headers in which the client's dialect speaks of limits: Anthropic's with instants, OpenAI's, which the others took over,
// with durations. OpenAI's know no difference between tokens in and out: the tightest of all is told.
func (l *limiting) tell(h http.Header, dialect string, now time.Time) {
	if l.mode != limit.Counted {
		h[limitsHeader] = []string{l.mode.String()}
	}
	s := &l.shown
	if !s.any {
		return
	}
	if strings.HasPrefix(dialect, "anthropic-") {
		for cl, word := range [classes]string{ofRequests: "Requests", ofTokens: "Tokens", ofInput: "Input-Tokens", ofOutput: "Output-Tokens"} {
			if b := s.best[cl]; b.amount > 0 {
				set := "Anthropic-Ratelimit-" + word
				h[set+"-Limit"], h[set+"-Remaining"] = number(b.amount), number(b.left)
				h[set+"-Reset"] = []string{now.Add(b.reset).UTC().Format(time.RFC3339)}
			}
		}
		return
	}
	tokens := s.best[ofTokens]
	for _, cl := range [...]class{ofInput, ofOutput} {
		if b := s.best[cl]; b.amount > 0 && (tokens.amount == 0 || b.left < tokens.left) {
			tokens = b
		}
	}
	if b := s.best[ofRequests]; b.amount > 0 {
		h["X-Ratelimit-Limit-Requests"], h["X-Ratelimit-Remaining-Requests"] = number(b.amount), number(b.left)
		h["X-Ratelimit-Reset-Requests"] = []string{b.reset.Round(time.Millisecond).String()}
	}
	if tokens.amount > 0 {
		h["X-Ratelimit-Limit-Tokens"], h["X-Ratelimit-Remaining-Tokens"] = number(tokens.amount), number(tokens.left)
		h["X-Ratelimit-Reset-Tokens"] = []string{tokens.reset.Round(time.Millisecond).String()}
	}
}

func number(n int64) []string { return []string{strconv.FormatInt(n, 10)} }

// ofLimits reports a header that speaks of limits.
func ofLimits(name string) bool {
	return strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "Anthropic-Ratelimit-") || strings.HasPrefix(name, "Ratelimit-")
}

// advised is when a call that a limit refused may come again: to the millisecond, for clients that know how; one that never fits should
// not.
func (l *limiting) advised(h http.Header, a *answer) {
	switch {
	case l.wait == limit.Never:
		h["X-Should-Retry"] = noRetry
	case l.wait > 0:
		a.after = l.wait
		h["Retry-After-Ms"] = number(max(l.wait.Milliseconds(), 1))
	}
}
