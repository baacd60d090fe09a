package client

import (
	"bytes"
	"encoding/json"
)

// encoded is v as an indented file. What is encoded here always can be.
func encoded(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "{}"
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// codexFile is the name of Codex's model catalogue; a relative path in config.toml starts at that file.
const codexFile = "tollgate-models.json"

// codexModel is an entry of that catalogue: the fields that Codex requires, the older ones of which newer versions ignore.
type codexModel struct {
	Slug              string          `json:"slug"`
	DisplayName       string          `json:"display_name"`
	ContextWindow     int64           `json:"context_window"`
	BaseInstructions  string          `json:"base_instructions"`
	ReasoningLevels   []string        `json:"supported_reasoning_levels"`
	ShellType         string          `json:"shell_type"`
	Visibility        string          `json:"visibility"`
	InAPI             bool            `json:"supported_in_api"`
	Priority          int             `json:"priority"`
	Verbosity         bool            `json:"support_verbosity"`
	ReasoningSummary  bool            `json:"supports_reasoning_summaries"`
	ParallelToolCalls bool            `json:"supports_parallel_tool_calls"`
	Truncation        codexTruncation `json:"truncation_policy"`
	ExperimentalTools []string        `json:"experimental_supported_tools"`
}

type codexTruncation struct {
	Mode  string `json:"mode"`
	Limit int    `json:"limit"`
}

const codexInstructions = "You are a coding agent in a terminal. Work in the user's folder with the tools you have: read before you change, make the " +
	"smallest change that does what is asked, run the tests that cover it, and keep going until it is done. Never undo work that is not yours. End with a short account of what you changed."

// codexCatalogue tells Codex of every chat model whose context window is known; "" without any.
func (c Caller) codexCatalogue() string {
	var list []codexModel
	for _, m := range c.chats() {
		if m.Context == 0 {
			continue
		}
		list = append(list, codexModel{
			Slug: m.Name, DisplayName: m.Name, ContextWindow: m.Context, BaseInstructions: codexInstructions, ReasoningLevels: []string{},
			ShellType: "unified_exec", Visibility: "list", InAPI: true, Priority: len(list) + 1, ParallelToolCalls: true,
			Truncation: codexTruncation{"tokens", 10_000}, ExperimentalTools: []string{},
		})
	}
	if len(list) == 0 {
		return ""
	}
	return encoded(map[string]any{"models": list})
}

type opencodeModel struct {
	Name  string         `json:"name"`
	Limit *opencodeLimit `json:"limit,omitempty"` // both or none
}

type opencodeLimit struct {
	Context int64 `json:"context"`
	Output  int64 `json:"output"`
}

func (c Caller) opencodeConfig() string {
	type options struct {
		BaseURL string `json:"baseURL"`
		APIKey  string `json:"apiKey"`
	}
	type provider struct {
		Package string                   `json:"npm"`
		Name    string                   `json:"name"`
		Options options                  `json:"options"`
		Models  map[string]opencodeModel `json:"models"`
	}
	models := map[string]opencodeModel{}
	for _, m := range c.chats() {
		one := opencodeModel{Name: m.Name}
		if m.Context > 0 && m.MaxOutput > 0 {
			one.Limit = &opencodeLimit{m.Context, m.MaxOutput}
		}
		models[m.Name] = one
	}
	return encoded(struct {
		Schema   string              `json:"$schema"`
		Model    string              `json:"model"`
		Provider map[string]provider `json:"provider"`
	}{"https://opencode.ai/config.json", "tollgate/" + c.model(), map[string]provider{
		"tollgate": {"@ai-sdk/openai-compatible", "Tollgate", options{c.OpenAI(), "{env:" + Variable + "}"}, models},
	}})
}

// zedWindow stands where the context window is not known: Zed wants one.
const zedWindow = 128_000

func (c Caller) zedSettings() string {
	type model struct {
		Name      string `json:"name"`
		MaxTokens int64  `json:"max_tokens"`
		MaxOutput int64  `json:"max_output_tokens,omitempty"`
	}
	type provider struct {
		URL    string  `json:"api_url"`
		Models []model `json:"available_models"`
	}
	var models []model
	for _, m := range c.chats() {
		window := m.Context
		if window == 0 {
			window = zedWindow
		}
		models = append(models, model{m.Name, window, m.MaxOutput})
	}
	return encoded(map[string]any{"language_models": map[string]any{"openai_compatible": map[string]provider{"tollgate": {c.OpenAI(), models}}}})
}
