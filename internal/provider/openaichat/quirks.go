package openaichat

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
)

// heed changes a body that is ready to the ways of the vendor that it is for.
func (b *builder) heed(out *body) {
	q := b.r.Encoding.Quirks
	if q.RandomSeed {
		out.Seed, out.RandomSeed = "", out.Seed
	}
	out.Temperature = capped(out.Temperature, q.TemperatureMax)
	if q.StoreFalse {
		out.Store = new(bool)
	}
	if q.NoParallelTools && out.Parallel != nil {
		if !*out.Parallel {
			b.refuse("parallel_tool_calls")
		}
		out.Parallel = nil
	}
	if q.NoStrict && out.Format != nil && out.Format.Schema != nil {
		out.Format.Schema.Strict = nil
	}
	if n := len(out.Messages); q.PrefixTurn && n > 0 {
		if last := &out.Messages[n-1]; last.Role == "assistant" && last.ToolCalls == nil {
			last.Prefix = true
		}
	}
}

// capped is a temperature that is no higher than a limit.
func capped(t, limit json.Number) json.Number {
	if t == "" || limit == "" {
		return t
	}
	v, err := strconv.ParseFloat(string(t), 64)
	highest, err2 := strconv.ParseFloat(string(limit), 64)
	if err != nil || err2 != nil || v <= highest {
		return t
	}
	return limit
}

const (
	shortID = 9 // characters of Mistral's ids
	digits  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// callID is the id of a tool call in the form that the vendor takes. The same id becomes the same, so that a result finds its call.
func (b *builder) callID(id string) string {
	if !b.r.Encoding.Quirks.ShortToolIDs || isShort(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	short := make([]byte, shortID)
	for i := range short {
		short[i] = digits[int(sum[i])%len(digits)]
	}
	return string(short)
}

func isShort(id string) bool {
	if len(id) != shortID {
		return false
	}
	for i := range len(id) {
		if !strings.Contains(digits, id[i:i+1]) {
			return false
		}
	}
	return true
}

// replay puts reasoning of earlier turns where the vendor takes it.
func (b *builder) replay(out *outMessage, reasoning []chat.Part) {
	text, entries := details(reasoning)
	switch b.r.Encoding.Quirks.ReasoningField {
	case "reasoning":
		out.Plain = text
	case "reasoning_content":
		out.Reasoning = text
	case "content":
		text = ""
		for _, p := range reasoning {
			if p.Kind == chat.Thinking && p.Signature == "" { // what is signed is another maker's
				text += p.Text
			}
		}
		if text == "" {
			return
		}
		thought := map[string]any{"type": "thinking", "thinking": []any{textPart(text, nil)}}
		list := []any{thought}
		switch said := out.Content.(type) {
		case string:
			list = append(list, textPart(said, nil))
		case []any:
			list = append(list, said...)
		}
		out.Content = list
	default:
		out.Reasoning, out.Details = text, entries
	}
}

// textPart is a text as a part of a list, with the mark to cache what ends here.
func textPart(text string, cache json.RawMessage) any {
	part := map[string]any{"type": "text", "text": text}
	if cache != nil {
		part["cache_control"] = cache
	}
	return part
}

// cache is a part's mark, for vendors that take it.
func (b *builder) cache(p chat.Part) json.RawMessage {
	if b.r.Encoding.Quirks.CacheControl {
		return p.Cache
	}
	return nil
}

// marked gives texts as a list when one of them is marked; nil when a plain text says the same.
func (b *builder) marked(parts []chat.Part) any {
	list := make([]any, 0, len(parts))
	any := false
	for _, p := range parts {
		if p.Kind != chat.Text {
			return nil
		}
		mark := b.cache(p)
		any = any || mark != nil
		list = append(list, textPart(p.Text, mark))
	}
	if !any {
		return nil
	}
	return list
}
