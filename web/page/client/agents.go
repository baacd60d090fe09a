package client

import (
	"strconv"
	"strings"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

func (c Caller) agents() []entry {
	all := []entry{
		c.claudeCode(), c.codex(), c.cursor(), c.opencode(), c.geminiCLI(), aider(), c.cline(), c.continueDev(), c.zed(),
	}
	if !strings.HasPrefix(c.model(), "sandbox/") {
		return all
	}
	for i := range all {
		all[i].notes = append([]string{"The sandbox only echoes, so an agent gets no work done with it: connect a provider first."}, all[i].notes...)
	}
	return all
}

// claudeShell sets the model of background tasks, too: Claude Code's own would be one that the key may not call.
func claudeShell(c Caller) snippet {
	code := `export ANTHROPIC_BASE_URL="{root}"
export ANTHROPIC_AUTH_TOKEN="{key}"
export ANTHROPIC_MODEL="{model}"
export ANTHROPIC_DEFAULT_HAIKU_MODEL="{model}"  # for background tasks
`
	if c.May(key.ModelsEndpoint) {
		code += "export CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1\n"
	}
	return snippet{"Shell", ui.Shell, code + "claude", []string{addsMessages, addsMessages + "/count_tokens"}}
}

func (c Caller) claudeCode() entry {
	e := entry{name: "Claude Code", notes: []string{"Works with models of every provider, without further settings."}, code: []snippet{
		claudeShell(c),
		{"settings.json", ui.JSON, encoded(map[string]any{"env": c.claudeSettings()}), []string{addsMessages}},
	}}
	if c.May(key.ModelsEndpoint) {
		e.notes = append(e.notes, "With discovery on, its picker shows what the key may call; names that are not Claude's stand there as `claude/{model}`.")
	}
	e.notes = append(e.notes, "`settings.json` is the one in `~/.claude`; the token stays out of it, in `ANTHROPIC_AUTH_TOKEN`.")
	return e
}

func (c Caller) claudeSettings() map[string]string {
	env := map[string]string{
		"ANTHROPIC_BASE_URL": c.Anthropic(), "ANTHROPIC_MODEL": c.model(), "ANTHROPIC_DEFAULT_HAIKU_MODEL": c.model(),
	}
	if c.May(key.ModelsEndpoint) {
		env["CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"] = "1"
	}
	return env
}

// codexFallback is the context window that Codex takes for a model that it does not know, and the most that model_context_window is
// heard for then. Larger ones need a catalogue.
const codexFallback = 272_000

func (c Caller) codex() entry {
	config := `# ~/.codex/config.toml
model = "{model}"
model_provider = "tollgate"
`
	m, _ := c.named(chatting)
	switch {
	case m.Context > codexFallback:
		config += "model_catalog_json = \"" + codexFile + "\"  # the file of the next tab, beside this one\n"
	case m.Context > 0:
		config += "model_context_window = " + strconv.FormatInt(m.Context, 10) + "\n"
	}
	config += `
[model_providers.tollgate]
name = "Tollgate"
base_url = "{openai}"
env_key = "{var}"
wire_api = "responses"`
	e := entry{name: "Codex", notes: []string{
		"Run `codex logout` first if you ever logged in: a stored ChatGPT login goes before `env_key`.",
	}, code: []snippet{{"config.toml", ui.TOML, config, []string{addsResponses}}}}
	e.notes = append(e.notes, "Codex always offers a hosted web search. Models of other APIs do not get it, and `x-tollgate-warning` says so.")
	if catalogue := c.codexCatalogue(); catalogue != "" {
		e.code = append(e.code, snippet{name: codexFile, code: catalogue}) // too long to be coloured
		e.notes = append(e.notes, "`"+codexFile+"` tells Codex the context windows and fills its picker. It takes the place of Codex's own list, and its "+
			"`base_instructions` that of Codex's own: put yours there.")
	}
	e.code = append(e.code, snippet{name: "Shell", language: ui.Shell, code: "{export}codex"})
	return e
}

// cursor names each value, because it is typed into a form.
func (c Caller) cursor() entry {
	e := entry{name: "Cursor", adds: []string{addsChat}, notes: []string{
		"Settings → Models → API Keys. The calls come from Cursor's servers, so the gateway needs a public address.",
		"The override holds for all OpenAI models: switch it off to use Cursor's own. Tab completion never uses it. Cursor shows 429 and 5xx as a rate limit of your key.",
	}}
	if c.private() {
		e.notes[0] += " This one has none: Cursor will not reach it."
	}
	at := c.secret()
	at.Name = "OpenAI API Key"
	e.facts = []ui.Fact{
		at,
		{Name: "Override OpenAI Base URL", Text: c.root() + "/cursor", Code: true, Copy: true},
		{Name: "Add Custom Model", Text: c.model(), Code: true, Copy: true},
	}
	return e
}

func (c Caller) opencode() entry {
	return entry{name: "OpenCode", notes: []string{"`opencode.json` in the project, or `~/.config/opencode/opencode.json`. The models are those that the key names."}, code: []snippet{
		{"opencode.json", ui.JSON, c.opencodeConfig(), []string{addsChat}},
		{name: "Shell", language: ui.Shell, code: "{export}opencode"},
	}}
}

// geminiCLI needs its settings file: with a base URL and without a choice made there, it finds no way to log in.
func (c Caller) geminiCLI() entry {
	settings := map[string]any{"security": map[string]any{"auth": map[string]string{"selectedType": "gemini-api-key"}}}
	notes := []string{
		"`settings.json` is the one in `~/.gemini`. Helper calls ask for Google's own model names; a key that is confined to aliases refuses those.",
	}
	return entry{name: "Gemini CLI", notes: notes, code: []snippet{
		{"Shell", ui.Shell, `export GOOGLE_GEMINI_BASE_URL="{root}"
export GEMINI_API_KEY="{key}"
gemini -m {model}`, []string{addsGemini, "/v1beta/models/m:streamGenerateContent?alt=sse"}},
		{name: "settings.json", language: ui.JSON, code: encoded(settings)},
	}}
}

func aider() entry {
	return entry{name: "Aider", notes: []string{"The prefix `openai/` chooses the dialect and is not sent. Aider warns of models that it does not know; they work."}, code: []snippet{
		{"Shell", ui.Shell, `export OPENAI_API_BASE="{openai}"
export OPENAI_API_KEY="{key}"
aider --model openai/{model}`, []string{addsChat}},
	}}
}

func (c Caller) cline() entry {
	return entry{name: "Cline, Roo Code", adds: []string{addsChat}, notes: []string{"Settings of the extension → API Provider."}, facts: []ui.Fact{
		{Name: "API Provider", Text: "OpenAI Compatible"},
		{Name: "Base URL", Text: c.OpenAI(), Code: true, Copy: true},
		c.secret(),
		{Name: "Model ID", Text: c.model(), Code: true, Copy: true},
	}}
}

func (c Caller) continueDev() entry {
	code := `# ~/.continue/config.yaml
name: Tollgate
version: 0.0.1
schema: v1
models:
`
	var b strings.Builder
	for _, m := range c.chats() {
		b.WriteString("  - name: " + m.Name + `
    provider: openai
    model: ` + m.Name + `
    apiBase: {openai}
    apiKey: ${{ secrets.{var} }}
    roles: [chat, edit, apply]
`)
	}
	return entry{name: "Continue", notes: []string{"Put `{var}=…` into `~/.continue/.env`."}, code: []snippet{
		{"config.yaml", ui.YAML, code + strings.TrimSuffix(b.String(), "\n"), []string{addsChat}},
	}}
}

func (c Caller) zed() entry {
	return entry{name: "Zed", notes: []string{
		"Type the key into Settings → AI → LLM Providers, or start Zed with `TOLLGATE_API_KEY` set. `max_tokens` is the context window.",
	}, code: []snippet{{"settings.json", ui.JSON, c.zedSettings(), []string{addsChat}}}}
}
