package client

import (
	"strings"
	"testing"

	"tollgate/internal/golden"
)

func TestSnippetsAreFilledInForTheReader(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, tab := range (Caller{Gateway: "https://gateway.example/", Model: "fast-classifier"}).Tabs() {
		b.WriteString("== " + tab.Name + "\n" + tab.Code + "\n")
	}
	golden.Equal(t, "tabs.txt", []byte(b.String()))
}

func TestASnippetCarriesASecretOnlyWhenItWasJustMade(t *testing.T) {
	t.Parallel()
	for _, tab := range (Caller{Gateway: "https://g", Key: "tg_live_x", Model: "m"}).Tabs() {
		if strings.ContainsAny(tab.Code, "{}") && strings.Contains(tab.Code, "{openai}") {
			t.Errorf("%s has a gap: %s", tab.Name, tab.Code)
		}
	}
	for _, tab := range (Caller{Gateway: "https://g", Model: "m"}).Tabs() {
		if strings.Contains(tab.Code, "tg_live") || strings.Contains(tab.Code, "{") && strings.Contains(tab.Code, "{var}") {
			t.Errorf("%s: %s", tab.Name, tab.Code)
		}
	}
}

func TestBaseURLsEndAsTheSDKsWant(t *testing.T) {
	t.Parallel()
	for _, gateway := range []string{"https://g.example", "https://g.example/"} {
		c := Caller{Gateway: gateway}
		if c.OpenAI() != "https://g.example/v1" || c.Anthropic() != "https://g.example" {
			t.Errorf("%s: %s, %s", gateway, c.OpenAI(), c.Anthropic())
		}
	}
}
