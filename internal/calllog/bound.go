package calllog

import "math"

// The bounds of a decision: what is stored of one stays below DecisionBytesMax, whatever a route, a request or a classifier brings.
const (
	DecisionBytesMax = 8 << 10

	candidatesMax = 32
	listMax       = 16
	sentenceMax   = 160
	nameMax       = 96
)

// Bounded is the decision within its bounds: too long texts are cut, too long lists end early, and the last note then says so. It
// shares no list with d that it changes; nil stays nil.
func (d *Decision) Bounded() *Decision {
	if d == nil {
		return nil
	}
	out := Decision{Strategy: cut(d.Strategy, nameMax), Rule: cut(d.Rule, sentenceMax), Sticky: d.Sticky}
	left := DecisionBytesMax - bytesInJSON(out.Strategy, out.Rule) - 512 // for the names of fields, and the last note
	whole := true
	fits := func(n int) bool {
		left -= n
		whole = whole && left >= 0
		return left >= 0
	}
	// In this order: what was tried matters most.
	for i := range d.Candidates {
		c := d.Candidates[i]
		c.Provider, c.Model, c.Why = cut(c.Provider, nameMax), cut(c.Model, nameMax), cut(c.Why, sentenceMax)
		if i >= candidatesMax || !fits(bytesInJSON(c.Provider, c.Model, string(c.Credential), c.Why)+64) {
			whole = false
			break
		}
		out.Candidates = append(out.Candidates, c)
	}
	texts := func(list []string) (kept []string) {
		for i, s := range list {
			s = cut(s, sentenceMax)
			if i >= listMax || !fits(bytesInJSON(s)+3) {
				whole = false
				break
			}
			kept = append(kept, s)
		}
		return kept
	}
	out.Filters, out.Notes = texts(d.Filters), texts(d.Notes)
	for i, f := range d.Features {
		f.Name, f.Value, f.Weight = cut(f.Name, nameMax), finite(f.Value), finite(f.Weight)
		if i >= listMax || !fits(bytesInJSON(f.Name)+80) {
			whole = false
			break
		}
		out.Features = append(out.Features, f)
	}
	if !whole {
		out.Notes = append(out.Notes, "more was considered than is kept here")
	}
	return &out
}

// finite is f, or 0 for what JSON has no number for.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// bytesInJSON is at least what the texts take as JSON.
func bytesInJSON(texts ...string) (n int) {
	for _, s := range texts {
		n += len(s) + 2
		for i := range len(s) {
			switch c := s[i]; {
			case c < 0x20, c == '<', c == '>', c == '&', c >= 0x80: // encoding/json writes six bytes, of what is no UTF-8 also
				n += 5
			case c == '"', c == '\\':
				n++
			}
		}
	}
	return n
}
