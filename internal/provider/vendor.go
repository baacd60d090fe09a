package provider

import "tollgate/internal/chat"

// Vendor is one upstream API: data from vendors/<id>.json, embedded and read strictly.
type Vendor struct {
	ID      string            `json:"-"`               // file name: "openai"
	Name    string            `json:"name"`            // "OpenAI"
	Dialect Name              `json:"dialect"`         // its wire protocol
	BaseURL string            `json:"base_url"`        // "https://api.openai.com/v1"; empty: the credential must bring one
	Auth    string            `json:"auth"`            // "bearer", "header:x-api-key", "none"
	Headers map[string]string `json:"headers"`         // sent on every call, e.g. anthropic-version
	Forward []string          `json:"forward"`         // request headers of the client that are passed on, lower case
	KeyHint string            `json:"key_hint"`        // what its secrets look like: "sk-ant-…"
	Models  string            `json:"models_path"`     // GET path that lists models, for "test this credential"; empty: none
	Docs    string            `json:"docs,omitempty"`  // where people get a key
	Local   bool              `json:"local,omitempty"` // runs on the user's machine (ollama): base URL may be private where egress allows it
	// NoStreamOptions: the vendor rejects stream_options; usage comes by itself or not at all.
	NoStreamOptions bool `json:"no_stream_options,omitempty"`
	// OldMaxTokens: the vendor knows max_tokens only, not max_completion_tokens (openai-chat).
	OldMaxTokens bool `json:"old_max_tokens,omitempty"`
	// ReplayReasoning: the vendor takes the reasoning of earlier turns back, or even wants it in a tool loop (openai-chat).
	ReplayReasoning bool `json:"replay_reasoning,omitempty"`
}

// Encoding is what a request for the vendor has to be encoded with. Set it as chat.Request.Encoding before BuildRequest.
func (v Vendor) Encoding() chat.Encoding {
	return chat.Encoding{NoStreamOptions: v.NoStreamOptions, OldMaxTokens: v.OldMaxTokens, ReplayReasoning: v.ReplayReasoning}
}
