package openaicompletions

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// ParseRequest decodes a client's body. A prompt of several texts or of token ids has no neutral form: it stands in Unmapped as
// "prompt", and only this dialect takes it back.
func (Dialect) ParseRequest(body []byte) (chat.Request, error) {
	f := provider.ParseFields("", body)
	r := chat.Request{
		Dialect:     dialectName,
		Model:       f.Text("model"),
		Temperature: f.Number("temperature"),
		TopP:        f.Number("top_p"),
		TopK:        f.Number("top_k"),
		Seed:        f.Number("seed"),
		User:        f.Text("user"),
		Stream:      f.Flag("stream"),
		MaxTokens:   max(0, f.Whole("max_tokens")),
	}
	f.TakeOurs()
	var options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	f.Into("stream_options", "an object with include_usage", &options)
	r.IncludeUsage = options.IncludeUsage
	openaichat.ParseStop(&f, &r)
	parsePrompt(&f, &r)
	r.Unmapped = f.Rest()
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrBody.Say("The request names no model.").At("model")
	}
	return r, f.Err
}

func parsePrompt(f *provider.Fields, r *chat.Request) {
	raw := f.Raw["prompt"]
	if !wire.Present(raw) {
		f.Refuse("prompt", "a string, a list of strings or a list of token ids")
		return
	}
	text, ok := wire.String(raw)
	if !ok {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			f.Refuse("prompt", "a string, a list of strings or a list of token ids")
			return
		}
		if text, ok = wire.String(list[0]); !ok || len(list) > 1 {
			return
		}
	}
	delete(f.Raw, "prompt")
	r.Messages = []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Path: "prompt", Text: text}}}}
}

// body is the request as it goes out.
type body struct {
	Model         string         `json:"model"`
	Prompt        string         `json:"prompt"`
	MaxTokens     int64          `json:"max_tokens,omitempty"`
	Temperature   json.Number    `json:"temperature,omitempty"`
	TopP          json.Number    `json:"top_p,omitempty"`
	TopK          json.Number    `json:"top_k,omitempty"`
	Seed          json.Number    `json:"seed,omitempty"`
	Stop          []string       `json:"stop,omitempty"`
	Stream        bool           `json:"stream,omitempty"`
	StreamOptions *streamOptions `json:"stream_options,omitempty"`
	User          string         `json:"user,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// BuildRequest encodes a call for a provider of this dialect: one question in words, with its instructions before it.
func (Dialect) BuildRequest(r chat.Request) ([]byte, error) {
	own := r.Dialect == dialectName
	out := body{
		Model: r.Model, MaxTokens: r.MaxTokens, Temperature: r.Temperature, TopP: r.TopP, TopK: r.TopK, Seed: r.Seed, Stop: r.Stop,
		Stream: r.Stream, User: r.User,
	}
	if r.Stream && !r.Encoding.NoStreamOptions {
		out.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if own {
		return buildOwn(r, out)
	}
	if err := checkPlain(r); err != nil {
		return nil, err
	}
	var texts []string
	for _, parts := range [][]chat.Part{r.System, r.Messages[0].Parts} {
		for _, p := range parts {
			texts = append(texts, p.Text)
		}
	}
	out.Prompt = strings.Join(texts, "\n\n")
	return wire.Marshal(out), nil
}

// buildOwn puts a request of this dialect together again.
func buildOwn(r chat.Request, out body) ([]byte, error) {
	left := r.Unmapped
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			out.Prompt += p.Text
		}
	}
	raw := wire.Marshal(out)
	if _, raws := left["prompt"]; raws {
		raw = bytes.Replace(raw, []byte(`,"prompt":""`), nil, 1)
	}
	if len(left) == 0 {
		return raw, nil
	}
	raw = append(bytes.TrimSuffix(raw, []byte("}")), ',')
	return append(raw, wire.Marshal(left)[1:]...), nil
}

// checkPlain refuses a conversation that is more than one question in words, whatever the call may lose: without it there is none.
func checkPlain(r chat.Request) error {
	unsupported := func(field string) error {
		return provider.ErrUnsupported.Say("The target model's API continues one text: it has no place for %q.", field).At(field)
	}
	if len(r.Messages) != 1 || r.Messages[0].Role != chat.User {
		return unsupported("messages")
	}
	for _, parts := range [][]chat.Part{r.System, r.Messages[0].Parts} {
		for _, p := range parts {
			if p.Kind != chat.Text {
				return unsupported("messages")
			}
		}
	}
	if len(r.Tools) > 0 {
		return unsupported("tools")
	}
	if r.Format != nil && r.Format.Type != "text" {
		if err := provider.Unsupported(r, "response_format"); err != nil {
			return err
		}
	}
	return provider.CheckUnmapped(r)
}
