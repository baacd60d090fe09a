package gateway

import (
	"net/http"
	"strings"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/snapshot"
	"tollgate/internal/visitor"
)

// authenticate finds the virtual key. Form and checksum are looked at first, so that junk costs no lookup. Once the key is known
// the call belongs to its organization, and its refusals are recorded too.
func (g *Gateway) authenticate(c *Call) error {
	if c.in != nil {
		return c.in.admit(c)
	}
	k, err := g.keyOf(c.req)
	if err != nil {
		return err
	}
	c.Caller.key = k
	return k.Allow(visitor.Address(c.req, g.cfg.TrustedProxies), c.Surface.endpoint, c.Start)
}

func (g *Gateway) keyOf(r *http.Request) (*snapshot.Key, error) {
	snap := g.Snapshots()
	if snap == nil {
		return nil, ErrStarting
	}
	text := presented(r)
	if text == "" {
		return nil, key.ErrMissing
	}
	secret, err := key.ParseSecret(text)
	if err != nil {
		return g.foreign(snap, text, err)
	}
	k, ok := snap.Key(g.Hash(secret))
	if !ok {
		return nil, key.ErrUnknown
	}
	if k.Kind == key.PlaygroundKey {
		return nil, key.ErrInside
	}
	return k, nil
}

// foreign finds a key by a secret that was made elsewhere: by its keyed hash, or, at its first use, by the plain one that it was
// imported with. Where nothing was imported junk is refused for what it looks like, and costs no hash. refused is why it is none of ours.
func (g *Gateway) foreign(snap *snapshot.Snapshot, text string, refused error) (*snapshot.Key, error) {
	if !snap.Imports() {
		return nil, refused
	}
	secret, err := key.ParseForeign(text)
	if err != nil {
		return nil, refused
	}
	keyed := g.Hash(secret)
	if k, ok := snap.Key(keyed); ok && k.Secret != nil && k.Secret.Imported {
		return k, nil
	}
	plain := key.Plain(secret)
	k, ok := snap.Plain(plain)
	if !ok {
		return nil, key.ErrUnknown
	}
	if g.Upgrade != nil {
		g.Upgrade(key.Upgrade{Plain: plain, Keyed: keyed})
	}
	return k, nil
}

// presented is the key as sent, by whichever of the clients' ways. A bearer token stands before the others, because clients that
// are told to use one still send an empty or stale x-api-key.
func presented(r *http.Request) string {
	if v := r.Header.Get("Authorization"); v != "" {
		if scheme, token, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
			if token = strings.TrimSpace(token); token != "" {
				return token
			}
		}
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := strings.TrimSpace(r.Header.Get(name)); v != "" {
			return v
		}
	}
	if r.URL.RawQuery != "" {
		return r.URL.Query().Get("key")
	}
	return ""
}

// latency is what is ours of a call that has come this far.
func (c *Call) latency(now time.Time) time.Duration {
	return max(now.Sub(c.Start)-c.Work.waited-c.client.waited(), 0)
}
