package providertest_test

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
)

// totals are what a bill is made of, in the provider's own terms.
type totals struct{ In, Out, CacheRead, CacheWrite, Reasoning int64 }

func totalsOf(u chat.Units) totals {
	return totals{u.InputTotal(), u.OutputTotal(), u[chat.CacheRead], u[chat.CacheWrite5m] + u[chat.CacheWrite1h], u[chat.Reasoning]}
}

// plainUsage reads a recording's usage the slow way: everything decoded, the last value of each name wins.
func plainUsage(c providertest.Case) (totals, bool) {
	found := map[string]float64{}
	any_ := false
	note := func(v any) {
		u, ok := v.(map[string]any)
		if !ok {
			return
		}
		flat(u, "", found)
		any_ = true
	}
	for _, payload := range payloads(c) {
		var o map[string]any
		if json.Unmarshal(payload, &o) != nil {
			continue
		}
		if m, ok := o["message"].(map[string]any); ok {
			note(m["usage"])
		}
		if g, ok := o["x_groq"].(map[string]any); ok && !any_ {
			note(g["usage"])
		}
		note(o["usage"])
	}
	n := func(names ...string) int64 {
		for _, name := range names {
			if v := found[name]; v > 0 {
				return int64(v)
			}
		}
		return 0
	}
	if c.Dialect == string(provider.AnthropicMessages) {
		read, write := n("cache_read_input_tokens"), n("cache_creation_input_tokens")
		return totals{n("input_tokens") + read + write, n("output_tokens"), read, write, n("output_tokens_details.thinking_tokens")}, any_
	}
	in, out := n("prompt_tokens"), n("completion_tokens")
	reasoning := n("completion_tokens_details.reasoning_tokens", "reasoning_tokens")
	if apart := n("total_tokens") - in - out; apart > 0 {
		out += apart
		reasoning = max(reasoning, apart)
	}
	read := min(in, n("prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"))
	write := min(in-read, n("prompt_tokens_details.cache_write_tokens", "cache_creation_input_tokens"))
	return totals{in, out, read, write, min(out, reasoning)}, any_
}

func flat(o map[string]any, prefix string, into map[string]float64) {
	for k, v := range o {
		switch v := v.(type) {
		case float64:
			into[prefix+k] = v
		case map[string]any:
			flat(v, prefix+k+".", into)
		}
	}
}

func payloads(c providertest.Case) [][]byte {
	if c.Kind == "json" {
		return [][]byte{c.Response}
	}
	var out [][]byte
	for line := range bytes.Lines(c.Response) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			out = append(out, bytes.TrimSpace(data))
		}
	}
	return out
}
