package gateway_test

import (
	"testing"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// A line goes to Bedrock's jobs only where the credential says which bucket and role they have.
func TestALineGoesToABatchApiOnlyWithTheSettingsThatItNeeds(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"region": "eu-west-1", "batch_bucket": "acme", "batch_account": "123456789012", "batch_role": "Batches"}
	without := func(name string) map[string]string {
		out := map[string]string{}
		for k, v := range whole {
			if k != name {
				out[k] = v
			}
		}
		return out
	}
	for _, tt := range []struct {
		name     string
		settings map[string]string
		own      string // base URL
		path     string
		body     string
		want     string
		dialect  string
	}{
		{
			"all settings", whole, "", "/v1/messages", `{"model":"bedrock/anthropic.claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`,
			"bedrock", "anthropic-bedrock",
		},
		{"a client of another dialect", whole, "", "/v1/chat/completions", `{"model":"bedrock/amazon.nova-lite-v1:0","messages":[{"role":"user","content":"hi"}]}`, "bedrock", "bedrock-converse"},
		{"no bucket", without("batch_bucket"), "", "/v1/chat/completions", `{"model":"bedrock/amazon.nova-lite-v1:0","messages":[{"role":"user","content":"hi"}]}`, batch.Inline, ""},
		{"no role", without("batch_role"), "", "/v1/chat/completions", `{"model":"bedrock/amazon.nova-lite-v1:0","messages":[{"role":"user","content":"hi"}]}`, batch.Inline, ""},
		{"an address of one's own", whole, "https://bedrock.example.com", "/v1/chat/completions", `{"model":"bedrock/amazon.nova-lite-v1:0","messages":[{"role":"user","content":"hi"}]}`, batch.Inline, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connectURL("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com")
			for _, c := range w.org.Credentials {
				if c.Provider == "bedrock" {
					c.Settings, c.Credential.BaseURL = tt.settings, tt.own
				}
			}
			w.start()
			p, err := w.gw.Lines().Plan(t.Context(), batch.Order{
				Owner: batch.Owner{Org: w.org.ID, Key: w.key.ID}, Batch: "batch_1", Call: id.NewCall(), Path: tt.path, Body: []byte(tt.body),
			})
			if err != nil || p.Refused != nil || p.Place.Driver != tt.want || p.Place.Dialect != tt.dialect {
				t.Fatalf("%+v, %v", p, err)
			}
			if tt.want == batch.Inline {
				return
			}
			if got, err := w.gw.Lines().Settings(w.org.ID, p.Place); err != nil || got["batch_bucket"] != "acme" {
				t.Errorf("settings %v, %v", got, err)
			}
		})
	}
}
