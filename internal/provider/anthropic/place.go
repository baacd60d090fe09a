package anthropic

import (
	"encoding/json"
	"maps"

	"tollgate/internal/chat"
)

// place is where the API is spoken: at its maker's, or at a cloud that resells the models. A cloud takes the same body in another
// envelope, and less of it: content comes with the call and not from URLs or the maker's files, and which of the maker's own
// capacity serves a call (service_tier, inference_geo) means nothing there.
type place struct {
	version string // anthropic_version of the body; "" at the maker's, where it is a header
	cloud   bool
	formats bool // output_config.format and strict tools
	model   bool // the body names the model; else the path does
	stream  bool // the body asks for a stream; else the path does
	betas   bool // opt-in flags stand in the body; else in a header
}

var (
	maker   = place{formats: true, model: true, stream: true}
	vertex  = place{version: "vertex-2023-10-16", cloud: true, stream: true}
	bedrock = place{version: "bedrock-2023-05-31", cloud: true, formats: true, betas: true}
)

// ofCapacity are members about the maker's own capacity.
var ofCapacity = [...]string{"service_tier", "inference_geo"}

// limit takes away what models can do at their maker's only.
func (p place) limit(g generation) generation {
	g.formats = g.formats && p.formats
	return g
}

// envelope sets what depends on the place.
func (p place) envelope(out *body, r chat.Request) {
	out.Version = p.version
	if p.model {
		out.Model = r.Model
	}
	if p.stream {
		out.Stream = r.Stream
	}
	if p.betas {
		out.Betas = r.Encoding.Betas
	}
}

// unmapped are r's unmapped fields that go there.
func (p place) unmapped(r chat.Request) map[string]json.RawMessage {
	if !p.cloud {
		return r.Unmapped
	}
	left := maps.Clone(r.Unmapped)
	for _, name := range ofCapacity {
		delete(left, name)
	}
	if len(r.Encoding.Betas) > 0 {
		delete(left, "anthropic_beta")
	}
	delete(left, "anthropic_version")
	return left
}
