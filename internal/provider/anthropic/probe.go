package anthropic

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once. metadata.user_id is the end user; the other members of metadata are kept too.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) {
	return provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		h := &s.Head
		switch string(name) {
		case "max_tokens":
			return true, provider.Whole("max_tokens", raw, &h.MaxTokens)
		case "metadata":
			m, err := provider.Strings("metadata", raw)
			h.Metadata = m
			h.User = m["user_id"]
			return true, err
		}
		return false, nil
	})
}

// Edits exchange the model and cut the tollgate member out, and reasoning of other makers. Streams bring usage by themselves.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model, foreignEdits(body)...)
}
