package catalog_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/golden"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

func client(t *testing.T, name provider.Name) provider.Client {
	t.Helper()
	c, ok := catalog.Client(name)
	if !ok {
		t.Fatalf("%s has no end for clients", name)
	}
	return c
}

// upstream is a provider of any name: it notes who was asked for what.
type upstream struct{ got *http.Request }

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	u.got = req
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

// Every way of every vendor is sent a call. Where it goes, under which name of the model, and how its secret is shown stands in a
// file that a person has read.
func TestACallReachesEveryVendorInEveryWay(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for _, v := range catalog.Vendors() {
		settings := map[string]string{}
		for _, f := range v.Fields {
			settings[f.Name] = "my-" + strings.ReplaceAll(f.Name, "_", "-")
		}
		for i := range v.Speaks {
			line, err := call(&v, &v.Speaks[i], settings)
			if err != nil {
				t.Errorf("%s, %s: %v", v.ID, v.Speaks[i].Dialect, err)
				continue
			}
			fmt.Fprintf(&list, "%s\t%s\t%s\n", v.ID, v.Speaks[i].Dialect, line)
		}
	}
	golden.Equal(t, "addresses.txt", []byte(list.String()))
}

func call(v *provider.Vendor, way *provider.Spoken, settings map[string]string) (string, error) {
	model := sample(way)
	target, from := asker(v, way, model)
	if target == nil {
		return "", fmt.Errorf("no client's call for %q comes this way", model)
	}
	base := v.Base(settings)
	if base == "" {
		base = "https://models.example/v1" // a credential has to bring one
	}
	if way.BaseURL != "" {
		base = way.BaseURL
	}
	method := http.MethodPost
	address := way.Address(base, target.Path(provider.Head{Model: model, Line: provider.Line{Method: method}}, model), model, settings)
	req, err := http.NewRequest(method, address, http.NoBody)
	if err != nil {
		return "", err
	}
	var u upstream
	answer, err := (&http.Client{Transport: &u}).Do(req)
	if err != nil {
		return "", err
	}
	_ = answer.Body.Close()
	if strings.ContainsAny(u.got.URL.Path, "{}") || strings.Contains(u.got.URL.Path, "//") || u.got.URL.Host == "" && v.BaseURL != catalog.Sandbox {
		return "", fmt.Errorf("%s is no address", u.got.URL)
	}
	how := way.Auth
	if how == "" {
		how = v.Auth
	}
	return fmt.Sprintf("%s %s\t%s\tmodel %s, asked by %s", method, u.got.URL, how, model, from), nil
}

// sample is a model that is asked this way: of its patterns, or one that no pattern names.
func sample(way *provider.Spoken) string {
	model := "some-model"
	if len(way.Models) > 0 {
		model = strings.NewReplacer("*", "x", ":", "/").Replace(way.Models[0])
	}
	return model
}

// asker is the first client's dialect whose call for the model comes this way.
func asker(v *provider.Vendor, way *provider.Spoken, model string) (provider.Target, provider.Name) {
	for _, d := range catalog.Dialects() {
		from, ok := d.(provider.Client)
		if !ok {
			continue
		}
		if chosen, target, ok := catalog.Choose(v, from, model, false); ok && chosen == way {
			return target, from.Name()
		}
	}
	return nil, ""
}

func TestARestrictionOfModelsHolds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		vendor, model string
		from, want    provider.Name
		host          string
	}{
		{"openai", "gpt-4o", provider.OpenAIChat, provider.OpenAIChat, ""},
		{"openai", "o3-pro-2025-06-10", provider.OpenAIChat, provider.OpenAIResponses, ""},
		{"openai", "gpt-5.1-codex-mini", provider.AnthropicMessages, provider.OpenAIResponses, ""},
		{"openai", "gpt-5", provider.OpenAIResponses, provider.OpenAIResponses, ""},
		{"deepseek", "deepseek-chat", provider.AnthropicMessages, provider.AnthropicMessages, ""},
		{"minimax", "MiniMax-M2", provider.AnthropicMessages, provider.AnthropicMessages, "https://api.minimax.io/anthropic/v1"},
		{"bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", provider.AnthropicMessages, provider.AnthropicBedrock, ""},
		{"bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", provider.OpenAIChat, provider.BedrockConverse, ""},
		{"bedrock", "amazon.nova-lite-v1:0", provider.AnthropicMessages, provider.BedrockConverse, ""},
		{"vertex", "claude-sonnet-4-5", provider.OpenAIChat, provider.AnthropicVertex, ""},
		{"vertex", "gemini-2.5-pro", provider.OpenAIChat, provider.Gemini, ""},
		{"vertex", "meta/llama-3.3-70b-instruct-maas", provider.AnthropicMessages, provider.OpenAIChat, ""},
		{"perplexity", "sonar-pro", provider.OpenAIChat, provider.OpenAIChat, ""},
		{"perplexity", "openai/gpt-5", provider.OpenAIChat, provider.OpenAIResponses, ""},
		{"azure-ai", "claude-opus-4-5", provider.OpenAIChat, provider.AnthropicMessages, ""},
		{"cohere", "command-a", provider.AnthropicMessages, provider.CohereChat, ""},
		{"google-gemini", "gemini-2.5-flash", provider.AnthropicMessages, provider.Gemini, ""},
		{"xai", "grok-4.20-multi-agent", provider.OpenAIChat, provider.OpenAIResponses, ""},
	}
	for _, tt := range tests {
		v, ok := catalog.Vendor(tt.vendor)
		if !ok {
			t.Errorf("no %s", tt.vendor)
			continue
		}
		way, _, ok := catalog.Choose(&v, client(t, tt.from), tt.model, false)
		if !ok || way.Dialect != tt.want || way.BaseURL != tt.host {
			t.Errorf("%s/%s for a client of %s: %+v, want %s", tt.vendor, tt.model, tt.from, way, tt.want)
		}
	}
}

// A credential with a base URL of its own never has its secret sent to a host that it does not name.
func TestAnOwnBaseURLIsTheOnlyHost(t *testing.T) {
	t.Parallel()
	for _, v := range catalog.Vendors() {
		for _, d := range catalog.Dialects() {
			from, ok := d.(provider.Client)
			if !ok {
				continue
			}
			for _, way := range v.Speaks {
				if got, _, ok := catalog.Choose(&v, from, sample(&way), true); ok && got.BaseURL != "" {
					t.Errorf("%s sends to %s", v.ID, got.BaseURL)
				}
			}
		}
	}
}

func TestAValueCannotChangeTheAddressAroundIt(t *testing.T) {
	t.Parallel()
	way := provider.Spoken{Dialect: provider.OpenAIChat, Path: "/deployments/{model}/chat?api-version={api_version}"}
	got := way.Address("https://x.example", "", "../../a?b#c", map[string]string{"api_version": "1&key=2#"})
	u, err := http.NewRequest(http.MethodPost, got, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if u.URL.Host != "x.example" || u.URL.Fragment != "" || strings.Count(u.URL.EscapedPath(), "/") != 3 ||
		!slices.Equal(u.URL.Query()["api-version"], []string{"1&key=2#"}) || u.URL.Query().Has("key") {
		t.Errorf("%s", got)
	}
}
