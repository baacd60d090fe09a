package gateway

import (
	"bytes"
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// The cap that a bound stands on is in the request that the provider gets, whatever was there before, in every dialect that a client
// speaks and every one that a provider does.
func TestTheCapReachesEveryProvider(t *testing.T) {
	t.Parallel()
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	bodies := map[provider.Name][]string{
		provider.OpenAIChat: {
			`{"model":"m",` + hi + `}`, `{"model":"m",` + hi + `,"max_tokens":9999}`, `{"model":"m",` + hi + `,"max_completion_tokens":9999,"max_tokens":88888}`,
			`{"model":"m","max_tokens":0,` + hi + `}`, `{"model":"m","max_tokens":null,` + hi + `,"max_completion_tokens":-1}`,
		},
		provider.OpenAIResponses:   {`{"model":"m","input":"hi"}`, `{"model":"m","max_output_tokens":9999,"input":"hi"}`},
		provider.OpenAICursor:      {`{"model":"m","input":"hi"}`, `{"model":"m","max_tokens":9999,"input":"hi"}`},
		provider.OpenAICompletions: {`{"model":"m","prompt":"hi"}`, `{"model":"m","max_tokens":9999,"prompt":"hi"}`},
		provider.AnthropicMessages: {`{"model":"m",` + hi + `,"max_tokens":9999}`, `{"model":"m",` + hi + `}`},
		provider.Gemini: {
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":9999,"temperature":0}}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generation_config":{"max_output_tokens":9999}}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{}}`,
		},
	}
	ways := 0
	for name, list := range bodies {
		client, ok := catalog.Client(name)
		if !ok {
			t.Fatalf("no dialect %s", name)
		}
		for _, body := range list {
			got := withCap(name, []byte(body), 4321)
			head, err := client.Probe(got, provider.Line{Model: map[bool]string{true: "m"}[name == provider.Gemini]})
			if err != nil || head.MaxTokens != 4321 {
				t.Errorf("%s: %s has cap %d, %v", name, got, head.MaxTokens, err)
				continue
			}
			if bytes.Contains(got, []byte("9999")) || bytes.Contains(got, []byte("88888")) {
				t.Errorf("%s: an earlier cap is left in %s", name, got)
			}
			for _, d := range catalog.Dialects() {
				target, ok := d.(provider.Target)
				if !ok || target.Operation() != provider.Chat {
					continue
				}
				if sent, ok := sentTo(t, client, target, got, head); ok {
					ways++
					if n := strings.Count(string(sent), "4321"); n == 0 {
						t.Errorf("%s to %s lost the cap: %s", name, target.Name(), sent)
					}
				}
			}
		}
	}
	if ways < 60 {
		t.Errorf("%d ways were looked at", ways)
	}
}

// sentTo is what a provider of a dialect is sent; false where it cannot be asked so.
func sentTo(t *testing.T, client provider.Client, target provider.Target, body []byte, head provider.Head) ([]byte, bool) {
	t.Helper()
	v := &provider.Vendor{OldMaxTokens: true}
	head.OldMaxTokens = v.OldMaxTokens
	if provider.Carries(target, client.Name()) {
		out := provider.ApplyEdits(body, target.Edits(body, head, "model"))
		if target.Name() == provider.OpenAIChat && !bytes.Contains(out, []byte(`"max_tokens":4321`)) {
			t.Errorf("a vendor that knows max_tokens only gets %s", out)
		}
		return out, true
	}
	bridge, ok := provider.Join(client, target)
	if !ok {
		return nil, false
	}
	out, err := bridge.Request(body, head, "claude-sonnet-4-5", v.Encoding())
	return out, err == nil
}
