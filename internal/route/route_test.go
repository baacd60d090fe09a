package route_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func vendors(id string) (*provider.Vendor, bool) {
	known := map[string]string{"openai": "OpenAI", "anthropic": "Anthropic", "groq": "Groq", "together": "Together", "sandbox": "Sandbox", "ollama": "Ollama"}
	name, ok := known[id]
	return &provider.Vendor{ID: id, Name: name, BaseURL: "https://" + id}, ok
}

func listed(provider, model string) price.Record {
	return price.Record{ID: id.PriceRecord(provider + model), Provider: provider, Model: model, Rates: price.Rates{}.Set(chat.Input, 1)}
}

func organization(connected ...string) *snapshot.Org {
	org := &snapshot.Org{
		ID: "org_1", Default: map[string]id.Credential{}, Credentials: map[id.Credential]*snapshot.Credential{},
		Prices: price.NewBook([]price.Record{
			listed("openai", "gpt-4o"), listed("openai", "gpt-4o-mini"), listed("anthropic", "claude-sonnet-4-5"),
			listed("groq", "llama-3"), listed("together", "llama-3"), listed("ollama", price.AnyModel), listed("sandbox", "echo-mini"),
		}),
		Aliases: map[string]*snapshot.Alias{
			"fast-classifier": {Alias: alias.Alias{Name: "fast-classifier", Version: 4, Route: alias.Route{
				Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku"}, {Provider: "openai", Model: "gpt-4o-mini"}},
				Timeout: time.Second, Attempts: 5, OnDisconnect: "abort",
			}}},
			"slow-thinker": {Alias: alias.Alias{Name: "slow-thinker", Version: 1, Route: alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "o3"}}}}},
		},
	}
	for _, v := range connected {
		c := id.Credential("cred_" + v)
		org.Default[v] = c
		org.Credentials[c] = &snapshot.Credential{Credential: credential.Credential{ID: c, Provider: v}, BaseURL: "https://own." + v}
	}
	return org
}

func TestANameLeadsToTargetsInOrder(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	tests := []struct {
		name, model string
		connected   []string
		want        string // "vendor:model …"
		attempts    int
	}{
		{"an alias, in its order", "fast-classifier", []string{"openai", "anthropic"}, "anthropic:claude-haiku openai:gpt-4o-mini", 5},
		{"an alias skips what is not connected", "fast-classifier", []string{"openai"}, "openai:gpt-4o-mini", 5},
		{"provider and model", "openai/gpt-4o", []string{"openai"}, "openai:gpt-4o", 2},
		{"a model that no list knows", "openai/gpt-99", []string{"openai"}, "openai:gpt-99", 2},
		{"a bare name of one connected provider", "gpt-4o", []string{"openai", "anthropic"}, "openai:gpt-4o", 2},
		{"a bare name with a date", "gpt-4o-2024-08-06", []string{"openai"}, "openai:gpt-4o-2024-08-06", 2},
		{"two list it, one is connected", "llama-3", []string{"groq", "ollama"}, "groq:llama-3", 2},
		{"the sandbox needs no credential", "sandbox/echo-mini", nil, "sandbox:echo-mini", 2},
		{"the sandbox by a bare name", "echo-mini", nil, "sandbox:echo-mini", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := r.Resolve(organization(tt.connected...), &key.Key{}, &route.Ask{Name: tt.model, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range p.Targets {
				got = append(got, target.Vendor.ID+":"+target.Model)
				if target.Reason == "" || target.BaseURL == "" {
					t.Errorf("target %+v", target)
				}
			}
			if s := strings.Join(got, " "); s != tt.want || p.Attempts != tt.attempts || p.Timeout <= 0 {
				t.Errorf("%s, %d attempts", s, p.Attempts)
			}
		})
	}
}

func TestANameThatLeadsNowhereSaysWhy(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	narrow := &key.Key{Aliases: []string{"slow-thinker"}}
	tests := []struct {
		name, model string
		key         *key.Key
		connected   []string
		want        error
		says        string
		never       string
	}{
		{"a slip in an alias", "fast-clasifier", &key.Key{}, []string{"openai"}, route.ErrModel, "fast-classifier", ""},
		{"a slip in a model", "gpt-4o-mni", &key.Key{}, []string{"openai"}, route.ErrModel, "gpt-4o-mini", ""},
		{"what the key may not call is not offered", "fast-clasifier", narrow, []string{"openai"}, route.ErrModel, "GET /v1/models", "Did you mean fast"},
		{"a maker that is not connected", "claude-sonnet-4-5", &key.Key{}, []string{"openai"}, route.ErrNotConnected, "Anthropic", ""},
		{"a provider that is not connected", "groq/llama-3", &key.Key{}, nil, route.ErrNotConnected, "Groq", ""},
		{"an alias of which nothing is connected", "slow-thinker", &key.Key{}, nil, route.ErrNotConnected, "OpenAI", ""},
		{"two connected providers serve it", "llama-3", &key.Key{}, []string{"groq", "together"}, route.ErrAmbiguous, "groq/llama-3, together/llama-3", ""},
		{"an alias out of scope", "fast-classifier", narrow, []string{"openai"}, key.ErrAlias, "", ""},
		{"a model out of scope", "gpt-4o", narrow, []string{"openai"}, key.ErrModel, "", ""},
		{"a very long name", strings.Repeat("x", 5000), &key.Key{}, []string{"openai"}, route.ErrModel, "xxx", strings.Repeat("x", 200)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.Resolve(organization(tt.connected...), tt.key, &route.Ask{Name: tt.model, Now: noon})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
			if tt.never != "" && strings.Contains(err.Error(), tt.never) {
				t.Errorf("says %v", err)
			}
		})
	}
}

func TestAPinnedCredentialIsUsedAndItsLossIsNotPapered(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	org := organization("openai")
	org.Credentials["cred_2"] = &snapshot.Credential{Credential: credential.Credential{ID: "cred_2", Provider: "openai"}, BaseURL: "https://second"}
	org.Aliases["pinned"] = &snapshot.Alias{Alias: alias.Alias{Name: "pinned", Route: alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "m", Credential: "cred_2"}}}}}
	p, err := r.Resolve(org, &key.Key{}, &route.Ask{Name: "pinned", Now: noon})
	if err != nil || p.Targets[0].Credential.ID != "cred_2" || p.Targets[0].BaseURL != "https://second" {
		t.Fatalf("%+v %v", p, err)
	}
	delete(org.Credentials, "cred_2")
	if _, err := r.Resolve(org, &key.Key{}, &route.Ask{Name: "pinned", Now: noon}); !errors.Is(err, route.ErrNotConnected) {
		t.Errorf("the default credential was taken instead: %v", err)
	}
}
