package openairesponses

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) {
	var safety string // safety_identifier is the new name of user
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		return probeField(&s.Head, &safety, name, raw)
	})
	if h.User == "" {
		h.User = safety
	}
	return h, err
}

func probeField(h *provider.Head, safety *string, name, raw []byte) (bool, error) {
	switch string(name) {
	case "metadata":
		m, err := provider.Strings("metadata", raw)
		h.Metadata = m
		return true, err
	case "user":
		return true, provider.Text("user", raw, &h.User)
	case "safety_identifier":
		return true, provider.Text("safety_identifier", raw, safety)
	case "max_output_tokens":
		return true, provider.Whole("max_output_tokens", raw, &h.MaxTokens)
	case "prompt":
		if raw[0] != 'n' {
			h.Prompt = raw
		}
		return true, nil
	}
	return false, nil
}

// Edits exchange the model, and cut the tollgate member and other providers' reasoning out.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model, foreignEdits(body)...)
}
