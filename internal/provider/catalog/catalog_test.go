package catalog_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/provider/vendors"
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
		if v.BaseURL == "" && !strings.HasPrefix(id, "custom") {
			t.Errorf("%s has no address", id)
		}
	}
	if _, ok := catalog.Vendor("nobody"); ok {
		t.Error("an unknown vendor was found")
	}
}

const good = `{"name":"X","base_url":"https://x.example/v1","auth":"bearer","speaks":[{"dialect":"openai-chat"}]}`

// Adding a vendor of a known dialect is one file: put beside the others, the one that the documentation shows is listed, found and
// asked, and nothing else had to change.
func TestAVendorIsOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, vendors.Files); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "acme.json"), documented(t), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := catalog.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(catalog.Vendors())+1 || catalog.Count(all) != catalog.Count(catalog.Vendors())+1 {
		t.Errorf("%d vendors, %d of them counted", len(all), catalog.Count(all))
	}
	found := catalog.Find(all, catalog.Filter{Text: "ACME", Operation: provider.Embed})
	if len(found) != 1 {
		t.Fatalf("a search found %d", len(found))
	}
	acme, settings := &found[0], map[string]string{"region": "eu"}
	for from, want := range map[provider.Name]string{
		provider.OpenAIChat:        "https://eu.api.acme.example/v1/chat/completions",
		provider.OpenAIEmbeddings:  "https://eu.api.acme.example/v1/embeddings",
		provider.AnthropicMessages: "https://eu.api.acme.example/v1/anthropic/v1/messages",
	} {
		way, target, ok := catalog.Choose(acme, client(t, from), "embed-1", false)
		if !ok {
			t.Errorf("a client of %s cannot ask it", from)
			continue
		}
		if got := way.Address(acme.Base(settings), target.Path(provider.Head{}, "embed-1"), "embed-1", settings); got != want {
			t.Errorf("a client of %s asks %s, want %s", from, got, want)
		}
	}
}

// documented is the vendor file that docs/providers.md shows.
func documented(t *testing.T) []byte {
	t.Helper()
	_, text, ok := strings.Cut(read(t, "docs/providers.md"), "```json\n")
	text, _, closed := strings.Cut(text, "```")
	if !ok || !closed {
		t.Fatal("docs/providers.md shows no vendor file")
	}
	return []byte(text)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheREADMEPromisesNoMoreProvidersThanThereAre(t *testing.T) {
	t.Parallel()
	before, _, ok := strings.Cut(read(t, "README.md"), "+ providers**")
	promised, err := strconv.Atoi(before[strings.LastIndex(before, "*")+1:])
	if !ok || err != nil || promised > catalog.Count(catalog.Vendors()) {
		t.Errorf("the README promises %d providers (%v), there are %d", promised, err, catalog.Count(catalog.Vendors()))
	}
}

func TestAVendorFileWithAMistakeIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, to string }{
		{"an unknown field", `"auth"`, `"colour":"red","auth"`},
		{"an unknown field of a dialect", `"openai-chat"`, `"openai-chat","colour":"red"`},
		{"text behind the end", `]}`, `]} {}`},
		{"no name", `"X"`, `""`},
		{"no dialect", `{"dialect":"openai-chat"}`, ``},
		{"an unknown dialect", "openai-chat", "klingon"},
		{"an unknown auth", "bearer", "handshake"},
		{"an unknown alternative of an auth", "bearer", "bearer|handshake"},
		{"an auth header without a name", "bearer", "header:"},
		{"an unknown auth of a dialect", `"openai-chat"`, `"openai-chat","auth":"handshake"`},
		{"no https", "https", "http"},
		{"no https for a dialect", `"openai-chat"`, `"openai-chat","base_url":"http://y.example"`},
		{"an address with a query", "/v1", "/v1?key=1"},
		{"an address with a user", "x.example", "u:p@x.example"},
		{"an address with a slash at its end", "/v1", "/v1/"},
		{"a placeholder that is no field", "x.example", "{region}.example"},
		{"a placeholder without an end", "x.example", "{model.example"},
		{"a field without a label", `"auth"`, `"fields":[{"name":"region"}],"auth"`},
		{"a prefix without a slash", `"openai-chat"`, `"openai-chat","prefix":"v2"`},
		{"a pattern of models that is none", `"openai-chat"`, `"openai-chat","models":["[a"]`},
		{"a pattern of models with a slash", `"openai-chat"`, `"openai-chat","except":["a/*"]`},
		{"a path without a slash", `"auth"`, `"models_path":"models","auth"`},
		{"a forwarded header in capitals", `"auth"`, `"forward":["X-Y"],"auth"`},
		{"documentation without https", `"auth"`, `"docs":"http://x.example","auth"`},
		{"a variable in lower case", `"auth"`, `"env":["x_key"],"auth"`},
		{"a part of a vendor that there is not", `"auth"`, `"of":"y","auth"`},
		{"a part of itself", `"auth"`, `"of":"x","auth"`},
	}
	if _, err := catalog.Load(fstest.MapFS{"x.json": {Data: []byte(good)}}); err != nil {
		t.Fatal(err)
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
	if v.Auth != "header:x-api-key" || v.Headers["anthropic-version"] != "2023-06-01" || v.Speaks[0].Dialect != provider.AnthropicMessages {
		t.Errorf("%+v", v)
	}
}

// The catalogue promises "over 100 providers": a region, a plan or a second API of one that is there does not count.
func TestThereAreAtLeast120Vendors(t *testing.T) {
	t.Parallel()
	all := catalog.Vendors()
	n := catalog.Count(all)
	t.Logf("%d vendors, in %d files", n, len(all))
	if n < 120 {
		t.Errorf("%d vendors are counted", n)
	}
	for _, id := range []string{"custom", "custom-anthropic", "sandbox", "moonshotai-cn", "zai-coding-plan", "vertex-global", "kuae-cloud-coding-plan"} {
		if v, ok := catalog.Vendor(id); !ok || catalog.Company(&v) {
			t.Errorf("%s (there: %v) is counted", id, ok)
		}
	}
}

func TestASearchFindsAVendorByWhatPeopleKnowOfIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		of         provider.Operation
		want       string
	}{
		{"by its name in any case", "gROQ", 0, "groq"},
		{"by words in any order", "ai together", 0, "together"},
		{"by its key variable", "AWS_BEARER_TOKEN", 0, "bedrock"},
		{"by a dialect", "anthropic-messages minimax", provider.Chat, "minimax"},
		{"by what it does", "mistral", provider.Embed, "mistral"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found := catalog.Find(catalog.Vendors(), catalog.Filter{Text: tt.text, Operation: tt.of})
			for _, v := range found {
				if v.ID == tt.want {
					return
				}
			}
			t.Errorf("%q found %d vendors, not %s", tt.text, len(found), tt.want)
		})
	}
	if found := catalog.Find(catalog.Vendors(), catalog.Filter{Text: "deepseek", Operation: provider.Speech}); len(found) > 0 {
		t.Errorf("%s speaks", found[0].ID)
	}
	for o := provider.Chat; o <= provider.Files; o++ {
		if got, ok := catalog.ParseOperation(o.String()); !ok || got != o {
			t.Errorf("%q is read as %v", o, got)
		}
	}
	if _, ok := catalog.ParseOperation(""); ok {
		t.Error("no word is an operation")
	}
}
