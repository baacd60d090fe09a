package compile

import (
	"cmp"
	"io"
	"slices"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

// routerList is what we read of OpenRouter's GET /api/v1/models.
type routerList struct {
	Data []routerModel `json:"data"`
}

type routerModel struct {
	ID            string         `json:"id"`
	ContextLength any            `json:"context_length"`
	Pricing       map[string]any `json:"pricing"`
	Architecture  struct {
		Input  []string `json:"input_modalities"`
		Output []string `json:"output_modalities"`
	} `json:"architecture"`
	TopProvider struct {
		MaxCompletion any `json:"max_completion_tokens"`
	} `json:"top_provider"`
}

// routerFields are the rates: decimal strings, dollars a unit.
var routerFields = []struct {
	field string
	class chat.Class
}{
	{"prompt", chat.Input},
	{"completion", chat.Output},
	{"input_cache_read", chat.CacheRead},
	{"input_cache_write", chat.CacheWrite5m},
	{"input_cache_write_1h", chat.CacheWrite1h},
	{"internal_reasoning", chat.Reasoning},
	{"audio", chat.InputAudio},
	{"audio_output", chat.OutputAudio},
	{"web_search", chat.WebSearch},
	{"image_token", chat.InputImage},
	{"image_output", chat.OutputImage},
	{"request", chat.Requests},
}

// FromOpenRouter reads OpenRouter's model list. Its conditional prices ("overrides") become tiers where they depend on
// the prompt's length; those that depend on the hour are noted, and the standing price is taken.
func FromOpenRouter(r io.Reader) (Parsed, error) {
	var file routerList
	if err := decode(r, &file); err != nil {
		return Parsed{}, err
	}
	out := Parsed{Rows: len(file.Data)}
	for _, m := range file.Data {
		out.take(m.ID, routerRow(m))
	}
	out.unique()
	return out, nil
}

func routerRow(m routerModel) *draft {
	d := &draft{scale: perUnit}
	if m.ID == "" {
		d.refuse(NotAModel, "no id")
		return d
	}
	d.rec = price.Record{
		Provider: "openrouter", Model: m.ID, Source: "openrouter",
		ContextWindow: count(m.ContextLength), MaxOutput: count(m.TopProvider.MaxCompletion),
		Input: kinds(routerKinds(m.Architecture.Input)), Output: kinds(routerKinds(m.Architecture.Output)),
	}
	// A price for an image read, which nobody counts: where it is all there is, the zeros beside it are no prices.
	image, ok := d.rate("image", m.Pricing["image"])
	metered := ok && image > 0
	d.rec.Rates = d.routerRates(m.Pricing)
	if d.rec.Rates[chat.Requests].Price == 0 { // every model lists it; a fee of nothing is no fee
		d.rec.Rates[chat.Requests] = price.Rate{}
	}
	overrides, _ := m.Pricing["overrides"].([]any)
	for _, item := range overrides {
		o, _ := item.(map[string]any)
		if o["utc_start"] != nil || o["utc_end"] != nil {
			d.note(TimeOfDay, "overrides")
			continue
		}
		from := count(o["min_prompt_tokens"])
		if from <= 1 {
			d.refuse(Malformed, "overrides")
			return d
		}
		d.rec.Tiers = append(d.rec.Tiers, price.Tier{AboveInput: from - 1, Rates: d.routerRates(o)}) // from so many on
	}
	slices.SortStableFunc(d.rec.Tiers, func(a, b price.Tier) int { return cmp.Compare(a.AboveInput, b.AboveInput) })
	d.settle(metered)
	return d
}

func (d *draft) routerRates(pricing map[string]any) price.Rates {
	var out price.Rates
	for _, f := range routerFields {
		if v, ok := d.rate(f.field, pricing[f.field]); ok {
			out = out.Set(f.class, v)
		}
	}
	return out
}

// routerKinds gives documents their name here.
func routerKinds(names []string) []string {
	out := slices.Clone(names)
	for i := range out {
		if out[i] == "file" {
			out[i] = price.PDF.String()
		}
	}
	return out
}
