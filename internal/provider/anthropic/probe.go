package anthropic

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once. metadata.user_id is the end user; the other members of metadata are kept too.
func (Dialect) Probe(body []byte) (provider.Head, error) {
	return provider.ScanHead(body, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
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

// Splice exchanges the model and cuts the tollgate member out. Streams bring usage by themselves.
func (d Dialect) Splice(body []byte, h provider.Head, model string) []byte {
	return provider.ApplyEdits(body, d.Edits(body, h, model))
}

// Edits are what Splice does.
func (Dialect) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}
