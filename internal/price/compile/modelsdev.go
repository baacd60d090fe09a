package compile

import (
	"cmp"
	"io"
	"slices"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

// devProvider and devModel are what we read of models.dev's api.json.
type devProvider struct {
	Models map[string]devModel `json:"models"`
}

type devModel struct {
	Cost  map[string]any `json:"cost"`
	Limit struct {
		Context any `json:"context"`
		Output  any `json:"output"`
	} `json:"limit"`
	Modalities struct {
		Input  []string `json:"input"`
		Output []string `json:"output"`
	} `json:"modalities"`
}

// devFields are the rates, in dollars a million tokens. The last three are other spellings seen in the file.
var devFields = []struct {
	field string
	class chat.Class
}{
	{"input", chat.Input},
	{"output", chat.Output},
	{"cache_read", chat.CacheRead},
	{"cache_write", chat.CacheWrite5m},
	{"reasoning", chat.Reasoning},
	{"input_audio", chat.InputAudio},
	{"output_audio", chat.OutputAudio},
	{"cached_input", chat.CacheRead},
	{"cache_input", chat.CacheRead},
	{"cached_write", chat.CacheWrite5m},
}

// FromModelsDev reads models.dev's api.json.
func FromModelsDev(r io.Reader) (Parsed, error) {
	var file map[string]devProvider
	if err := decode(r, &file); err != nil {
		return Parsed{}, err
	}
	providers := make([]string, 0, len(file))
	for p := range file {
		providers = append(providers, p)
	}
	slices.Sort(providers) // "google-vertex" before "google-vertex-anthropic", "azure" before its second name
	var out Parsed
	for _, p := range providers {
		models := make([]string, 0, len(file[p].Models))
		for m := range file[p].Models {
			models = append(models, m)
		}
		slices.Sort(models)
		for _, m := range models {
			out.Rows++
			out.take(p+"/"+m, devRow(p, m, file[p].Models[m]))
		}
	}
	out.unique()
	return out, nil
}

func devRow(provider, model string, m devModel) *draft {
	d := &draft{scale: perMillion}
	d.rec = price.Record{
		Provider: vendor(provider), Model: model, Source: "models.dev",
		ContextWindow: count(m.Limit.Context), MaxOutput: count(m.Limit.Output),
		Input: kinds(m.Modalities.Input), Output: kinds(m.Modalities.Output),
	}
	if m.Cost == nil {
		d.refuse(NoRate, "")
		return d
	}
	for _, f := range []string{"request", "citation", "image"} {
		if v, ok := d.rate(f, m.Cost[f]); ok && v > 0 {
			d.refuse(Surcharge, f)
		}
	}
	d.rec.Rates = d.devRates(m.Cost)
	tiers, _ := m.Cost["tiers"].([]any)
	for _, item := range tiers {
		t, _ := item.(map[string]any)
		when, _ := t["tier"].(map[string]any)
		kind, _ := when["type"].(string)
		above := count(when["size"])
		if above <= 0 || (kind != "" && kind != "context") {
			d.refuse(Malformed, "tier")
			return d
		}
		d.rec.Tiers = append(d.rec.Tiers, price.Tier{AboveInput: above, Rates: d.devRates(t)})
	}
	slices.SortStableFunc(d.rec.Tiers, func(a, b price.Tier) int { return cmp.Compare(a.AboveInput, b.AboveInput) })
	d.settle(false)
	return d
}

func (d *draft) devRates(cost map[string]any) price.Rates {
	var out price.Rates
	for _, f := range devFields {
		if out[f.class].Listed {
			continue
		}
		if v, ok := d.rate(f.field, cost[f.field]); ok {
			out = out.Set(f.class, v)
		}
	}
	return out
}

func kinds(names []string) (all price.Modality) {
	for _, n := range names {
		m, _ := price.ParseModality(n)
		all |= m
	}
	return all
}
