package compile

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

// liteFields are the fields of LiteLLM's file that are rates of ours, in dollars a unit. The same names with
// "_above_<n>k_tokens" behind are the rates of a long-context tier.
var liteFields = []struct {
	field string
	class chat.Class
}{
	{"input_cost_per_token", chat.Input},
	{"output_cost_per_token", chat.Output},
	{"cache_read_input_token_cost", chat.CacheRead},
	{"cache_creation_input_token_cost", chat.CacheWrite5m},
	{"cache_creation_input_token_cost_above_1hr", chat.CacheWrite1h},
	{"output_cost_per_reasoning_token", chat.Reasoning},
	{"input_cost_per_audio_token", chat.InputAudio},
	{"output_cost_per_audio_token", chat.OutputAudio},
	{"input_cost_per_image_token", chat.InputImage},
	{"output_cost_per_image_token", chat.OutputImage},
}

// liteModes are the kinds of model whose use is counted in our classes.
var liteModes = []string{
	"", "chat", "responses", "completion", "embedding", "rerank", "moderation", "realtime",
	"audio_transcription", "audio_speech", "image_generation", "image_edit", "ocr",
}

// liteSurcharges are fees in units that nobody tells us; with one of them, the rest alone would be too little.
var liteSurcharges = []string{"input_cost_per_query", "input_cost_per_text_message", "citation_cost_per_token", "ocr_cost_per_credit"}

// FromLiteLLM reads LiteLLM's model_prices_and_context_window.json.
func FromLiteLLM(r io.Reader) (Parsed, error) {
	var file map[string]json.RawMessage
	if err := decode(r, &file); err != nil {
		return Parsed{}, err
	}
	keys := make([]string, 0, len(file))
	for k := range file {
		keys = append(keys, k)
	}
	// A name with its provider ("deepseek/deepseek-chat") is preferred to the bare one where both are listed.
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")), cmp.Compare(a, b))
	})
	tools := liteTools(file)
	p := Parsed{Rows: len(keys)}
	rows := make(map[string]map[string]any, len(keys))
	for _, k := range keys {
		var row map[string]any
		if err := decode(strings.NewReader(string(file[k])), &row); err != nil || row == nil {
			p.ignore(k, Malformed, "not an object")
			continue
		}
		rows[k] = row
		p.take(k, liteRow(k, row, tools))
	}
	p.unique()
	p.Batch = liteBatches(p.Taken, rows)
	return p, nil
}

func liteRow(key string, row map[string]any, tools hostedTools) *draft {
	d := &draft{scale: perUnit}
	provider, _ := row["litellm_provider"].(string)
	if provider == "" || key == "sample_spec" || sizeClass(key) {
		d.refuse(NotAModel, "")
		return d
	}
	mode, _ := row["mode"].(string)
	if !slices.Contains(liteModes, mode) {
		d.refuse(Mode, mode)
		return d
	}
	d.rec = price.Record{
		Provider: vendor(provider), Model: bare(provider, key), Source: "litellm",
		ContextWindow: count(row["max_input_tokens"]), MaxOutput: count(row["max_output_tokens"]),
	}
	if d.rec.Provider == "ollama" && strings.HasSuffix(d.rec.Model, "-cloud") {
		d.refuse(Dynamic, "runs on Ollama's cloud, by subscription")
	}
	d.rec.Input, d.rec.Output = liteModalities(row)
	for _, f := range liteSurcharges {
		if mode == "rerank" && f == "input_cost_per_query" { // what a rerank is billed by
			continue
		}
		if v, ok := d.rate(f, row[f]); ok && v > 0 {
			d.refuse(Surcharge, f)
		}
	}
	d.rec.Rates = d.liteRates(row, "")
	if !d.rec.Rates[chat.CacheRead].Listed { // DeepSeek's older name for it
		if v, ok := d.rate("input_cost_per_token_cache_hit", row["input_cost_per_token_cache_hit"]); ok {
			d.rec.Rates = d.rec.Rates.Set(chat.CacheRead, v)
		}
	}
	d.liteThings(mode, row)
	d.liteHosted(mode, tools)
	d.liteSearch(row)
	d.liteTiers(row)
	if _, ok := row["off_peak_pricing"]; ok {
		d.note(TimeOfDay, "off_peak_pricing")
	}
	d.settle(liteMetered(row))
	return d
}

