package gemini

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Count is countTokens. Google's two APIs take what shall be counted in two forms: Vertex beside each other in the body (contents,
// systemInstruction, tools), the Gemini API contents only, and everything else in a generateContentRequest with the model's name. A
// client's body of either form is brought into the form of the provider.
type Count struct {
	plainAnswer
	// Vertex: the target is Vertex AI.
	Vertex bool
}

var (
	_ provider.Client                          = Count{}
	_ provider.Target                          = Count{}
	_ provider.Codec[chat.Request, chat.Count] = Count{}
)

const wrapper = "generateContentRequest"

// Name is "gemini-count", or "vertex-count".
func (c Count) Name() provider.Name {
	if c.Vertex {
		return provider.VertexCount
	}
	return provider.GeminiCount
}

// Operation is counting.
func (Count) Operation() provider.Operation { return provider.Count }

// Carries its own bodies.
func (Count) Carries() []provider.Name { return []provider.Name{provider.GeminiCount} }

// Path is the endpoint below the base URLs of Dialect.Path.
func (Count) Path(_ provider.Head, model string) string {
	return "/" + resource(model) + ":countTokens"
}

// Probe scans a request body once. The model is the path's.
func (Count) Probe(body []byte, at provider.Line) (provider.Head, error) { return probe(body, at) }

// Edits cut the tollgate member out, exchange the model's name where the body repeats it, and bring the body into the provider's form.
func (c Count) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	var edits []wire.Edit
	var inner []byte
	var from, to int // of the wrapped request
	more := false    // there is something that has to be wrapped
	w := wire.Walk(body)
	for w.Next() {
		switch string(w.Key) {
		case wrapper, "generate_content_request":
			inner, from, to = w.Value(), w.From, w.To
		case "contents", "model", "tollgate", "provider", "models":
		default:
			more = true
		}
	}
	name := string(wire.AppendString(nil, resource(model)))
	switch {
	case len(inner) > 0 && inner[0] == '{' && c.Vertex:
		return unwrapped(body, from, to)
	case len(inner) > 0 && inner[0] == '{':
		edits = append(edits, modelInside(inner, from, name)...)
	case more && !c.Vertex && h.Spans.Open > 0:
		end := strings.LastIndexByte(string(body), '}')
		insert := `"` + wrapper + `":{"model":` + name + `,`
		edits = append(edits, wire.Edit{From: h.Spans.Open, To: h.Spans.Open, With: insert}, wire.Edit{From: end, To: end, With: "}"})
		if at := h.Spans.Model; at.To > 0 { // it stands there already
			edits[0].With = `"` + wrapper + `":{`
		}
	}
	edits = append(edits, modelEdit(h, model)...)
	return provider.SpliceEdits(h, h.Model, edits...)
}

// modelInside exchanges the model's name in a wrapped request.
func modelInside(inner []byte, from int, name string) []wire.Edit {
	w := wire.Walk(inner)
	for w.Next() {
		if string(w.Key) == "model" {
			return []wire.Edit{{From: from + w.From, To: from + w.To, With: name}}
		}
	}
	return nil
}

// unwrapped takes a request out of its wrapper, and the model's name out of it: nothing else of the body is kept.
func unwrapped(body []byte, from, to int) []wire.Edit {
	edits := []wire.Edit{{From: 0, To: from}}
	inner := body[from:to]
	first := true
	w := wire.Walk(inner)
	for w.Next() {
		if string(w.Key) != "model" {
			first = false
			continue
		}
		start, end := w.KeyFrom, w.To
		if w.Comma >= 0 && !first {
			start = w.Comma
		} else if w.Next() { // the comma behind it goes with it
			end = w.Comma + 1
		}
		edits = append(edits, wire.Edit{From: from + start, To: from + end})
		break
	}
	return append(edits, wire.Edit{From: to, To: len(body)})
}

// ParseRequest decodes what shall be counted.
func (Count) ParseRequest(body []byte) (chat.Request, error) {
	f := object("", body)
	at := ""
	if raw := f.Take(wrapper); raw != nil && f.Err == nil {
		at, body = wrapper, raw
	}
	r, err := parseRequest(at, body)
	r.Unmapped = countable(r.Unmapped)
	return r, err
}

