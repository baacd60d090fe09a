// Package client writes the snippets that show how an application reaches the gateway, with the reader's own base URL, key and models
// filled in: one for every client that docs/clients.md tests, and for the apps and agents that are set up by hand.
//
// A secret stands in a snippet only where its page shows the secret anyway; elsewhere the reader's variable stands for it, and files
// always name the variable. Each snippet tells what its client adds to the base URL, and a test asks the gateway whether it serves that.
package client

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

// Caller is what is filled in.
type Caller struct {
	Gateway   string         // base URL of the gateway without /v1
	Key       string         // a secret just made; empty: the reader's own variable
	Models    []Model        // what the key may call; see Callable
	Endpoints []key.Endpoint // what the key may reach; empty: every endpoint
}

// New is a caller by a key, or by any key where it is nil.
func New(gateway string, k *key.Key, models []Model) Caller {
	c := Caller{Gateway: gateway, Models: models}
	if k != nil {
		c.Endpoints = k.Endpoints
	}
	return c
}

// Variable is the name under which snippets expect the key.
const Variable = "TOLLGATE_KEY"

func (c Caller) root() string { return strings.TrimSuffix(c.Gateway, "/") }

// OpenAI is the base URL for SDKs of the OpenAI dialect.
func (c Caller) OpenAI() string { return c.root() + "/v1" }

// Anthropic is the base URL for SDKs of the Anthropic dialect: they add /v1 themselves.
func (c Caller) Anthropic() string { return c.root() }

// Gemini is the base URL for Google's SDKs: they add /v1beta themselves.
func (c Caller) Gemini() string { return c.root() }

// May reports whether the key reaches an endpoint.
func (c Caller) May(e key.Endpoint) bool {
	return len(c.Endpoints) == 0 || slices.Contains(c.Endpoints, e)
}

// private reports whether the gateway is one that only this machine or network reaches.
func (c Caller) private() bool {
	u, err := url.Parse(c.Gateway)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsLinkLocalUnicast()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.Contains(host, ".")
}

// entry is one client: what its users should know, and its snippets, or the settings that are typed into it.
type entry struct {
	name  string
	notes []string // sentences; `marks` stand around code
	code  []snippet
	facts []ui.Fact
	adds  []string // for facts; see snippet
}

// snippet is one thing to paste. adds is what the client adds to the base URL in it, for each path it asks; none: it names no URL.
type snippet struct {
	name     string
	language ui.Language
	code     string
	adds     []string
}

type group struct {
	name    string
	entries []entry
}

// groups are all snippets of chat clients, the plainest first.
func (c Caller) groups() []group {
	return []group{
		{"curl", c.requests()},
		{"SDKs", c.sdks()},
		{"Coding agents", c.agents()},
		{"Apps", c.apps()},
	}
}

// Panel is the panel of every client. A key that may not chat has the endpoints that it may reach instead.
func (c Caller) Panel(id, label string) ui.SnippetChoice {
	if !c.May(key.ChatEndpoint) {
		return c.More(id, label)
	}
	return c.choice(id, label, c.groups())
}

// More is the panel of the endpoints beside chat completions that the key may reach.
func (c Caller) More(id, label string) ui.SnippetChoice {
	return c.choice(id, label, []group{{label, c.endpoints()}})
}

func (c Caller) choice(id, label string, groups []group) ui.SnippetChoice {
	out := ui.SnippetChoice{ID: id, Label: label}
	fill := c.filler()
	for _, g := range groups {
		shown := ui.SnippetGroup{Name: g.name}
		for _, e := range g.entries {
			one := ui.SnippetClient{Name: e.name, Facts: e.facts}
			for _, n := range e.notes {
				one.Notes = append(one.Notes, fill.Replace(n))
			}
			for _, s := range e.code {
				one.Tabs = append(one.Tabs, ui.SnippetTab{Name: s.name, Language: s.language, Code: fill.Replace(s.code)})
			}
			shown.Clients = append(shown.Clients, one)
		}
		out.Groups = append(out.Groups, shown)
	}
	return out
}

// Short are three snippets where there is room for no more: an SDK, the plain request, an agent.
func (c Caller) Short() []ui.SnippetTab {
	var out []ui.SnippetTab
	fill := c.filler()
	for _, s := range []snippet{openaiPython(), chatCurl(), claudeShell(c)} {
		out = append(out, ui.SnippetTab{Name: s.name, Language: s.language, Code: fill.Replace(s.code)})
	}
	out[2].Name = "Claude Code"
	return out
}

const question = "Is this a refund request?"

// filler fills the gaps of snippets.
func (c Caller) filler() *strings.Replacer {
	export := ""
	if c.Key != "" {
		export = "export " + Variable + "=\"" + c.Key + "\"\n\n"
	}
	return strings.NewReplacer("{openai}", c.OpenAI(), "{root}", c.root(), "{model}", c.model(), "{question}", question,
		"{var}", Variable, "{export}", export, "{key}", cmp.Or(c.Key, "$"+Variable))
}

// secret is what is typed where a program cannot read a variable.
func (c Caller) secret() ui.Fact {
	if c.Key == "" {
		return ui.Fact{Name: "API key", Text: "the key, tg_…"}
	}
	return ui.Fact{Name: "API key", Text: c.Key, Code: true, Copy: true}
}

// Facts are what an application needs, in pairs.
func (c Caller) Facts() []ui.Fact {
	return []ui.Fact{
		{Name: "OpenAI", Text: c.OpenAI(), Code: true, Copy: true},
		{Name: "Anthropic, Gemini", Text: c.Anthropic(), Code: true, Copy: true},
		{Name: "Model", Text: c.model(), Code: true, Copy: true},
		{Name: "Key", Text: Variable, Code: true},
	}
}
