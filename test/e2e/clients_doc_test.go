package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/golden"
	"tollgate/test/replay"
)

// docs/clients.md says what TestEveryClientReachesEveryProvider does, with the versions that are pinned: neither can change alone.
func TestTheTableOfClientsIsWhatIsTested(t *testing.T) {
	t.Parallel()
	root, err := replay.Root()
	if err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(filepath.Join(root, "docs", "clients.md"))
	dated := regexp.MustCompile(`last changed on (\d{4}-\d\d-\d\d)`).FindSubmatch(old)
	day := time.Now().UTC().Format(time.DateOnly)
	if dated != nil && (!updating() || string(old) == clientTable(t, string(dated[1]))) { // the day of the last change, not of the test
		day = string(dated[1])
	}
	golden.Equal(t, "../../../docs/clients.md", []byte(clientTable(t, day)))
}

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func clientTable(t *testing.T, day string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Clients

Which client libraries and agents work with Tollgate unmodified: only a base URL and a virtual key are given to them. The table is written by
a test from the pinned versions and from the steps that it takes; it last changed on ` + day + `.

Every chat step is taken against four models: one whose provider is asked in openai-chat, one in openai-responses, one in anthropic-messages,
one in gemini. So each client meets its own dialect and three others. The provider is a double whose answers are made of what arrives: of the
system text, the tools' schemas, the results of the tools, the bytes of the picture. A client that reads the right answer has had its request
carried over whole. Recorded answers of real providers are read, too (*recorded*). Token counts are compared with the provider's, and the sum of all calls' costs with its bill, to the nano-dollar.

| client | versions | surface | steps |
| --- | --- | --- | --- |
`)
	for _, c := range clients() {
		name, versions := c.name, pins(t, c.in, strings.Fields(c.library))
		for _, at := range slices.Sorted(maps.Keys(c.faces)) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, versions, "`"+faces()[at]+"`", strings.Join(c.faces[at].steps, ", "))
			name, versions = "", ""
		}
	}
	fmt.Fprintf(&b, "| Claude Code | %s | `/v1/messages` | headless: a tool of its own, called and answered; streamed arguments; a bad key |\n",
		pins(t, "cli", []string{"@anthropic-ai/claude-code"}))
	fmt.Fprintf(&b, "| Codex | %s | `/v1/responses` | headless: a command of its shell, called and answered; a bad key |\n",
		pins(t, "cli", []string{"@openai/codex"}))
	b.WriteString(`
The steps: *whole* and *stream* are an answer at once and in pieces; *tools* is two calls in one turn, their results, and the answer made of
them; *structured* is an object by a schema, read by the client's own parser; *image* is a picture in the request; *limited* is a provider's
429, *overloaded* its 529, *broken-stream* a stream that ends in an error: each must be raised as the client's own class, and tell the call id
where the client keeps headers or bodies. *by-bearer* sends an Anthropic client's key as a bearer token.

## Set-up

| client | base URL | key |
| --- | --- | --- |
| OpenAI SDKs, LangChain's and LiteLLM's OpenAI classes, Vercel's ` + "`@ai-sdk/openai`, `@ai-sdk/openai-compatible`" + ` | ` + "`https://HOST/v1`" + ` | as the API key |
| LlamaIndex | ` + "`https://HOST/v1`, with `OpenAILike` and `OpenAILikeEmbedding`" + `: the other classes refuse names of models that they do not know | as the API key |
| Anthropic SDKs, LangChain's and LiteLLM's Anthropic classes, Claude Code (` + "`ANTHROPIC_BASE_URL`" + `) | ` + "`https://HOST`" + ` | as the API key, or as the bearer token (` + "`ANTHROPIC_AUTH_TOKEN`" + `) |
| Vercel's ` + "`@ai-sdk/anthropic`" + ` | ` + "`https://HOST/v1`" + ` | as the API key |
| Google Gen AI SDKs, LangChain's Google classes | ` + "`https://HOST`" + ` | as the API key |
| Vercel's ` + "`@ai-sdk/google`" + ` | ` + "`https://HOST/v1beta`" + ` | as the API key |
| Codex | ` + "`base_url = \"https://HOST/v1\"`, `wire_api = \"responses\"`" + ` in a ` + "`model_providers`" + ` entry of its own | the variable that ` + "`env_key`" + ` names |

## What to know

`)
	for _, c := range clients() {
		for _, at := range slices.Sorted(maps.Keys(c.faces)) {
			if why := c.faces[at].miscounts; why != "" {
				fmt.Fprintf(&b, "- %s on `%s`: token counts of streams are not the provider's, because %s.\n", c.name, faces()[at], why)
			}
		}
	}
	b.WriteString("- LangChain (JavaScript), Google: the client refuses images for models whose names it does not know, so for aliases.\n" +
		"- LiteLLM's Python client needs the package `mcp` for calls with tools, and does not bring it.\n" +
		"- Codex always offers the hosted web search. Models of other APIs do not get it, and `x-tollgate-warning` says so.\n" +
		"- Claude Code with models of other APIs needs no setting.\n")
	return b.String()
}

// pins are the versions of packages in a folder of test/sdk.
func pins(t *testing.T, in string, packages []string) string {
	t.Helper()
	file := map[string]string{"node": "package.json", "cli": "package.json", "go": "go.mod"}[in]
	if file == "" {
		file = "requirements.txt"
	}
	raw, err := os.ReadFile(filepath.Join(sdkDir(t), in, file))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	_ = json.Unmarshal(raw, &list)
	var out []string
	for _, name := range packages {
		version := list.Dependencies[name]
		if m := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(name) + `(?:==| v)(\S+)`).FindSubmatch(raw); m != nil {
			version = string(m[1])
		}
		if version == "" {
			t.Fatalf("%s pins no %s", file, name)
		}
		out = append(out, name+" "+version)
	}
	return strings.Join(out, ", ")
}

// docs/compatibility.md names the versions, too; the rest of that page is written by test/conformance.
func TestTheVersionsOfClientsStandInTheCompatibilityPage(t *testing.T) {
	t.Parallel()
	root, err := replay.Root()
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	dated := regexp.MustCompile(`last changed on (\d{4}-\d\d-\d\d)`).FindSubmatch(table)
	if dated == nil {
		t.Fatal("docs/clients.md has no date")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- clients: written by test/e2e with -update -->\nTested on %s with these versions; [clients.md](clients.md) says on which surfaces and with which steps.\n\n"+
		"| client | versions |\n| --- | --- |\n", dated[1])
	for _, c := range clients() {
		fmt.Fprintf(&b, "| %s | %s |\n", c.name, pins(t, c.in, strings.Fields(c.library)))
	}
	fmt.Fprintf(&b, "| Claude Code | %s |\n| Codex | %s |\n<!-- end of the clients -->",
		pins(t, "cli", []string{"@anthropic-ai/claude-code"}), pins(t, "cli", []string{"@openai/codex"}))

	path := filepath.Join(root, "docs", "compatibility.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)<!-- clients: .*<!-- end of the clients -->`)
	if got := string(section.Find(page)); got != b.String() {
		if !updating() {
			t.Fatalf("the versions changed (accept with -update): %s", b.String())
		}
		if err := os.WriteFile(path, section.ReplaceAll(page, []byte(b.String())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
