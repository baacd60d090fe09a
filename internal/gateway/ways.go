package gateway

import (
	"sync"

	"tollgate/internal/provider"
)

// way is how a vendor is asked for what a client wants.
type way struct {
	spoken  *provider.Spoken
	target  provider.Target
	carries bool // the client's bytes pass
}

// ways remembers what Choose found: it matches patterns of names, and the answer for a vendor, a client's dialect and a model never
// changes while the process runs. Beyond a bound it starts over, because clients choose the names of models.
type ways struct {
	mu    sync.RWMutex
	known map[wayKey]way
}

type wayKey struct {
	vendor string
	client provider.Name
	model  string
	own    bool
}

const (
	waysMax    = 10_000
	wayKeptMax = 256 // bytes of a model's name
)

// way finds the way; false when there is none.
func (g *Gateway) way(v *provider.Vendor, client provider.Client, model string, own bool) (way, bool) {
	k := wayKey{v.ID, client.Name(), model, own}
	g.ways.mu.RLock()
	w, ok := g.ways.known[k]
	g.ways.mu.RUnlock()
	if ok {
		return w, w.spoken != nil
	}
	if w.spoken, w.target, ok = g.Choose(v, client, model, own); ok {
		w.carries = provider.Carries(w.target, client.Name())
	}
	if len(model) <= wayKeptMax {
		g.ways.keep(k, w)
	}
	return w, ok
}

func (s *ways) keep(k wayKey, w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= waysMax {
		s.known = make(map[wayKey]way)
	}
	s.known[k] = w
}
