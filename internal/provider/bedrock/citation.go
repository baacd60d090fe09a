package bedrock

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// piece is a part of a text.
type piece struct {
	Text string `json:"text"`
}

func textOf(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// citation says where a text is from. There is no neutral form of it: it is kept in the form of Anthropic's API, which has the same
// kinds and which all clients' dialects that show sources read.
type citation struct {
	Title    string  `json:"title"`
	Source   string  `json:"source"`
	Contents []piece `json:"sourceContent"`
	Location struct {
		Web *struct {
			URL    string `json:"url"`
			Domain string `json:"domain"`
		} `json:"web"`
		Char   *documentSpan `json:"documentChar"`
		Page   *documentSpan `json:"documentPage"`
		Chunk  *documentSpan `json:"documentChunk"`
		Result *struct {
			Index int64 `json:"searchResultIndex"`
			Start int64 `json:"start"`
			End   int64 `json:"end"`
		} `json:"searchResultLocation"`
	} `json:"location"`
}

type documentSpan struct {
	Index int64 `json:"documentIndex"`
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// wire gives the citation in Anthropic's form; nil for a place that it has no word for.
func (c citation) wire() json.RawMessage {
	out := map[string]any{"cited_text": textOf(c.Contents)}
	span := func(kind, start, end string, s *documentSpan) {
		out["type"], out["document_index"], out["document_title"], out[start], out[end] = kind, s.Index, c.Title, s.Start, s.End
	}
	switch l := c.Location; {
	case l.Web != nil:
		title := c.Title
		if title == "" {
			title = l.Web.Domain
		}
		out["type"], out["url"], out["title"], out["encrypted_index"] = "web_search_result_location", l.Web.URL, title, ""
	case l.Char != nil:
		span("char_location", "start_char_index", "end_char_index", l.Char)
	case l.Page != nil:
		span("page_location", "start_page_number", "end_page_number", l.Page)
	case l.Chunk != nil:
		span("content_block_location", "start_block_index", "end_block_index", l.Chunk)
	case l.Result != nil:
		out["type"], out["source"], out["title"] = "search_result_location", c.Source, c.Title
		out["search_result_index"], out["start_block_index"], out["end_block_index"] = l.Result.Index, l.Result.Start, l.Result.End
	default:
		return nil
	}
	return wire.Marshal(out)
}

// addCitations adds to the list of a text's sources.
func addCitations(extra map[string]json.RawMessage, more []citation) map[string]json.RawMessage {
	const key = string(provider.AnthropicMessages)
	list := bytes.TrimSuffix(extra[key], []byte("]"))
	for _, c := range more {
		raw := c.wire()
		if raw == nil {
			continue
		}
		if len(list) == 0 {
			list = append(list, '[')
		} else {
			list = append(list, ',')
		}
		list = append(list, raw...)
	}
	if len(list) == 0 {
		return extra
	}
	return map[string]json.RawMessage{key: append(list, ']')}
}
