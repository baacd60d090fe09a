package price

import (
	"strings"
	"time"
)

// rule says how a name was found; a smaller rule is a surer one.
//
// The rules never guess. Each says that two spellings are one product at one price; what none of them covers is unpriced.
// There is no matching by prefix, by family, by size, nor between 4.5 and 4-5, and no variant (":free", ":nitro",
// "-preview") is taken for the model it varies.
type rule uint8

const (
	unknown rule = iota
	exact        // the very name, in any case: "Meta-Llama/Llama-3" is "meta-llama/llama-3"
	spelled      // another spelling that the provider accepts; see spellings
	stem         // a dated snapshot that is not listed, by its undated name: gpt-4o-2024-08-06 by gpt-4o; x-latest by x
	sibling      // an undated name (or x-latest) that is not listed, by its dated snapshots, if all cost the same
	general      // the provider's record for AnyModel
)

// match looks through this layer only, surest rule first.
func (b *Book) match(n name, at time.Time) (Record, rule) {
	var buf [3]string
	names := spellings(n, buf[:0])
	for i, m := range names {
		if r, ok := b.inForce(name{n.provider, m}, at); ok {
			if i == 0 {
				return r, exact
			}
			return r, spelled
		}
	}
	for _, m := range names {
		if s, ok := pointsTo(m); ok {
			if r, ok := b.inForce(name{n.provider, s}, at); ok {
				return r, stem
			}
		}
	}
	for _, m := range names {
		if r, ok := b.siblings(n.provider, m, at); ok {
			return r, sibling
		}
	}
	if !hostedByOllama(n) {
		if r, ok := b.inForce(name{n.provider, AnyModel}, at); ok {
			return r, general
		}
	}
	return Record{}, unknown
}

// siblings prices an undated name by its dated forms. A dated name is never priced by another date's record.
func (b *Book) siblings(provider, model string, at time.Time) (Record, bool) {
	if _, dated := undated(model); dated {
		return Record{}, false
	}
	model = strings.TrimSuffix(model, "-latest")
	var found Record
	ok := false
	for _, m := range b.dated[name{provider, model}] {
		r, in := b.inForce(name{provider, m}, at)
		switch {
		case !in:
		case ok && !r.SamePrice(found):
			return Record{}, false
		default:
			found, ok = r, true // names are in order, so the newest stays
		}
	}
	return found, ok
}

// spellings appends the name and the other ways in which its provider accepts it:
//   - "openai/gpt-4o" at openai: the provider's own id before the name, as aggregators write it
//   - "models/gemini-x" at google-gemini: the resource name
//   - "x" and "accounts/fireworks/models/x" at fireworks: short and full resource name
//   - "x:latest" and "x" at ollama: the default tag
//   - "ft:base:org::id" at openai: a fine-tuned model is listed by its base as "ft:base", never as the base itself
func spellings(n name, to []string) []string {
	to = append(to, n.model)
	m := n.model
	if s, ok := strings.CutPrefix(m, n.provider+"/"); ok && s != "" {
		m = s
		to = append(to, m)
	}
	if other := respell(n.provider, m); other != "" {
		to = append(to, other)
	}
	return to
}

// respell gives the provider's other spelling of a name, or nothing.
func respell(provider, m string) string {
	switch provider {
	case "google-gemini":
		if s, ok := strings.CutPrefix(m, "models/"); ok {
			return s
		}
	case "fireworks":
		const full = "accounts/fireworks/models/"
		if s, ok := strings.CutPrefix(m, full); ok {
			return s
		}
		if !strings.Contains(m, "/") {
			return full + m
		}
	case "ollama":
		if s, ok := strings.CutSuffix(m, ":latest"); ok {
			return s
		}
		if !strings.Contains(m, ":") {
			return m + ":latest"
		}
	case "openai":
		if rest, ok := strings.CutPrefix(m, "ft:"); ok {
			if base, _, more := strings.Cut(rest, ":"); more {
				return "ft:" + base
			}
		}
	}
	return ""
}

// hostedByOllama reports a model that a local Ollama passes on to its paid cloud: the server costs nothing, this does.
func hostedByOllama(n name) bool {
	return n.provider == "ollama" && (strings.HasSuffix(n.model, "-cloud") || strings.HasSuffix(n.model, ":cloud"))
}

// pointsTo gives the name without its date or "-latest".
func pointsTo(model string) (string, bool) {
	if s, ok := undated(model); ok {
		return s, true
	}
	s, ok := strings.CutSuffix(model, "-latest")
	return s, ok && s != ""
}

// undated cuts a full date from the end: -20251001, @20251001 or -2024-08-06. Shorter forms (-0613, -2411) could be
// sizes or versions, so they are part of the name.
func undated(model string) (string, bool) {
	if n := len(model) - len("-20060102"); n > 0 && (model[n] == '-' || model[n] == '@') && date(model[n+1:n+5], model[n+5:n+7], model[n+7:]) {
		return model[:n], true
	}
	n := len(model) - len("-2006-01-02")
	if n > 0 && model[n] == '-' && model[n+5] == '-' && model[n+8] == '-' && date(model[n+1:n+5], model[n+6:n+8], model[n+9:]) {
		return model[:n], true
	}
	return "", false
}

func date(year, month, day string) bool {
	y, m, d := digits(year), digits(month), digits(day)
	return y >= 2020 && y < 2100 && m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// digits reads a small number; -1 when it is none.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}
