package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"tollgate/internal/batch"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// deferHeader marks a call that may be answered later: the client gets a job, and the call goes with others in a batch.
const deferHeader = "X-Tollgate-Defer"

// Deferral makes a job of a call and gives its address and what the client is told.
type Deferral func(ctx context.Context, k *snapshot.Key, call id.Call, path string, h http.Header, body []byte) (at string, told []byte, err error)

// deferrable reports whether the client marked the call, by the header or in the body's `tollgate` object. A call from inside is made
// now, whatever its body says.
func (c *Call) deferrable() bool {
	if c.in != nil {
		return false
	}
	switch strings.ToLower(c.req.Header.Get(deferHeader)) {
	case "1", "true", "yes":
		return true
	}
	if len(c.Ask.head.Tollgate) == 0 {
		return false
	}
	var e struct {
		Defer bool `json:"defer"`
	}
	return json.Unmarshal(c.Ask.head.Tollgate, &e) == nil && e.Defer
}

// postpone answers a call that may wait with a job. Everything that would refuse it now has looked at it: key, body and route. The call
// is not recorded now: it keeps its id, and is in the log once, when the job ends.
func (g *Gateway) postpone(c *Call) error {
	if !c.deferrable() {
		return nil
	}
	switch c.Surface.dialect.Operation() {
	case provider.Chat, provider.Embed, provider.Rerank, provider.Moderate:
	case provider.Count, provider.Image, provider.Speech, provider.Transcribe, provider.Files:
		return batch.ErrNotDeferred
	}
	switch {
	case g.Keyed.Defer == nil:
		return batch.ErrNotDeferred.Say("This installation runs no jobs. Leave out %s.", strings.ToLower(deferHeader))
	case c.Ask.head.Stream:
		return batch.ErrNotDeferred.At("stream")
	}
	header, body := c.later()
	at, told, err := g.Keyed.Defer(c.req.Context(), c.Caller.key, c.ID, c.req.URL.Path, header, body)
	if err != nil {
		return err
	}
	c.deferred = true
	c.client.w.Header()["Location"] = []string{at}
	c.Answer = answer{status: http.StatusAccepted, whole: &whole{body: told}}
	return nil
}
