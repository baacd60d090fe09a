package gemini_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// Whatever bytes come, reader and taps do not fall over, the taps forward nothing that did not come, and what was read is written as
// JSON that can be read again.
func FuzzStream(f *testing.F) {
	f.Add([]byte("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\",\"thought\":true,\"thoughtSignature\":\"czE=\"},{\"functionCall\":{\"name\":\"f\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1}}\r\n\r\n"))
	f.Add([]byte("[{\"candidates\":[{\"finishReason\":1,\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"u\"}}]}}]}\n,{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}]"))
	f.Add([]byte("{\"error\":{\"code\":503,\"details\":[{\"retryDelay\":\"3s\"}]}}\r\n\r\ndata: {}"))
	f.Add([]byte("data: {\"candidates\":[{\"index\":-7,\"content\":{\"parts\":[{\"thoughtSignature\":\"eyJ0b2xsZ2F0ZSI6eyJraW5kIjoicmVkYWN0ZWQiLCJkYXRhIjoieCJ9fQ==\",\"thought\":true}]}}]}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if events, err := providertest.Read(gemini.Dialect{}.NewReader(), stream); err == nil {
			if last := events[len(events)-1].Kind; last != chat.End && last != chat.Failure {
				t.Fatalf("the last event is of kind %d", last)
			}
			for _, d := range []provider.ChatClient{gemini.Dialect{}, gemini.Array{}} {
				w := d.NewWriter(true)
				var out []byte
				for _, e := range events {
					out = w.Append(out, e)
				}
				if events[len(events)-1].Kind != chat.End {
					continue
				}
				if _, err := providertest.Read(gemini.Dialect{}.NewReader(), out); err != nil {
					t.Fatalf("%v in\n%s", err, out)
				}
				if d.Name() == provider.GeminiArray && !json.Valid(out) {
					t.Fatalf("no JSON: %s", out)
				}
			}
		}
		for _, array := range []bool{false, true} {
			tap := gemini.Dialect{}.NewTap(provider.Head{Stream: true, Array: array})
			half := len(stream) / 2
			out := bytes.Clone(tap.Feed(stream[:half]))
			out = append(out, tap.Feed(stream[half:])...)
			if !bytes.HasPrefix(stream, out) {
				t.Fatalf("%q came out of %q", out, stream)
			}
			tap.Close()
			for c, n := range tap.Seen().Usage.Units {
				if n < 0 {
					t.Fatalf("class %d is %d", c, n)
				}
			}
		}
	})
}

// Whatever a body is, it is read as an answer or refused, and the two ways of reading agree.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"candidates":[{"content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"A-_"}}]},"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":12},"responseId":"r"}`))
	f.Add([]byte(`[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]`))
	f.Add([]byte(`{"embeddings":[{"values":[1,2]}],"totalTokens":3,"predictions":[{"embeddings":{"values":[1],"statistics":{"token_count":2}}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		seen := gemini.Dialect{}.Inspect(body)
		if r, err := (gemini.Dialect{}).ParseResponse(body); err == nil {
			out := gemini.Dialect{}.AppendResponse(nil, r)
			if _, err := (gemini.Dialect{}).ParseResponse(out); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
		}
		for c, n := range seen.Usage.Units {
			if n < 0 {
				t.Fatalf("class %d is %d", c, n)
			}
		}
		gemini.Dialect{}.ParseRefusal(429, nil, body)
		for _, d := range []provider.Target{gemini.Count{}, gemini.Embed{}, gemini.EmbedBatch{}, gemini.Predict{}} {
			d.Inspect(body)
		}
		if a, err := (gemini.EmbedBatch{}).ParseResponse(body); err == nil {
			if out := (gemini.EmbedBatch{}).AppendResponse(nil, a); !json.Valid(out) {
				t.Fatalf("no JSON: %s", out)
			}
		}
		_, _ = gemini.Count{}.ParseResponse(body)
		_, _ = gemini.Predict{}.ParseResponse(body)
	})
}

// Whatever a client sends, it is read or refused; what is read is written as JSON, and what is carried stays JSON under its edits.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thought_signature":"czE="}]},{"parts":[{"functionResponse":{"name":"f","response":{"error":"x"}}}]}],"tools":{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT"}}]},"generation_config":{"topK":1,"thinkingConfig":{"thinkingBudget":-1}}}`))
	f.Add([]byte(`{"generateContentRequest":{"model":"models/m","contents":"Q","tools":[]},"tollgate":{}}`))
	f.Add([]byte(`{"requests":[{"model":"models/m","content":{"parts":[{"text":"x"}]}}],"tollgate":{},"model":"x"}`))
	f.Add([]byte(`{"tollgate":{"x":"eyJ0b2xsZ2F0ZSI6"},"contents":[{"parts":[{"text":"","thoughtSignature":"eyJ0b2xsZ2F0ZSI6"}]}],"model":"eyJ0b2xsZ2F0ZSI6"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		at := provider.Line{Model: "m", Stream: true}
		for _, d := range []interface {
			provider.Client
			provider.Target
		}{gemini.Dialect{}, gemini.Count{}, gemini.Count{Vertex: true}, gemini.Embed{}, gemini.EmbedBatch{}} {
			h, err := d.Probe(body, at)
			if err != nil || !json.Valid(body) {
				continue
			}
			if out := provider.ApplyEdits(body, d.Edits(body, h, "n")); !json.Valid(out) {
				t.Fatalf("%s: %s became %s", d.Name(), body, out)
			}
		}
		if r, err := (gemini.Dialect{}).ParseRequest(body); err == nil {
			for _, to := range []provider.ChatTarget{gemini.Dialect{}, openaichat.Dialect{}, anthropic.Dialect{}} {
				out, err := to.BuildRequest(r.Aimed("gemini-3-pro", true, chat.Encoding{DropUnsupported: true}))
				if err == nil && !json.Valid(out) {
					t.Fatalf("%s: %s", to.Name(), out)
				}
			}
		}
		if r, err := (gemini.Count{}).ParseRequest(body); err == nil {
			if out, err := (gemini.Count{}).BuildRequest(r.Aimed("m", false, chat.Encoding{})); err == nil && !json.Valid(out) {
				t.Fatalf("%s", out)
			}
		}
		if r, err := (gemini.EmbedBatch{}).ParseRequest(body); err == nil {
			_, _ = gemini.EmbedBatch{}.BuildRequest(r)
		}
		if r, err := (gemini.Embed{}).ParseRequest(body); err == nil {
			_, _ = gemini.Embed{}.BuildRequest(r)
		}
	})
}
