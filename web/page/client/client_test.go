package client

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/golden"
	"tollgate/internal/key"
	"tollgate/web/ui"
)

const secretText = "tg_live_x"

// reader may call two aliases for chat, one of them with a large window, and one for embeddings.
func reader() Caller {
	return Caller{Gateway: "https://gateway.example/", Models: []Model{
		{Name: "fast-classifier", Context: 200_000, MaxOutput: 64_000}, {Name: "coder", Context: 1_000_000}, {Name: "embedder", purpose: embedding},
	}}
}

// variants are the readers whose snippets differ.
func variants() map[string]Caller {
	fresh, large, narrow, bare, local := reader(), reader(), reader(), reader(), reader()
	fresh.Key = secretText
	large.Models[0], large.Models[1] = large.Models[1], large.Models[0]
	narrow.Endpoints = []key.Endpoint{key.ChatEndpoint, key.EmbeddingsEndpoint}
	bare.Models = nil
	local.Gateway = "http://127.0.0.1:8081"
	return map[string]Caller{"reader": reader(), "fresh": fresh, "large": large, "narrow": narrow, "bare": bare, "local": local}
}

func panels(c Caller) []ui.SnippetChoice {
	return []ui.SnippetChoice{c.Panel("a", "First call"), c.More("b", "More endpoints")}
}

// text is all that a reader sees.
func text(c Caller) string {
	var b strings.Builder
	for _, p := range panels(c) {
		for _, g := range p.Groups {
			for _, one := range g.Clients {
				fmt.Fprintf(&b, "===== %s: %s\n", g.Name, one.Name)
				for _, n := range one.Notes {
					fmt.Fprintf(&b, "%s\n", n)
				}
				for _, f := range one.Facts {
					fmt.Fprintf(&b, "-- %s = %s\n", f.Name, f.Text)
				}
				for _, s := range one.Tabs {
					fmt.Fprintf(&b, "-- %s\n%s\n", s.Name, s.Code)
				}
			}
		}
	}
	return b.String()
}

func TestSnippetsAreFilledInForTheReader(t *testing.T) {
	t.Parallel()
	golden.Equal(t, "snippets.txt", []byte(text(reader())))
}

func TestNoGapIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range variants() {
		got := text(c)
		for _, gap := range []string{"{openai}", "{root}", "{model}", "{this}", "{question}", "{var}", "{export}", "{key}"} {
			if at := strings.Index(got, gap); at >= 0 {
				t.Errorf("%s: a gap in %q", name, got[max(at-60, 0):at+20])
			}
		}
	}
}

func TestASecretStandsOnlyWhereItsPageShowsIt(t *testing.T) {
	t.Parallel()
	for name, c := range variants() {
		for _, p := range panels(c) {
			for _, g := range p.Groups {
				for _, one := range g.Clients {
					for _, tab := range one.Tabs {
						switch shown := strings.Contains(tab.Code, secretText); {
						case shown && c.Key == "":
							t.Errorf("%s: %s, %s shows a secret", name, one.Name, tab.Name)
						case shown && tab.Language != ui.Shell:
							t.Errorf("%s: %s, %s has the secret in a file that is kept", name, one.Name, tab.Name)
						}
					}
				}
			}
		}
	}
	fresh := variants()["fresh"]
	if got := fresh.Short(); !slices.ContainsFunc(got, func(s ui.SnippetTab) bool { return strings.Contains(s.Code, secretText) }) {
		t.Error("no snippet of a new key works as it is")
	}
}

func TestEverySnippetIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, c := range variants() {
		for _, p := range panels(c) {
			for _, g := range p.Groups {
				for _, one := range g.Clients {
					if len(one.Tabs) == 0 && len(one.Facts) == 0 {
						t.Errorf("%s: %s has nothing to paste", name, one.Name)
					}
					for _, n := range one.Notes {
						if strings.Count(n, "`")%2 != 0 {
							t.Errorf("%s: %s: an open mark in %q", name, one.Name, n)
						}
					}
					for _, tab := range one.Tabs {
						if err := formed(tab); err != nil {
							t.Errorf("%s: %s, %s: %v\n%s", name, one.Name, tab.Name, err, tab.Code)
						}
					}
				}
			}
		}
	}
}

