package gemini

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// sources is what a candidate says about where its text comes from.
type sources struct {
	Grounding json.RawMessage `json:"groundingMetadata,omitempty"`
	URLs      json.RawMessage `json:"urlContextMetadata,omitempty"`
	Citations json.RawMessage `json:"citationMetadata,omitempty"`
}

func (s sources) none() bool {
	return !wire.Present(s.Grounding) && !wire.Present(s.URLs) && !wire.Present(s.Citations)
}

// citationsMax bounds what is made of one answer's sources.
const citationsMax = 256

// wireGrounding is the part of groundingMetadata that other dialects can say.
type wireGrounding struct {
	Chunks []struct {
		Web       wireSource `json:"web"`
		Retrieved wireSource `json:"retrievedContext"`
	} `json:"groundingChunks"`
	Supports []struct {
		Segment struct {
			Text string `json:"text"`
		} `json:"segment"`
		Chunks []int `json:"groundingChunkIndices"`
	} `json:"groundingSupports"`
}

type wireSource struct {
	URI   string `json:"uri"`
	Title string `json:"title"`
}

// cited gives the sources in the form in which citations travel between dialects: Anthropic's, one for each passage and page.
func (s sources) cited() []json.RawMessage {
	var g wireGrounding
	if !wire.Present(s.Grounding) || json.Unmarshal(s.Grounding, &g) != nil {
		return nil
	}
	var out []json.RawMessage
	add := func(chunk int, text string) {
		if chunk < 0 || chunk >= len(g.Chunks) || len(out) == citationsMax {
			return
		}
		from := g.Chunks[chunk].Web
		if from.URI == "" {
			from = g.Chunks[chunk].Retrieved
		}
		if from.URI != "" {
			out = append(out, wire.Marshal(citation{Type: "web_search_result_location", URL: from.URI, Title: from.Title, Text: text}))
		}
	}
	for _, support := range g.Supports {
		for _, chunk := range support.Chunks {
			add(chunk, support.Segment.Text)
		}
	}
	if len(g.Supports) == 0 {
		for i := range g.Chunks {
			add(i, "")
		}
	}
	return out
}

// citation is one of Anthropic's.
type citation struct {
	Type  string `json:"type"`
	URL   string `json:"url"`
	Title string `json:"title"`
	Text  string `json:"cited_text"`
	Index string `json:"encrypted_index"`
}

// attach puts sources at the last text of a whole answer.
func (s sources) attach(parts []chat.Part) {
	if s.none() {
		return
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == chat.Text {
			parts[i].Extra = extra(wire.Marshal(s))
			if cited := s.cited(); len(cited) > 0 {
				parts[i].Extra[string(provider.AnthropicMessages)] = wire.Marshal(cited)
			}
			return
		}
	}
}

// queries counts the searches that a groundingMetadata tells of.
func queries(raw []byte) int64 {
	var n int64
	if raw[0] != '{' {
		return 0
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "webSearchQueries" && m.Value()[0] == '[' {
			for list := wire.Walk(m.Value()); list.Next(); {
				if len(list.Value()) > 2 { // the empty query is not billed
					n++
				}
			}
		}
	}
	return n
}

// grounding writes sources for a client of this dialect: Google's own as they came, others' as pages that passages of the text rest on.
type grounding struct {
	own    json.RawMessage // a sources object
	chunks []any
	index  map[string]int // address -> chunk
	marks  []any
}

// add takes what a text says of its sources; it stands at these bytes of the answer.
func (g *grounding) add(more map[string]json.RawMessage, from, to int) {
	if raw, ok := more[dialectName]; ok {
		g.own = raw
		return
	}
	if raw, ok := more[string(provider.AnthropicMessages)]; ok {
		for _, c := range listOr(raw) {
			var v citation
			if json.Unmarshal(c, &v) == nil {
				g.page(v.URL, v.Title, from, to)
			}
		}
		return
	}
	for _, c := range listOr(more[string(provider.OpenAIChat)]) {
		var v struct {
			URL struct {
				URL   string `json:"url"`
				Title string `json:"title"`
			} `json:"url_citation"`
		}
		if json.Unmarshal(c, &v) == nil {
			g.page(v.URL.URL, v.URL.Title, from, to)
		}
	}
}

func (g *grounding) page(url, title string, from, to int) {
	if url == "" || len(g.marks) == citationsMax {
		return
	}
	i, have := g.index[url]
	if !have {
		if g.index == nil {
			g.index = map[string]int{}
		}
		i = len(g.chunks)
		g.index[url] = i
		g.chunks = append(g.chunks, map[string]any{"web": wireSource{url, title}})
	}
	g.marks = append(g.marks, map[string]any{
		"segment": map[string]int{"startIndex": from, "endIndex": to}, "groundingChunkIndices": []int{i},
	})
}

// append writes the members of a candidate, with the comma before each.
func (g *grounding) append(dst []byte) []byte {
	var s sources
	switch {
	case g.own != nil:
		if json.Unmarshal(g.own, &s) != nil {
			return dst
		}
	case g.chunks != nil:
		s.Grounding = wire.Marshal(map[string]any{"groundingChunks": g.chunks, "groundingSupports": g.marks})
	default:
		return dst
	}
	raw := wire.Marshal(s)
	if len(raw) <= 2 {
		return dst
	}
	dst = append(dst, ',')
	return append(dst, raw[1:len(raw)-1]...)
}

// listOr reads a list; a single value stands for a list of one.
func listOr(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	switch {
	case len(raw) == 0:
		return nil
	case raw[0] != '[':
		return []json.RawMessage{raw}
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}
