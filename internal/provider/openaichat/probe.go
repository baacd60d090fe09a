package openaichat

import (
	"bytes"

	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) {
	var old, limit int64 // max_tokens is the old name of max_completion_tokens and loses against it
	var safety string    // safety_identifier is the new name of user
	both := false
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, at provider.Span) (bool, error) {
		h := &s.Head
		switch string(name) {
		case "stream_options":
			h.Spans.StreamOptions = at
			return true, UsageAsked(raw, &h.IncludeUsage)
		case "metadata":
			m, err := provider.Strings("metadata", raw)
			h.Metadata = m
			return true, err
		case "user":
			return true, provider.Text("user", raw, &h.User)
		case "safety_identifier":
			return true, provider.Text("safety_identifier", raw, &safety)
		case "max_tokens":
			both = true
			return true, provider.Whole("max_tokens", raw, &old)
		case "max_completion_tokens":
			h.Spans.NewMaxTokens = at
			return true, provider.Whole("max_completion_tokens", raw, &limit)
		case "n":
			return true, provider.Whole("n", raw, &h.Choices)
		}
		return false, nil
	})
	if limit == 0 {
		limit = old
	}
	if both {
		h.Spans.NewMaxTokens = provider.Span{}
	}
	h.MaxTokens = limit
	if h.User == "" {
		h.User = safety
	}
	return h, err
}

const includeUsage = "stream_options.include_usage"

// UsageAsked reads stream_options for include_usage.
func UsageAsked(raw []byte, into *bool) error {
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

// Edits exchange the model, cut the tollgate member out, ask for usage in streams, and for vendors that know max_tokens only, call the
// limit that.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	var more []wire.Edit
	if h.Stream && !h.IncludeUsage && !h.NoStreamOptions {
		more = append(more, askForUsage(body, h))
	}
	if e, ok := oldName(body, h); ok && h.OldMaxTokens {
		more = append(more, e)
	}
	return provider.SpliceEdits(h, model, more...)
}

// oldName is the edit that calls max_completion_tokens max_tokens: its key stands before the value, with a colon and space between.
func oldName(body []byte, h provider.Head) (wire.Edit, bool) {
	const key = `"max_completion_tokens"`
	if h.Spans.NewMaxTokens.To == 0 {
		return wire.Edit{}, false
	}
	end := bytes.LastIndexByte(body[:h.Spans.NewMaxTokens.From], '"') + 1
	if !bytes.HasSuffix(body[:end], []byte(key)) { // written with escapes: nobody does
		return wire.Edit{}, false
	}
	return wire.Edit{From: end - len(key), To: end, With: `"max_tokens"`}, true
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