func formed(tab ui.SnippetTab) error {
	if strings.HasSuffix(tab.Name, ".json") {
		tab.Language = ui.JSON
	}
	switch tab.Language {
	case ui.Golang:
		_, err := parser.ParseFile(token.NewFileSet(), "main.go", tab.Code, parser.AllErrors)
		return err
	case ui.JSON:
		var v any
		return json.Unmarshal([]byte(tab.Code), &v)
	default:
		return nil
	}
}

func TestAKeySeesWhatItMayReach(t *testing.T) {
	t.Parallel()
	names := func(p ui.SnippetChoice) []string {
		var out []string
		for _, g := range p.Groups {
			for _, one := range g.Clients {
				out = append(out, one.Name)
			}
		}
		return out
	}
	c := reader()
	if got := names(c.More("m", "More")); len(got) != 8 {
		t.Errorf("every endpoint: %v", got)
	}
	c.Endpoints = []key.Endpoint{key.RerankEndpoint, key.EmbeddingsEndpoint}
	if got := strings.Join(names(c.Panel("p", "How to call")), " "); got != "Embeddings Rerank" {
		t.Errorf("without chat the panel has %s", got)
	}
	c.Endpoints = []key.Endpoint{key.ModelsEndpoint}
	if got := strings.Join(names(c.Panel("p", "How to call")), " "); got != "Models" {
		t.Errorf("a key that only lists has %s", got)
	}
	c.Endpoints = []key.Endpoint{key.ChatEndpoint}
	got := text(c)
	if strings.Contains(got, "DISCOVERY") || !strings.Contains(got, "may not list models") || !strings.Contains(got, "fetch: false") {
		t.Error("a key that may not list models is offered the list")
	}
}

func TestCodexIsToldTheContextWindowInTheWayThatItHears(t *testing.T) {
	t.Parallel()
	config := func(c Caller) (string, string) {
		e := c.codex()
		catalogue := ""
		if e.code[1].name == codexFile {
			catalogue = e.code[1].code
		}
		return e.code[0].code, catalogue
	}
	got, catalogue := config(reader())
	if !strings.Contains(got, "model_context_window = 200000\n") || strings.Contains(got, codexFile) || !strings.Contains(catalogue, `"coder"`) {
		t.Errorf("a window that Codex hears of: %s\n%s", got, catalogue)
	}
	got, _ = config(variants()["large"])
	if !strings.Contains(got, `model_catalog_json = "`+codexFile+`"`) || strings.Contains(got, "model_context_window") {
		t.Errorf("a window above its own: %s", got)
	}
	got, catalogue = config(variants()["bare"])
	if strings.Contains(got, "context") || catalogue != "" {
		t.Errorf("an unknown window: %s\n%s", got, catalogue)
	}
}

func TestAnAgentIsNotLeftToTheSandbox(t *testing.T) {
	t.Parallel()
	for name, c := range variants() {
		for _, e := range c.agents() {
			if got := strings.Contains(strings.Join(e.notes, " "), "only echoes"); got != (name == "bare") {
				t.Errorf("%s: %s is told of the sandbox: %v", name, e.name, got)
			}
		}
	}
}

func TestCursorIsToldWhenItCannotReachTheGateway(t *testing.T) {
	t.Parallel()
	for gateway, want := range map[string]bool{
		"https://gateway.example": false, "https://8.8.8.8": false, "http://127.0.0.1:8081": true, "http://localhost:8081": true, "http://[::1]:8081": true,
		"http://10.1.2.3": true, "https://gateway": true,
	} {
		if got := strings.Contains(Caller{Gateway: gateway}.cursor().notes[0], "will not reach"); got != want {
			t.Errorf("%s: %v", gateway, got)
		}
	}
}

func TestBaseURLsEndAsTheSDKsWant(t *testing.T) {
	t.Parallel()
	for _, gateway := range []string{"https://g.example", "https://g.example/"} {
		c := Caller{Gateway: gateway}
		if c.OpenAI() != "https://g.example/v1" || c.Anthropic() != "https://g.example" || c.Gemini() != "https://g.example" {
			t.Errorf("%s: %s, %s, %s", gateway, c.OpenAI(), c.Anthropic(), c.Gemini())
		}
	}
}
