package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The gateway's own response headers, in net/http's spelling.
const (
	callIDHeader   = "X-Tollgate-Call-Id"
	aliasHeader    = "X-Tollgate-Alias"
	modelHeader    = "X-Tollgate-Model"
	providerHeader = "X-Tollgate-Provider"
	attemptsHeader = "X-Tollgate-Attempts"
	costHeader     = "X-Tollgate-Cost-Usd"
	overheadHeader = "X-Tollgate-Overhead-Ms"
)

// name sets what is known from the start.
func (c *Call) name(h http.Header) {
	h[callIDHeader] = []string{c.Text}
	c.limits.tell(h, string(c.Surface.dialect.Name()), c.Start)
	if c.Plan.Alias != "" {
		h[aliasHeader] = []string{c.Plan.Alias}
	}
	if p := c.prompt; p != nil {
		h[promptHeader] = []string{ascii(p.text())}
		if p.label != "" {
			h[promptLabelHeader] = []string{p.label}
		}
	}
}

// describe sets who answered: provider and model of the last attempt.
func (c *Call) describe(h http.Header, overhead time.Duration) {
	n := len(c.Work.attempts)
	h[attemptsHeader] = []string{strconv.Itoa(n)}
	if n > 0 {
		a := &c.Work.attempts[n-1]
		h[providerHeader] = []string{a.Provider}
		h[modelHeader] = []string{clean(a.Model, 256)}
	}
	h[overheadHeader] = []string{milliseconds(overhead)}
	if w := c.Record.Warnings; len(w) > 0 {
		h[warningHeader] = w
	}
	c.budgeted(h)
	c.routed(h)
}

// foreign sets the provider's own media type. Whatever the bytes are (a file's content may be anything, and a provider anyone's),
// a browser that is led here must not run them as a page of this address.
func foreign(h http.Header, kind []string) {
	h["Content-Type"] = kind
	if len(kind) == 1 && strings.HasPrefix(kind[0], "application/json") {
		return
	}
	h["X-Content-Type-Options"], h["Content-Security-Policy"] = noSniffing, sandboxed
}

var (
	noSniffing = []string{"nosniff"}
	sandboxed  = []string{"default-src 'none'; sandbox"}
)

// milliseconds with three decimals: "0.214".
func milliseconds(d time.Duration) string {
	us := max(d, 0).Microseconds()
	var buf [24]byte
	b := strconv.AppendInt(buf[:0], us/1000, 10)
	frac := us % 1000
	b = append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	return string(b)
}

// passOn copies the provider's headers that mean something to a client: its request id, its rate limits and its advice on retries.
// All others stay here, and its rate limits too where ours are told.
func (c *Call) passOn(to, from http.Header) {
	for name, values := range from {
		if passes(name) && (!c.limits.shown.any || !ofLimits(name)) {
			to[name] = values
		}
	}
}

func passes(name string) bool {
	switch name {
	case "X-Request-Id", "Request-Id", "Retry-After", "Retry-After-Ms", "X-Should-Retry",
		"Openai-Processing-Ms", "Openai-Version", "Openai-Model", "X-Groq-Region":
		return true
	}
	return ofLimits(name)
}
