package providers

import (
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/provider"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
	"tollgate/web/ui"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func TestEveryVerdictHasAShapeAndAWord(t *testing.T) {
	t.Parallel()
	words := map[string]credential.Verdict{}
	for _, v := range []credential.Verdict{credential.OK, credential.Rejected, credential.Limited, credential.Unreachable, credential.Blocked, credential.Failing, credential.Untestable, ""} {
		state, word := verdict(credential.Credential{LastCheck: string(v)})
		if was, taken := words[word]; taken || word == "" || state == "" {
			t.Errorf("%q and %q are both %q", v, was, word)
		}
		words[word] = v
		if r := resultOf(credential.Result{Verdict: v, Message: "x"}); (r.Tone == ui.OK) != (v == credential.OK) {
			t.Errorf("a test that found %q is drawn as %q", v, r.Tone)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	anthropic := provider.Vendor{
		ID: "anthropic", Name: "Anthropic", Auth: "header:x-api-key", BaseURL: "https://api.anthropic.com", KeyHint: "sk-ant-…", Docs: "https://console.anthropic.com/keys", Models: "/models",
		Env: []string{"ANTHROPIC_API_KEY"}, Sources: []string{"litellm", "models.dev"}, Notes: "A note.", Speaks: []provider.Spoken{{Dialect: provider.AnthropicMessages}},
	}
	custom := provider.Vendor{ID: "custom", Name: "OpenAI-compatible", Auth: "bearer"}
	ollama := provider.Vendor{ID: "ollama", Name: "Ollama", Auth: "none", BaseURL: "http://127.0.0.1:11434/v1", Local: true, Models: "/models"}
	c := credential.Credential{ID: "cred_1", Provider: "anthropic", Name: "anthropic-eu", Hint: "7Qx2", Version: 2, Revision: 5, Default: true, CreatedAt: noon(), LastCheckAt: noon().Add(-time.Minute), LastCheck: "ok"}
	second := credential.Credential{ID: "cred_2", Provider: "anthropic", Name: "anthropic-us", BaseURL: "https://proxy.example", LastCheck: "rejected"}
	clock := ui.Clock{Now: noon()}
	pagetest.Golden(t, "list", list(listView{
		CanWrite: true, Clock: clock, Text: "an",
		Groups: []group{
			{ID: "anthropic", Name: "Anthropic", Credentials: []credential.Credential{c, second}, Month: usage.Row{Calls: 1000, Errors: 3, Cost: 7_811_020_000_000, Unpriced: 4}},
			{ID: "sandbox", Name: "Sandbox", Sandbox: true},
		},
		Catalog: []tile{{"anthropic", "Anthropic", detail(anthropic)}, {"custom", "OpenAI-compatible", detail(custom)}, {"ollama", "Ollama", detail(ollama)}},
	}))
	pagetest.Golden(t, "list_none", list(listView{Text: "zzz <b>", Clock: clock}))
	pagetest.Golden(t, "connect", connect(form{Vendor: anthropic, Others: 1}))
	pagetest.Golden(t, "connect_custom_wrong", connect(form{Vendor: custom, Name: "mine", Trouble: page.Trouble{Field: "base_url", Message: "This provider needs the base URL of your server."}}))
	pagetest.Golden(t, "connect_tested", connect(form{Vendor: ollama, Result: &result{ui.OK, "Ollama accepts it."}}))
	pagetest.Golden(t, "detail", single(detailView{Credential: c, Vendor: anthropic, CanWrite: true, Name: c.Name, Clock: clock}))
	pagetest.Golden(t, "detail_viewer", single(detailView{Credential: second, Vendor: anthropic, Clock: clock}))
	bedrock := provider.Vendor{
		ID: "bedrock", Name: "Amazon Bedrock", Auth: "aws", BaseURL: "https://bedrock-runtime.{region}.amazonaws.com",
		Fields: []provider.Field{{Name: "region", Label: "AWS region", Hint: "eu-west-1", Required: true}, {Name: "zone", Label: "Zone", Default: "a"}},
	}
	away := map[string]string{"region": "us-east-1", "zone": "b"}
	pagetest.Golden(t, "connect_fields", connect(form{Vendor: bedrock}))
	pagetest.Golden(t, "connect_fields_wrong", connect(form{
		Vendor: bedrock, Settings: map[string]string{"region": "evil.com/#"}, Trouble: page.Trouble{Field: "settings.region", Message: "AWS region: letters and digits."},
	}))
	placed := credential.Credential{ID: "cred_3", Provider: "bedrock", Name: "us", Hint: "MPLE", Version: 1, Revision: 1, Settings: away}
	pagetest.Golden(t, "detail_fields", single(detailView{Credential: placed, Vendor: bedrock, CanWrite: true, Name: "us", Settings: away, Clock: clock}))
	if unnamed := (detailView{Credential: credential.Credential{Name: "Anthropic"}, Vendor: anthropic}); unnamed.title() != "Anthropic" {
		t.Errorf("a credential with the name of its vendor is called %q", unnamed.title())
	}
	pagetest.Golden(t, "delete", remove(detailView{Credential: c, Vendor: anthropic, CanWrite: true}))
}
