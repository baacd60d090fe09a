package gateway

import (
	"net/http"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/provider/flags"
)

// warningHeader tells a client what its call lost or what was guessed.
const warningHeader = "X-Tollgate-Warning"

// warn notes what was left out or guessed, for the client (a header) and the log.
func (c *Call) warn(text string) { c.Record.Warn(clean(text, calllog.WarningBytesMax)) }

// flagHeaders are the clients' opt-in flags that the header policy judges, and the dialects to which they mean something.
var flagHeaders = [...]struct{ header, dialects, also string }{
	{"anthropic-beta", "anthropic-", "bedrock-"},
	{"openai-beta", "openai-", "openai-"},
}

// flags keeps those of the client's opt-in flags that the provider takes; what it would refuse is left out and the client warned.
func (g *Gateway) flags(c *Call, t *try) {
	t.head.Betas, t.flagged = nil, ""
	to := string(t.dialect.Name())
	for _, f := range flagHeaders {
		values := c.req.Header.Values(f.header)
		if len(values) == 0 || !strings.HasPrefix(to, f.dialects) && !strings.HasPrefix(to, f.also) {
			continue
		}
		kept, dropped := g.Flags().Filter(f.header, flags.Destination{
			Vendor: t.target.Vendor.ID, Dialect: to, Model: t.target.Model,
		}, values)
		t.head.Betas, t.flagged = kept, f.header
		for _, flag := range dropped {
			c.warn("dropped " + f.header + " " + clip(flag) + ": " + t.target.Vendor.ID + " does not take it")
		}
		return
	}
}

// forwardFlags sets the header to the flags that are kept. Targets that take them in the body ignore it.
func (t *try) forwardFlags(h http.Header) {
	if len(t.head.Betas) > 0 && !strings.Contains(string(t.dialect.Name()), "bedrock") {
		h.Set(t.flagged, strings.Join(t.head.Betas, ","))
	}
}
