package openaichat

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once.
func (Dialect) Probe(body []byte) (provider.Head, error) {
	var old, limit int64 // max_tokens is the old name of max_completion_tokens and loses against it
	h, err := provider.ScanHead(body, func(s *provider.HeadScan, name, raw []byte, at provider.Span) (bool, error) {
		h := &s.Head
		switch string(name) {
		case "stream_options":
			h.Spans.StreamOptions = at
			return true, usageAsked(raw, &h.IncludeUsage)
		case "metadata":
			m, err := provider.Strings("metadata", raw)
			h.Metadata = m
			return true, err
		case "user":
			return true, provider.Text("user", raw, &h.User)
		case "max_tokens":
			return true, provider.Whole("max_tokens", raw, &old)
		case "max_completion_tokens":
			return true, provider.Whole("max_completion_tokens", raw, &limit)
		case "n":
			return true, provider.Whole("n", raw, &h.Choices)
		}
		return false, nil
	})
	if limit == 0 {
		limit = old
	}
	h.MaxTokens = limit
	return h, err
}

const includeUsage = "stream_options.include_usage"

func usageAsked(raw []byte, into *bool) error {
	if raw[0] == 'n' {
		return nil
	}
	if raw[0] != '{' {
		return provider.ErrBody.Say("stream_options must be an object.").At("stream_options")
	}
	seen := false
	w := wire.Walk(raw)
	for w.Next() {
		if string(w.Key) != "include_usage" {
			continue
		}
		if seen {
			return provider.ErrBody.Say("The request body has the field %q twice.", includeUsage).At(includeUsage)
		}
		seen = true
		if err := provider.Flag(includeUsage, w.Value(), into); err != nil {
			return err
		}
	}
	if w.Err() != nil {
		return provider.ErrBody.Say("stream_options is not a valid object.").At("stream_options").Because(w.Err())
	}
	return nil
}

// Splice exchanges the model, cuts the tollgate member out and asks for usage in streams.
func (d Dialect) Splice(body []byte, h provider.Head, model string) []byte {
	return provider.ApplyEdits(body, d.Edits(body, h, model))
}

// Edits are what Splice does.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	if h.Stream && !h.IncludeUsage && !h.NoStreamOptions {
		return provider.SpliceEdits(h, model, askForUsage(body, h))
	}
	return provider.SpliceEdits(h, model)
}

// askForUsage is the edit that makes stream_options.include_usage true.
func askForUsage(body []byte, h provider.Head) wire.Edit {
	at := h.Spans.StreamOptions
	if at.To == 0 {
		return wire.Edit{From: h.Spans.Open, To: h.Spans.Open, With: `"stream_options":{"include_usage":true},`}
	}
	options := body[at.From:at.To]
	if options[0] != '{' { // null
		return wire.Edit{From: at.From, To: at.To, With: `{"include_usage":true}`}
	}
	insert := `"include_usage":true`
	w := wire.Walk(options)
	for w.Next() {
		if string(w.Key) == "include_usage" {
			return wire.Edit{From: at.From + w.From, To: at.From + w.To, With: "true"}
		}
		if w.Comma < 0 {
			insert += ","
		}
	}
	return wire.Edit{From: at.From + 1, To: at.From + 1, With: insert}
}
