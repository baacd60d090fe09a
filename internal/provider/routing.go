package provider

import "tollgate/internal/provider/wire"

// A request may say itself how it is routed: by OpenRouter's provider object and models list. They are ours to read, as the
// tollgate object is, and go no further, but to vendors that route by themselves.

// ours reports the members of a body that are for the gateway.
func ours(name []byte) bool {
	switch string(name) {
	case "tollgate", "provider", "models":
		return true
	}
	return false
}

// TakeOurs removes the members that are for the gateway.
func (f *Fields) TakeOurs() {
	f.Take("tollgate")
	f.Take("provider")
	f.Take("models")
}

// WithoutOurs are the changes that take out of a body what is for the gateway.
func WithoutOurs() []Change {
	return []Change{{Name: "tollgate"}, {Name: "provider"}, {Name: "models"}}
}

// wish notes where a provider object or a models list stands. What they say is read by who routes.
func (s *HeadScan) wish(w *wire.Walker, at Span) error {
	name, open, what := "provider", byte('{'), "an object"
	into := &s.Head.Spans.Provider
	if string(w.Key) == "models" {
		name, open, what, into = "models", '[', "a list of model names", &s.Head.Spans.Models
	}
	if w.IsNull() {
		return nil
	}
	if w.Value()[0] != open {
		return ErrBody.Say("%s must be %s.", name, what).At(name)
	}
	*into = at
	return nil
}

// firstOf is the first name of a models list: OpenRouter's clients may leave the model out. "" when it names none.
func firstOf(list []byte) string {
	if len(list) == 0 {
		return ""
	}
	w := wire.Walk(list)
	if !w.Next() {
		return ""
	}
	name, _ := wire.String(w.Value())
	return name
}

// session notes what names the conversation: the strongest of its names in the known dialects.
func (s *HeadScan) session(w *wire.Walker) {
	rank := 0
	switch string(w.Key) {
	case "conversation":
		rank = 3
	case "session_id":
		rank = 2
	case "prompt_cache_key":
		rank = 1
	}
	if rank == 0 || rank <= s.cut.session {
		return
	}
	raw := w.Value()
	if raw[0] == '{' { // conversation: {"id": "conv_…"}
		inner := wire.Walk(raw)
		for inner.Next() {
			if string(inner.Key) == "id" {
				raw = inner.Value()
				break
			}
		}
	}
	if v, ok := wire.String(raw); ok && v != "" {
		s.Head.Session, s.cut.session = v, rank
	}
}

// cutter finds what to take out of an object so that its commas stay right, in the same walk in which all else is found.
type cutter struct {
	kept    bool // a member before this one stays
	pending bool // the members from on are taken out, and none before them stays
	from    int
	to      int
	n       int
	spans   [3]Span
	session int // rank of Head.Session
}

func (c *cutter) step(w *wire.Walker, out bool) {
	switch {
	case !out:
		if c.pending {
			c.add(Span{c.from, w.KeyFrom})
			c.pending = false
		}
		c.kept = true
	case c.kept:
		c.add(Span{w.Comma, w.To})
	default:
		if !c.pending {
			c.pending, c.from = true, w.KeyFrom
		}
		c.to = w.To
	}
}

func (c *cutter) add(s Span) {
	if c.n < len(c.spans) {
		c.spans[c.n] = s
		c.n++
	}
}

// routing keeps what the cutter found, where there is more to cut out than the tollgate object.
func (s *HeadScan) routing() {
	if s.cut.pending {
		s.cut.add(Span{s.cut.from, s.cut.to})
	}
	if s.Head.Spans.Provider.To > 0 || s.Head.Spans.Models.To > 0 {
		s.Head.Spans.Ours = s.cut.spans
	}
}

// cuts take out what is for the gateway.
func (h *Head) cuts() []wire.Edit {
	if h.KeepRouting || h.Spans.Ours[0].To == 0 {
		if t := h.Spans.Tollgate; t.To > 0 {
			return []wire.Edit{{From: t.From, To: t.To}}
		}
		return nil
	}
	var out []wire.Edit
	for _, s := range h.Spans.Ours {
		if s.To > 0 {
			out = append(out, wire.Edit{From: s.From, To: s.To})
		}
	}
	return out
}
