package gateway

import "tollgate/internal/provider"

// way is how a vendor is asked for what a client wants.
type way struct {
	spoken  *provider.Spoken
	target  provider.Target
	carries bool // the client's bytes pass
}

type wayKey struct {
	vendor string
	client provider.Name
	model  string
	own    bool
}

// wayKept bounds the name of a model, in bytes, whose way is remembered.
const wayKept = 256

// way finds the way; false when there is none. What Choose says is remembered: it matches patterns of names.
func (g *Gateway) way(v *provider.Vendor, client provider.Client, model string, own bool) (way, bool) {
	k := wayKey{v.ID, client.Name(), model, own}
	w, ok := g.ways.find(k)
	if ok {
		return w, w.spoken != nil
	}
	if w.spoken, w.target, ok = g.Choose(v, client, model, own); ok {
		w.carries = provider.Carries(w.target, client.Name())
	}
	if len(model) <= wayKept {
		g.ways.keep(k, w)
	}
	return w, ok
}
