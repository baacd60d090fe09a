package gemini

import (
	"encoding/json"
	"maps"
	"strconv"

	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// EmbedBatch is batchEmbedContents: any number of inputs. It is what other dialects' calls are translated into.
type EmbedBatch struct{ plainAnswer }

var (
	_ provider.Client                               = EmbedBatch{}
	_ provider.Target                               = EmbedBatch{}
	_ provider.Codec[embed.Request, embed.Response] = EmbedBatch{}
)

// Name is "gemini-embed-batch".
func (EmbedBatch) Name() provider.Name { return provider.GeminiEmbedBatch }

// Operation is embeddings.
func (EmbedBatch) Operation() provider.Operation { return provider.Embed }

// Carries its own bodies.
func (EmbedBatch) Carries() []provider.Name { return []provider.Name{provider.GeminiEmbedBatch} }

// Path is the endpoint below the base URL of Dialect.Path.
func (EmbedBatch) Path(_ provider.Head, model string) string {
	return "/" + resource(model) + ":batchEmbedContents"
}

// Probe scans a request body once. The model is the path's.
func (EmbedBatch) Probe(body []byte, at provider.Line) (provider.Head, error) {
	return provider.ScanHead(body, at, func(_ *provider.HeadScan, name, _ []byte, _ provider.Span) (bool, error) {
		return string(name) == "requests", nil
	})
}

// Edits cut the tollgate member out and exchange the model's name, which each request repeats.
func (EmbedBatch) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	edits := modelEdit(h, model)
	name := string(wire.AppendString(nil, resource(model)))
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if string(w.Key) != "requests" || w.Value()[0] != '[' {
			continue
		}
		for list := wire.Walk(w.Value()); list.Next(); {
			if list.Value()[0] != '{' {
				continue
			}
			for one := wire.Walk(list.Value()); one.Next(); {
				if string(one.Key) == "model" {
					at := w.From + list.From
					edits = append(edits, wire.Edit{From: at + one.From, To: at + one.To, With: name})
				}
			}
		}
	}
	return provider.SpliceEdits(h, h.Model, edits...)
}

// ParseRequest decodes a client's body. The inputs of a call have one task, title and size; a request that differs from the first in one
// of them has it Unmapped under its name.
func (EmbedBatch) ParseRequest(body []byte) (embed.Request, error) {
	out := embed.Request{Dialect: string(provider.GeminiEmbedBatch)}
	f := object("", body)
	f.TakeOurs()
	f.Take("model")
	list := many(&f, "requests")
	if len(list) == 0 {
		f.Refuse("requests", "a list of requests")
	}
	left := map[string]json.RawMessage{}
	for i, raw := range list {
		one := object("requests."+strconv.Itoa(i), raw)
		r := embed.Request{}
		readInput(&one, &r)
		note(&f, one.Err)
		for name, v := range one.Raw {
			left[one.Path(name)] = v
		}
		out.Inputs = append(out.Inputs, r.Inputs...)
		if i == 0 {
			out.Task, out.Title, out.Dimensions, out.Truncate = r.Task, r.Title, r.Dimensions, r.Truncate
			continue
		}
		for name, differs := range map[string]bool{
			"taskType": r.Task != out.Task, "title": r.Title != out.Title, "outputDimensionality": r.Dimensions != out.Dimensions,
		} {
			if differs {
				left[one.Path(name)] = json.RawMessage(`"differs from the first"`)
			}
		}
	}
	maps.Copy(left, f.Raw)
	if len(left) > 0 {
		out.Unmapped = left
	}
	return out, f.Err
}

// BuildRequest encodes a call, also one with a single input.
func (EmbedBatch) BuildRequest(r embed.Request) ([]byte, error) {
	all, err := embedRequests(r, false)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(map[string]any{"requests": all}), nil
}

// ParseResponse decodes a whole answer. Older models do not say what it used: that is not known, and not zero.
func (EmbedBatch) ParseResponse(body []byte) (embed.Response, error) { return parseVectors(body) }

// AppendResponse writes a whole answer.
func (EmbedBatch) AppendResponse(dst []byte, r embed.Response) []byte {
	dst = append(dst, `{"embeddings":[`...)
	for i, v := range r.Vectors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValues(dst, v)
	}
	return append(appendEmbedUsage(append(dst, ']'), r), '}')
}

// Inspect reads what settling needs from a whole answer, without looking into its vectors.
func (EmbedBatch) Inspect(body []byte) provider.Seen { return inspectVectors(body) }