// BuildRequest encodes what shall be counted.
func (c Count) BuildRequest(r chat.Request) ([]byte, error) {
	r.MaxTokens, r.Temperature, r.TopP, r.TopK, r.Seed, r.Stop = 0, "", "", "", "", nil // these have no tokens
	if r.Dialect == dialectName {
		r.Unmapped = unwrap(r.Unmapped)
	}
	b := newBuilder(r)
	out, err := b.body()
	if err != nil {
		return nil, err
	}
	out.Tier = ""
	if c.Vertex {
		return b.merge(wire.Marshal(out)), nil
	}
	if out.System == nil && out.Tools == nil && out.Config == nil && len(r.Unmapped) == 0 {
		return wire.Marshal(body{Contents: out.Contents}), nil
	}
	out.Model = resource(r.Model)
	return wire.Marshal(map[string]json.RawMessage{wrapper: b.merge(wire.Marshal(out))}), nil
}

// countable leaves out what says how to answer and not what is asked.
func countable(left map[string]json.RawMessage) map[string]json.RawMessage {
	maps.DeleteFunc(left, func(name string, _ json.RawMessage) bool {
		name = strings.TrimPrefix(name, wrapper+".")
		return strings.HasPrefix(name, "generationConfig.") || name == "safetySettings" || slices.Contains(penalties[:], name)
	})
	return left
}

// unwrap takes the wrapper off the names of fields.
func unwrap(left map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(left))
	for name, raw := range left {
		out[strings.TrimPrefix(name, wrapper+".")] = raw
	}
	return out
}

// wireCount is the answer.
type wireCount struct {
	Total  *int64 `json:"totalTokens"`
	Cached int64  `json:"cachedContentTokenCount"`
}

// ParseResponse decodes a count.
func (Count) ParseResponse(body []byte) (chat.Count, error) {
	var a wireCount
	if err := json.Unmarshal(body, &a); err != nil {
		return chat.Count{}, provider.ErrBadAnswer.Because(err)
	}
	if a.Total == nil {
		if r, d := readError(body); r.Message != "" || d.code != "" {
			return chat.Count{}, refusalIn(body)
		}
		return chat.Count{}, provider.ErrBadAnswer
	}
	return chat.Count{Input: max(0, *a.Total), Cached: max(0, a.Cached)}, nil
}

// AppendResponse writes a count.
func (Count) AppendResponse(dst []byte, c chat.Count) []byte {
	dst = append(dst, `{"totalTokens":`...)
	dst = appendInt(dst, c.Input)
	if c.Cached > 0 {
		dst = append(dst, `,"cachedContentTokenCount":`...)
		dst = appendInt(dst, c.Cached)
	}
	dst = append(dst, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...)
	dst = appendInt(dst, c.Input)
	return append(dst, "}]}"...)
}

// Inspect reads what settling needs: nothing but that it is an answer. Counting is free.
func (Count) Inspect(body []byte) provider.Seen {
	seen := provider.Seen{Usage: chat.Usage{Source: chat.Reported}}
	w := wire.Walk(body)
	for w.Next() {
		switch string(w.Key) {
		case "totalTokens":
			seen.Ended = true
		case "error":
			seen.Refusal = refusalIn(body)
		}
	}
	seen.Ended = seen.Ended && seen.Refusal == nil && w.Err() == nil
	return seen
}

// plainAnswer is embedded by dialects whose answers are one JSON object, never a stream.
type plainAnswer struct {
	provider.NoStream
	envelope
}

// AppendStreamError writes the error alone: there is no stream to close.
func (p plainAnswer) AppendStreamError(dst []byte, problem provider.Problem) []byte {
	return p.AppendError(dst, problem)
}

// Heartbeat is nothing.
func (plainAnswer) Heartbeat() []byte { return nil }

// StreamType is the provider's own.
func (plainAnswer) StreamType() string { return "" }
