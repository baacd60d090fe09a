package gateway

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
	"tollgate/internal/visitor"
)

// listed is one name that a key may call, in the union of both list shapes: clients read the fields they know.
type listed struct {
	ID            string            `json:"id"`
	Object        string            `json:"object,omitempty"` // OpenAI: "model"
	Type          string            `json:"type,omitempty"`   // Anthropic: "model"
	Created       *int64            `json:"created,omitempty"`
	CreatedAt     string            `json:"created_at,omitempty"`
	DisplayName   string            `json:"display_name,omitempty"`
	OwnedBy       string            `json:"owned_by,omitempty"`
	ContextWindow int64             `json:"context_window,omitempty"`
	MaxOutput     int64             `json:"max_output_tokens,omitempty"`
	Input         []string          `json:"input_modalities,omitempty"`
	Pricing       map[string]string `json:"pricing,omitempty"` // dollars for a million units, by class
}

// models lists what the key may call: aliases first, then the models of connected providers.
func (g *Gateway) models(w http.ResponseWriter, r *http.Request, s *surface) {
	s, k, ok := g.reader(w, r, s)
	if !ok {
		return
	}
	list := g.list(k, g.Now())
	anthropic := s.dialect.Name() == provider.AnthropicMessages
	body := map[string]any{"data": list}
	if anthropic {
		body["has_more"] = false
		if len(list) > 0 {
			body["first_id"], body["last_id"] = list[0].ID, list[len(list)-1].ID
		}
	} else {
		body["object"] = "list"
	}
	for i := range list {
		list[i].shape(anthropic)
	}
	reply(w, body)
}

// model is one of them.
func (g *Gateway) model(w http.ResponseWriter, r *http.Request, s *surface, name string) {
	s, k, ok := g.reader(w, r, s)
	if !ok {
		return
	}
	now := g.Now()
	list := g.list(k, now)
	i := slices.IndexFunc(list, func(l listed) bool { return l.ID == name })
	if i < 0 { // a bare model name stands for the provider's
		plan, err := g.router.Resolve(k.Org, &k.Key, name, now)
		if err != nil {
			g.reject(w, r, s, err)
			return
		}
		t := plan.Targets[0]
		l := g.entry(name, t.Vendor.ID, t.Model, k.Org, now)
		list, i = []listed{l}, 0
	}
	list[i].shape(s.dialect.Name() == provider.AnthropicMessages)
	reply(w, list[i])
}

// reader authenticates a request for the list. Anthropic's clients are told by their version header.
func (g *Gateway) reader(w http.ResponseWriter, r *http.Request, s *surface) (*surface, *snapshot.Key, bool) {
	if r.Header.Get("Anthropic-Version") != "" {
		shaped := *s
		shaped.dialect = g.dialect(provider.AnthropicMessages)
		s = &shaped
	}
	k, err := g.keyOf(r)
	if err == nil {
		err = k.Allow(visitor.Address(r, g.cfg.TrustedProxies), s.endpoint, g.Now())
	}
	if err != nil {
		g.reject(w, r, s, err)
		return s, nil, false
	}
	w.Header()[callIDHeader] = []string{id.NewCall().String()}
	return s, k, true
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
		created := a.CreatedAt.Unix()
		l.Created = &created
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
		return listed{ID: name, OwnedBy: vendor}
	}
	l := describeModel(name, rec)
	l.OwnedBy = vendor
	return l
}

// describeModel says what the catalogue knows. A class without a price is left out: unpriced is not free.
func describeModel(name string, rec price.Record) listed {
	l := listed{ID: name, OwnedBy: rec.Provider, ContextWindow: rec.ContextWindow, MaxOutput: rec.MaxOutput, Pricing: map[string]string{}}
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
	created := max(rec.From.Unix(), 0)
	l.Created = &created
	return l
}

// shape keeps the fields of one of the two list forms.
func (l *listed) shape(anthropic bool) {
	if anthropic {
		l.Type, l.DisplayName = "model", l.ID
		var at int64
		if l.Created != nil {
			at = *l.Created
		}
		l.CreatedAt = time.Unix(at, 0).UTC().Format(time.RFC3339)
		l.Created = nil
		return
	}
	l.Object = "model"
	if l.Created == nil {
		l.Created = new(int64)
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header()["Content-Type"] = jsonType
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}