// sizeClass reports LiteLLM's rows for any model of a size ("together-ai-4.1b-8b"): not models, and too vague for prices.
func sizeClass(key string) bool {
	return strings.HasPrefix(key, "together-ai-") || strings.HasPrefix(key, "fireworks-ai-")
}

func (d *draft) liteRates(row map[string]any, suffix string) price.Rates {
	var out price.Rates
	for _, f := range liteFields {
		name := f.field + suffix
		if v, ok := d.rate(name, row[name]); ok {
			out = out.Set(f.class, v)
		}
	}
	return out
}

// liteSearch takes the price of a web search, where it does not depend on the size asked for.
func (d *draft) liteSearch(row map[string]any) {
	sizes, _ := row["search_context_cost_per_query"].(map[string]any)
	var rate money.Price
	first := true
	for _, name := range slices.Sorted(mapKeys(sizes)) {
		v, ok := d.rate("search_context_cost_per_query."+name, sizes[name])
		switch {
		case !ok:
			return
		case first:
			rate, first = v, false
		case v != rate:
			d.note(SearchBySize, "search_context_cost_per_query")
			return
		}
	}
	if rate > 0 {
		d.rec.Rates = d.rec.Rates.Set(chat.WebSearch, rate)
		if _, ok := row["search_free_requests"]; ok {
			d.note(FreeAllowance, "search_free_requests")
		}
	}
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// liteTiers reads both of LiteLLM's ways to write long-context prices: suffixed fields and tiered_pricing. A tier holds
// for the whole call once all of its input tokens pass the bound, in both.
func (d *draft) liteTiers(row map[string]any) {
	for _, above := range liteBounds(row) {
		rates := d.liteRates(row, "_above_"+strconv.FormatInt(above, 10)+"k_tokens")
		d.rec.Tiers = append(d.rec.Tiers, price.Tier{AboveInput: above * 1000, Rates: rates})
	}
	list, _ := row["tiered_pricing"].([]any)
	for i, item := range list {
		t, _ := item.(map[string]any)
		span, _ := t["range"].([]any)
		if len(span) == 0 { // by something else than input tokens
			continue
		}
		rates := d.liteRates(t, "")
		switch above := count(span[0]); {
		case above == 0 && i == 0:
			rates, _ = fill(rates, d.rec.Rates)
			d.rec.Rates = rates
		case above > 0:
			d.rec.Tiers = append(d.rec.Tiers, price.Tier{AboveInput: above, Rates: rates})
		}
	}
	slices.SortStableFunc(d.rec.Tiers, func(a, b price.Tier) int { return cmp.Compare(a.AboveInput, b.AboveInput) })
}

// liteBounds lists the thousands of tokens that appear in the row's field names.
func liteBounds(row map[string]any) []int64 {
	var out []int64
	for _, f := range liteFields {
		for name := range row {
			rest, ok := strings.CutPrefix(name, f.field+"_above_")
			if !ok {
				continue
			}
			if n, ok := strings.CutSuffix(rest, "k_tokens"); ok {
				if v, err := strconv.ParseInt(n, 10, 32); err == nil && v > 0 {
					out = append(out, v)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// liteMetered reports a price above zero anywhere in the row that is no rate of ours.
func liteMetered(row map[string]any) bool {
	for name, v := range row {
		if !strings.Contains(name, "cost") {
			continue
		}
		if s, ok := number(v); ok {
			if p, f, err := pico(s, perUnit); err != nil || p != 0 || f != whole {
				return true
			}
		}
	}
	return false
}

func liteModalities(row map[string]any) (in, out price.Modality) {
	list := func(field string) (m price.Modality) {
		items, _ := row[field].([]any)
		for _, x := range items {
			name, _ := x.(string)
			k, _ := price.ParseModality(name)
			m |= k
		}
		return m
	}
	in, out = list("supported_modalities"), list("supported_output_modalities")
	for flag, m := range map[string]price.Modality{
		"supports_vision": price.Image, "supports_pdf_input": price.PDF, "supports_audio_input": price.Audio, "supports_video_input": price.Video,
	} {
		if yes, _ := row[flag].(bool); yes {
			in |= m
		}
	}
	if yes, _ := row["supports_audio_output"].(bool); yes {
		out |= price.Audio
	}
	if mode, _ := row["mode"].(string); mode == "chat" || mode == "responses" || mode == "completion" {
		in |= price.Text
		out |= price.Text
	}
	return in, out
}
