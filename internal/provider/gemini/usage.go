package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usageMetadata.
type wireUsage struct {
	prompt, candidates, thoughts, toolPrompt, cached, total wire.Count

	promptBy, cachedBy, candidatesBy modalities

	tier string
	cost string // what a gateway before Google says that it cost
}

// modalities are the parts of a count that are no text.
type modalities struct{ audio, image int64 }

// read reports whether raw is an object that could be read to its end.
func (u *wireUsage) read(raw []byte) bool {
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "promptTokenCount":
			u.prompt.Read(v)
		case "candidatesTokenCount":
			u.candidates.Read(v)
		case "thoughtsTokenCount":
			u.thoughts.Read(v)
		case "toolUsePromptTokenCount":
			u.toolPrompt.Read(v)
		case "cachedContentTokenCount":
			u.cached.Read(v)
		case "totalTokenCount":
			u.total.Read(v)
		case "promptTokensDetails":
			u.promptBy.read(v)
		case "cacheTokensDetails":
			u.cachedBy.read(v)
		case "candidatesTokensDetails":
			u.candidatesBy.read(v)
		case "serviceTier":
			u.tier, _ = wire.String(v)
		case "pydantic_ai_gateway":
			u.cost = costEstimate(v)
		}
	}
	return m.IsObject() && m.Err() == nil
}

func (b *modalities) read(raw []byte) {
	if raw[0] != '[' {
		return
	}
	list := wire.Walk(raw)
	for list.Next() {
		if list.Value()[0] != '{' {
			continue
		}
		var tokens wire.Count
		var into *int64
		m := wire.Walk(list.Value())
		for m.Next() {
			switch string(m.Key) {
			case "modality":
				switch string(m.Value()) {
				case `"AUDIO"`, "4":
					into = &b.audio
				case `"IMAGE"`, "2":
					into = &b.image
				}
			case "tokenCount":
				tokens.Read(m.Value())
			}
		}
		if into != nil {
			*into = tokens.N
		}
	}
}

// costEstimate reads {"cost_estimate": 0.0001546}.
func costEstimate(raw []byte) string {
	if raw[0] != '{' {
		return ""
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "cost_estimate" {
			if _, err := strconv.ParseFloat(string(m.Value()), 64); err == nil {
				return string(m.Value())
			}
		}
	}
	return ""
}

// counted reports whether there is any count: Vertex writes usage without any for a prompt that it blocked.
func (u *wireUsage) counted() bool { return u.prompt.Known || u.candidates.Known || u.thoughts.Known }

// usage gives the disjoint classes.
//
// promptTokenCount holds what came from the cache and what is no text; what hosted tools read into the prompt and what the model thought
// are counted apart from both. Where the total shows that candidatesTokenCount holds the thoughts, they are taken out of it, and what
// the total has beyond all others is output: so the classes sum to the total.
//
// Google leaves promptTokenCount out of some answers. That is not zero tokens: such a usage is not a whole one, and its Source stays
// Unknown beside the units that were told, so that the rest is estimated.
func (u *wireUsage) usage() chat.Usage {
	if !u.counted() {
		return chat.Usage{}
	}
	prompt, out, thoughts := u.prompt.N, u.candidates.N, u.thoughts.N
	if total := u.total.N; u.total.Known && u.prompt.Known {
		sum := prompt + u.toolPrompt.N + out + thoughts
		switch {
		case sum-thoughts == total:
			out -= min(out, thoughts)
		case sum < total:
			out += total - sum
		}
	}
	var units chat.Units
	units[chat.CacheRead] = take(&prompt, u.cached.N)
	units[chat.InputAudio] = take(&prompt, u.promptBy.audio-u.cachedBy.audio)
	units[chat.InputImage] = take(&prompt, u.promptBy.image-u.cachedBy.image)
	units[chat.Input] = prompt + u.toolPrompt.N
	units[chat.OutputAudio] = take(&out, u.candidatesBy.audio)
	units[chat.OutputImage] = take(&out, u.candidatesBy.image)
	units[chat.Output] = out
	units[chat.Reasoning] = thoughts
	if !u.prompt.Known {
		return chat.Usage{Units: units}
	}
	return chat.Usage{Units: units, Source: chat.Reported}
}

// take moves up to n from the pool.
func take(pool *int64, n int64) int64 {
	n = max(0, min(n, *pool))
	*pool -= n
	return n
}

// tally is what an answer said of its usage so far: each object replaces the one before, searches are counted beside.
type tally struct {
	last     wireUsage
	searches int64 // queries of the hosted search
	model    string
}

func (t *tally) add(raw []byte) {
	var u wireUsage
	if !u.read(raw) {
		return
	}
	if u.counted() || !t.last.counted() {
		tier, cost := t.last.tier, t.last.cost
		t.last = u
		if u.tier == "" {
			t.last.tier = tier
		}
		if u.cost == "" {
			t.last.cost = cost
		}
	}
}

// searched notes the queries of one groundingMetadata.
func (t *tally) searched(queries int64) { t.searches = max(t.searches, queries) }

// usage is the last usage. Searches are billed by the query since Gemini 3, and before by the prompt that was searched for.
func (t *tally) usage() chat.Usage {
	u := t.last.usage()
	if t.searches > 0 && (u.Source != chat.Unknown || t.last.counted()) {
		u.Units[chat.WebSearch] = t.searches
		if g := generationOf(t.model); g.major > 0 && g.major < 3 {
			u.Units[chat.WebSearch] = 1
		}
	}
	return u
}

// appendUsage writes usageMetadata with the totals derived from the classes.
func appendUsage(dst []byte, u chat.Units, tier, cost string) []byte {
	dst = append(dst, `{"promptTokenCount":`...)
	dst = appendInt(dst, u.InputTotal())
	dst = append(dst, `,"candidatesTokenCount":`...)
	dst = appendInt(dst, u.OutputTotal()-u[chat.Reasoning])
	dst = append(dst, `,"totalTokenCount":`...)
	dst = appendInt(dst, u.InputTotal()+u.OutputTotal())
	if n := u[chat.CacheRead]; n > 0 {
		dst = append(dst, `,"cachedContentTokenCount":`...)
		dst = appendInt(dst, n)
	}
	if n := u[chat.Reasoning]; n > 0 {
		dst = append(dst, `,"thoughtsTokenCount":`...)
		dst = appendInt(dst, n)
	}
	dst = appendModalities(dst, "promptTokensDetails", u.InputTotal(), u[chat.InputAudio], u[chat.InputImage])
	dst = appendModalities(dst, "candidatesTokensDetails", u.OutputTotal()-u[chat.Reasoning], u[chat.OutputAudio], u[chat.OutputImage])
	if tier != "" {
		dst = append(dst, `,"serviceTier":`...)
		dst = wire.AppendString(dst, strings.ToLower(tier))
	}
	if cost != "" && json.Valid([]byte(cost)) {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, cost...)
	}
	return append(dst, '}')
}

func appendModalities(dst []byte, name string, total, audio, image int64) []byte {
	if total == 0 {
		return dst
	}
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":[{"modality":"TEXT","tokenCount":`...)
	dst = append(appendInt(dst, total-audio-image), '}')
	for _, m := range [...]struct {
		name string
		n    int64
	}{{"AUDIO", audio}, {"IMAGE", image}} {
		if m.n > 0 {
			dst = append(dst, `,{"modality":"`...)
			dst = append(dst, m.name...)
			dst = append(dst, `","tokenCount":`...)
			dst = append(appendInt(dst, m.n), '}')
		}
	}
	return append(dst, ']')
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
