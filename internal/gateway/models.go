package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
	"tollgate/internal/visitor"
)

// listed is one name that a key may call.
type listed struct {
	ID            string
	Created       int64 // unix seconds; 0: not known
	OwnedBy       string
	ContextWindow int64
	MaxOutput     int64
	Input         []string
	Chats, Embeds bool
	Pricing       map[string]string // dollars for a million units, by class
}

// models lists what the key may call: aliases first, then the models of connected providers; or one of them, where the path names it.
func (g *Gateway) models(w http.ResponseWriter, r *http.Request, v visit) {
	k, err := g.lister(r, v)
	if err != nil {
		g.reject(w, v.dialect, err)
		return
	}
	now := g.Now()
	list, shape := g.list(k, now), shapeOf(r, v)
	if v.line.Model != "" {
		one, err := g.named(k, list, strings.TrimPrefix(v.line.Model, "models/"), now)
		if err != nil {
			g.reject(w, v.dialect, err)
			return
		}
		list = []listed{one}
	}
	w.Header()[callIDHeader] = []string{id.NewCall().String()}
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(shape(list, v.line.Model != "")) // a client that left needs no answer
}

// lister authenticates a request for the list.
func (g *Gateway) lister(r *http.Request, v visit) (*snapshot.Key, error) {
	k, err := g.keyOf(r)
	if err != nil {
		return nil, err
	}
	return k, k.Allow(visitor.Address(r, g.cfg.TrustedProxies), v.endpoint, g.Now())
}

// named finds one entry. A bare model name stands for the provider's.
func (g *Gateway) named(k *snapshot.Key, list []listed, name string, now time.Time) (listed, error) {
	if i := slices.IndexFunc(list, func(l listed) bool { return l.ID == name }); i >= 0 {
		return list[i], nil
	}
	plan, err := g.router.Resolve(k.Org, &k.Key, &route.Ask{Name: name, Now: now})
	if err != nil {
		return listed{}, err
	}
	t := plan.Targets[0]
	return g.entry(name, t.Vendor.ID, t.Model, k.Org, now), nil
}

func (g *Gateway) list(k *snapshot.Key, now time.Time) []listed {
	out := []listed{}
	for name, a := range k.Org.Aliases {
		if k.AllowAlias(name) != nil {
			continue
		}
		l := listed{ID: name, OwnedBy: "tollgate"}
		if len(a.Route.Targets) > 0 {
			t := a.Route.Targets[0]
			l = g.entry(name, t.Provider, t.Model, k.Org, now)
			l.OwnedBy = "tollgate"
		}
		l.Created = a.CreatedAt.Unix()
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b listed) int { return cmp.Compare(a.ID, b.ID) })
	connected := route.Connected(k.Org)
	for _, rec := range k.Org.Prices.Models("", now) {
		if rec.Model == price.AnyModel || !slices.Contains(connected, rec.Provider) || k.AllowModel(rec.Provider, rec.Model) != nil {
			continue
		}
		out = append(out, describeModel(rec.Provider+"/"+rec.Model, rec))
	}
	return out
}

func (g *Gateway) entry(name, vendor, model string, org *snapshot.Org, now time.Time) listed {
	rec, ok := org.Prices.Lookup(vendor, model, now)
	if !ok {
		return listed{ID: name, OwnedBy: vendor, Chats: true}
	}
	l := describeModel(name, rec)
	l.OwnedBy = vendor
	return l
}

// describeModel says what the catalogue knows. A class without a price is left out: unpriced is not free.
func describeModel(name string, rec price.Record) listed {
	l := listed{ID: name, OwnedBy: rec.Provider, ContextWindow: rec.ContextWindow, MaxOutput: rec.MaxOutput, Pricing: map[string]string{}}
	l.Embeds = rec.Rates[chat.Input].Listed && !rec.Rates[chat.Output].Listed && rec.Output == 0
	l.Chats = rec.Output&price.Text != 0 || rec.Output == 0 && rec.Rates[chat.Output].Listed
	for c, rate := range rec.Rates {
		if rate.Listed {
			l.Pricing[chat.Class(c).String()] = rate.Price.PerMillion()
		}
	}
	for m := price.Text; m <= price.PDF; m <<= 1 {
		if rec.Input&m != 0 {
			l.Input = append(l.Input, m.String())
		}
	}
	l.Created = max(rec.From.Unix(), 0)
	return l
}
