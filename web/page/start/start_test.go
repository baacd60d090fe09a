package start

import (
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/key"
	"tollgate/web/page/client"
	"tollgate/web/page/pagetest"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func TestTheSnippetNamesAModelThatTheKeyMayCall(t *testing.T) {
	t.Parallel()
	some := []alias.Alias{{Name: "coder"}}
	for name, tt := range map[string]struct {
		k       *key.Key
		aliases []alias.Alias
		want    string
	}{
		"nothing yet":         {nil, nil, "sandbox/echo-mini"},
		"an alias":            {nil, some, "coder"},
		"a key for an alias":  {&key.Key{Aliases: []string{"fast"}}, some, "fast"},
		"a key for a model":   {&key.Key{Models: []string{"openai/*", "openai/gpt-4o"}}, some, "openai/gpt-4o"},
		"a key for all":       {&key.Key{}, some, "coder"},
		"a key and no alias":  {&key.Key{}, nil, "sandbox/echo-mini"},
		"a key for a pattern": {&key.Key{Models: []string{"sandbox/*"}}, nil, "sandbox/echo-mini"},
	} {
		if got := model(tt.k, tt.aliases); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	v := view{Caller: client.Caller{Gateway: "https://gateway.example", Model: "sandbox/echo-mini"}}
	if v.setup() != "1 of 3" {
		t.Errorf("a newcomer has done %q", v.setup())
	}
	pagetest.Golden(t, "newcomer", checklist(v))
	v.Providers, v.Key = []string{"Anthropic", "OpenAI"}, &key.Key{Name: "support-triage-prod", Prefix: "tg_live_9fK2", Last4: "6KjE"}
	pagetest.Golden(t, "waiting", checklist(v))
	v.First = first{Done: true, ID: "call_1", At: noon().Add(-time.Minute), Now: noon()}
	if v.setup() != "" {
		t.Errorf("who is done is told %q", v.setup())
	}
	pagetest.Golden(t, "received", checklist(v))
}
