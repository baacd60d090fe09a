// Package client writes the snippets that show how an application reaches the gateway, with the reader's own base URL, key and model
// filled in.
package client

import (
	"cmp"
	"strings"

	"tollgate/web/ui"
)

// Caller is what is filled in. Model may be an alias.
type Caller struct {
	Gateway string // base URL of the gateway without /v1
	Key     string // a secret just made; empty: the reader's own variable
	Model   string
}

// Variable is the name under which snippets expect the key.
const Variable = "TOLLGATE_KEY"

// OpenAI is the base URL for SDKs of the OpenAI dialect.
func (c Caller) OpenAI() string { return strings.TrimSuffix(c.Gateway, "/") + "/v1" }

// Anthropic is the base URL for SDKs of the Anthropic dialect: they add /v1 themselves.
func (c Caller) Anthropic() string { return strings.TrimSuffix(c.Gateway, "/") }

const question = "Is this a refund request?"

// Tabs are the snippets, the plainest first.
func (c Caller) Tabs() []ui.SnippetTab {
	model := cmp.Or(c.Model, "fast-classifier")
	export := ""
	if c.Key != "" {
		export = "export " + Variable + "=\"" + c.Key + "\"\n\n"
	}
	fill := strings.NewReplacer("{openai}", c.OpenAI(), "{anthropic}", c.Anthropic(), "{model}", model, "{question}", question, "{var}", Variable,
		"{export}", export, "{key}", cmp.Or(c.Key, "$"+Variable))
	tabs := []ui.SnippetTab{
		{Name: "curl", Language: ui.Shell, Code: `{export}curl {openai}/chat/completions \
  -H "Authorization: Bearer ${var}" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}",
       "messages": [{"role": "user", "content": "{question}"}]}'`},
		{Name: "Python", Language: ui.Python, Code: `import os
from openai import OpenAI

client = OpenAI(
    base_url="{openai}",
    api_key=os.environ["{var}"],
)
answer = client.chat.completions.create(
    model="{model}",
    messages=[{"role": "user", "content": "{question}"}],
)
print(answer.choices[0].message.content)`},
		{Name: "JavaScript", Language: ui.Script, Code: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "{openai}",
  apiKey: process.env.{var},
});
const answer = await client.chat.completions.create({
  model: "{model}",
  messages: [{ role: "user", content: "{question}" }],
});
console.log(answer.choices[0].message.content);`},
		{Name: "Anthropic SDK", Language: ui.Python, Code: `import os
from anthropic import Anthropic

client = Anthropic(
    base_url="{anthropic}",
    api_key=os.environ["{var}"],
)
answer = client.messages.create(
    model="{model}",
    max_tokens=200,
    messages=[{"role": "user", "content": "{question}"}],
)
print(answer.content[0].text)`},
		{Name: "Claude Code", Language: ui.Shell, Code: `export ANTHROPIC_BASE_URL="{anthropic}"
export ANTHROPIC_AUTH_TOKEN="{key}"
export ANTHROPIC_MODEL="{model}"
claude`},
	}
	for i := range tabs {
		tabs[i].Code = fill.Replace(tabs[i].Code)
	}
	return tabs
}

// Facts are what an application needs, in pairs.
func (c Caller) Facts() []ui.Fact {
	return []ui.Fact{
		{Name: "OpenAI", Text: c.OpenAI(), Code: true, Copy: true},
		{Name: "Anthropic", Text: c.Anthropic(), Code: true, Copy: true},
		{Name: "Model", Text: cmp.Or(c.Model, "fast-classifier"), Code: true, Copy: true},
		{Name: "Key", Text: Variable, Code: true},
	}
}
