package openaichat_test

import (
	"strings"
	"testing"

	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/provider/openaichat"
)

func TestARequestIsWrittenTheWayItsVendorTakesIt(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","max_tokens":100,"stream":true,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"Q"},` +
		`{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"tool_use","id":"t","name":"f","input":{}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`
	tests := []struct {
		vendor     string
		want, lack []string
	}{
		{"openai", []string{`"max_completion_tokens":100`, `"stream_options":{"include_usage":true}`}, []string{`"max_tokens"`, "Hm."}},
		{"mistral", []string{`"max_tokens":100`, `"thinking":[{"text":"Hm."`}, []string{"max_completion_tokens", "stream_options", "reasoning_content"}},
		{"deepseek", []string{`"max_tokens":100`, `"reasoning_content":"Hm."`, "stream_options"}, []string{"max_completion_tokens"}},
		{"openrouter", []string{`"max_completion_tokens":100`, `"reasoning_content":"Hm."`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.vendor, func(t *testing.T) {
			t.Parallel()
			v, ok := catalog.Vendor(tt.vendor)
			if !ok {
				t.Fatal("unknown vendor")
			}
			r, err := anthropic.Dialect{}.ParseRequest([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Encoding = v.Encoding()
			out, err := openaichat.Dialect{}.BuildRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tt.want {
				if !strings.Contains(string(out), w) {
					t.Errorf("no %s in %s", w, out)
				}
			}
			for _, l := range tt.lack {
				if strings.Contains(string(out), l) {
					t.Errorf("%s in %s", l, out)
				}
			}
		})
	}
}
