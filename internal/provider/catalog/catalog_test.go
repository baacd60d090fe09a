package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

func TestTheEmbeddedVendorsAreSound(t *testing.T) {
	t.Parallel()
	if err := catalog.Check(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		"openai", "anthropic", "mistral", "groq", "deepseek", "xai", "openrouter", "together", "fireworks", "ollama",
		"custom", "custom-anthropic", "sandbox",
	} {
		v, ok := catalog.Vendor(id)
		if !ok || v.ID != id || v.Name == "" {
			t.Errorf("%s: %+v, %v", id, v, ok)
			continue
		}
		if _, ok := catalog.Dialect(v.Dialect); !ok {
			t.Errorf("%s speaks %s, which nobody knows", id, v.Dialect)
		}
		if v.BaseURL == "" && !strings.HasPrefix(id, "custom") {
			t.Errorf("%s has no address", id)
		}
	}
	if _, ok := catalog.Vendor("nobody"); ok {
		t.Error("an unknown vendor was found")
	}
}

func TestAVendorFileWithAMistakeIsRefused(t *testing.T) {
	t.Parallel()
	const good = `{"name":"X","dialect":"openai-chat","base_url":"https://x.example/v1","auth":"bearer"}`
	if _, err := catalog.Load(fstest.MapFS{"x.json": {Data: []byte(good)}}); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, from, to string }{
		{"an unknown field", `"auth"`, `"colour":"red","auth"`},
		{"text behind the end", `"bearer"}`, `"bearer"} {}`},
		{"no name", `"X"`, `""`},
		{"an unknown dialect", "openai-chat", "klingon"},
		{"an unknown auth", "bearer", "handshake"},
		{"an auth header without a name", "bearer", "header:"},
		{"no https", "https", "http"},
		{"an address with a query", "/v1", "/v1?key=1"},
		{"an address with a user", "x.example", "u:p@x.example"},
		{"an address with a slash at its end", "/v1", "/v1/"},
		{"a path without a slash", `"auth"`, `"models_path":"models","auth"`},
		{"a forwarded header in capitals", `"auth"`, `"forward":["X-Y"],"auth"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tt.from, tt.to, 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			if v, err := catalog.Load(fstest.MapFS{"x.json": {Data: []byte(bad)}}); err == nil {
				t.Errorf("taken as %+v", v)
			}
		})
	}
}

func TestAnthropicIsAskedTheWayItsAPIWants(t *testing.T) {
	t.Parallel()
	v, _ := catalog.Vendor("anthropic")
	if v.Auth != "header:x-api-key" || v.Headers["anthropic-version"] != "2023-06-01" || v.Dialect != provider.AnthropicMessages {
		t.Errorf("%+v", v)
	}
}
