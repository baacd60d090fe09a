package provider

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"tollgate/internal/chat"
)

// Vendor is one upstream API: data from vendors/<id>.json, embedded and read strictly.
type Vendor struct {
	ID      string            `json:"-"`               // file name: "openai"
	Name    string            `json:"name"`            // "OpenAI"
	BaseURL string            `json:"base_url"`        // "https://api.openai.com/v1", with {name} for a setting; empty: the credential must bring one
	Auth    string            `json:"auth"`            // how a secret is shown; see Auths
	Speaks  []Spoken          `json:"speaks"`          // what it understands, the preferred first
	Headers map[string]string `json:"headers"`         // sent on every call, e.g. anthropic-version
	Forward []string          `json:"forward"`         // request headers of the client that are passed on, lower case
	KeyHint string            `json:"key_hint"`        // what its secrets look like: "sk-ant-…"
	Models  string            `json:"models_path"`     // GET path that lists models, for "test this credential"; empty: none
	Docs    string            `json:"docs,omitempty"`  // where people get a key
	Local   bool              `json:"local,omitempty"` // runs on the user's machine (ollama): base URL may be private where egress allows it

	Env     []string `json:"env,omitempty"`     // environment variables in which people keep its key: "OPENAI_API_KEY"
	Sources []string `json:"sources,omitempty"` // public lists that confirm it: "litellm", "models.dev", "catwalk", …
	Notes   string   `json:"notes,omitempty"`   // what a user should know, a sentence
	Region  string   `json:"region,omitempty"`  // where it is when that matters: "cn", "eu"
	Fields  []Field  `json:"fields,omitempty"`  // what a credential has to say beside its secret
	Service string   `json:"service,omitempty"` // the name that AWS signatures are made for: "bedrock"
	Of      string   `json:"of,omitempty"`      // the vendor whose region, plan or second API this is: not counted as one of its own
	Plan    bool     `json:"plan,omitempty"`    // sold as a subscription, not by the call: not counted either

	// Routes: the vendor routes by itself and takes OpenRouter's provider object and models list, which then go to it as they came.
	Routes bool `json:"routes,omitempty"`
	// NoTraining: by its public terms the vendor does not train models on what is sent to its paid API, unless somebody opts in.
	// TermsSource is where that is written.
	NoTraining  bool   `json:"no_training,omitempty"`
	TermsSource string `json:"terms_source,omitempty"`

	// NoStreamOptions: the vendor rejects stream_options; usage comes by itself or not at all.
	NoStreamOptions bool `json:"no_stream_options,omitempty"`
	// OldMaxTokens: the vendor knows max_tokens only, not max_completion_tokens (openai-chat).
	OldMaxTokens bool `json:"old_max_tokens,omitempty"`
	// ReplayReasoning: the vendor takes the reasoning of earlier turns back, or even wants it in a tool loop (openai-chat).
	ReplayReasoning bool `json:"replay_reasoning,omitempty"`
	// Batch is its batch API; nil: none that we speak.
	Batch *BatchAPI `json:"batch,omitempty"`
	// Quirks are its other ways to speak its dialect.
	Quirks chat.Quirks `json:"quirks,omitzero"`
}

// BatchAPI is a vendor's interface for many calls that may take hours.
type BatchAPI struct {
	API     string `json:"api"`               // which one: a driver of package batch
	Percent int64  `json:"percent,omitempty"` // what a batched token costs of its list price, where the vendor says so for all models; 0: it does not
	Source  string `json:"source"`            // where the vendor says so
	// Needs are the settings that a credential has to say for it, by their names in Fields. One that lacks some has its lines run one
	// by one, and so has one with a base URL of its own.
	Needs []string `json:"needs,omitempty"`
}

// Spoken is one dialect that a vendor understands, and where.
type Spoken struct {
	Dialect Name   `json:"dialect"`
	BaseURL string `json:"base_url,omitempty"` // another host than the vendor's; not offered where a credential has a base URL of its own
	Prefix  string `json:"prefix,omitempty"`   // stands between base URL and path: "/anthropic/v1"
	Path    string `json:"path,omitempty"`     // instead of the dialect's own: "/deployments/{model}/chat/completions?api-version={api_version}"
	Auth    string `json:"auth,omitempty"`     // instead of the vendor's
	// Models are patterns of the models that it serves this way, "*" for any run of characters; empty: all. Except are patterns
	// of those that it does not.
	Models []string `json:"models,omitempty"`
	Except []string `json:"except,omitempty"`
}

// Field is a value that a credential brings beside its secret: a region, a project. It is not secret.
type Field struct {
	Name     string `json:"name"`  // "region"; {region} in addresses stands for its value
	Label    string `json:"label"` // "AWS region"
	Hint     string `json:"hint,omitempty"`
	Required bool   `json:"required,omitempty"`
	Default  string `json:"default,omitempty"`
}

// Auths are the ways to show a secret, besides "header:<name>" and "query:<name>". Package credential/sign does them.
//
//	bearer  Authorization: Bearer <secret>
//	none    nothing
//	aws     an AWS signature (SigV4) for Vendor.Service, or a bearer token where the secret is one
//	google  a token for a service account; x-goog-api-key where the secret is an API key
//	azure   a token of Microsoft's identity service; api-key where the secret is a key
func Auths() []string { return []string{"bearer", "none", "aws", "google", "azure"} }

// Encoding is what a request for the vendor has to be encoded with. Set it as chat.Request.Encoding before BuildRequest.
func (v *Vendor) Encoding() chat.Encoding {
	return chat.Encoding{NoStreamOptions: v.NoStreamOptions, OldMaxTokens: v.OldMaxTokens, ReplayReasoning: v.ReplayReasoning, Quirks: v.Quirks}
}

// Serves reports whether the vendor serves a model this way.
func (s *Spoken) Serves(model string) bool {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, strings.ReplaceAll(model, "/", ":"))
		return ok && err == nil
	}
	return (len(s.Models) == 0 || slices.ContainsFunc(s.Models, matches)) && !slices.ContainsFunc(s.Except, matches)
}

// Address is where a call goes: base with the prefix, then the vendor's own path for it or else the dialect's. Placeholders are
// filled with the model and the credential's settings, escaped; a value can never add a segment.
func (s *Spoken) Address(base, dialect, model string, settings map[string]string) string {
	where := dialect
	if s.Path != "" {
		where = fill(s.Path, model, settings)
	}
	return strings.TrimRight(base, "/") + fill(s.Prefix, model, settings) + where
}

// fill puts values in for {name}.
func fill(template, model string, settings map[string]string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return b.String()
		}
		value := settings[name]
		if name == "model" {
			value = model
		}
		if strings.Contains(b.String(), "?") {
			b.WriteString(url.QueryEscape(value))
		} else {
			b.WriteString(url.PathEscape(value))
		}
		template = after
	}
}

// Base fills the placeholders of the vendor's base URL with a credential's settings.
func (v *Vendor) Base(settings map[string]string) string { return fill(v.BaseURL, "", settings) }
