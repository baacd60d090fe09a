package openaimedia

import (
	"net/url"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Moderations is moderations: text judged, for nothing.
type Moderations struct{ common }

// Files is files: uploads, lists, contents and removals at one provider. Its model is always "files".
type Files struct{ common }

var (
	_ provider.Client = Moderations{}
	_ provider.Target = Moderations{}
	_ provider.Client = Files{}
	_ provider.Target = Files{}
)

// Name is "openai-moderations".
func (Moderations) Name() provider.Name { return provider.OpenAIModerations }

// Operation is Moderate.
func (Moderations) Operation() provider.Operation { return provider.Moderate }

// Carries its own bodies.
func (Moderations) Carries() []provider.Name { return []provider.Name{provider.OpenAIModerations} }

// Path is the endpoint below a base URL that ends in /v1.
func (Moderations) Path(provider.Head, string) string { return "/moderations" }

// Probe finds the model, or takes OpenAI's.
func (Moderations) Probe(body []byte, at provider.Line) (provider.Head, error) {
	return probe(body, at, "omni-moderation-latest", nothing)
}

// Edits exchange the model.
func (Moderations) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return edits(body, h, model)
}

// NewTap is for the interface: nothing of this dialect streams.
func (Moderations) NewTap(provider.Head) provider.Tap {
	return &tap{ends: func(string) bool { return false }}
}

// Inspect finds the results. Most vendors count nothing; those that do count tokens.
func (Moderations) Inspect(body []byte) provider.Seen {
	var s provider.Seen
	w := wire.Walk(body)
	for w.Next() {
		switch string(w.Key) {
		case "id":
			s.ID, _ = wire.String(w.Value())
		case "model":
			s.Model, _ = wire.String(w.Value())
		case "results":
			s.Started = true
		case "usage":
			if u, ok := usageOf(w.Value(), &s); ok {
				s.Usage = u
			}
		case "error":
			s.Refusal = refusalOf(w.Value())
		}
	}
	s.Ended = s.Started && w.Err() == nil && s.Refusal == nil
	if s.Ended && s.Usage.Source == chat.Unknown {
		s.Usage.Source = chat.Reported
	}
	return s
}

// Name is "openai-files".
func (Files) Name() provider.Name { return provider.OpenAIFiles }

// Operation is Files.
func (Files) Operation() provider.Operation { return provider.Files }

// Carries its own bodies.
func (Files) Carries() []provider.Name { return []provider.Name{provider.OpenAIFiles} }

// Path is the endpoint with what followed it in the client's request.
func (Files) Path(h provider.Head, _ string) string {
	path := "/files" + (&url.URL{Path: h.Line.Rest}).EscapedPath()
	if h.Line.Query != "" {
		path += "?" + h.Line.Query
	}
	return path
}

// Probe takes any request; the form of an upload is scanned for the tollgate field.
func (Files) Probe(body []byte, at provider.Line) (provider.Head, error) {
	if isForm(at) {
		return probeForm(body, at, "files", func(*provider.Head, string, string) {})
	}
	return provider.Head{Model: "files", Line: at}, nil
}

// Edits cut the tollgate field out.
func (Files) Edits(body []byte, h provider.Head, _ string) []wire.Edit {
	if isForm(h.Line) {
		return formEdits(body, h, h.Model)
	}
	return nil
}

// NewTap is for the interface: nothing of this dialect streams.
func (Files) NewTap(provider.Head) provider.Tap {
	return &tap{ends: func(string) bool { return false }}
}

// Inspect takes whatever comes: a file's content may be anything. Keeping files is not billed by the call.
func (Files) Inspect([]byte) provider.Seen {
	return provider.Seen{Ended: true, Started: true, Usage: chat.Usage{Source: chat.Reported}}
}
