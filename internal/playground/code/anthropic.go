package code

import (
	"encoding/json"
	"strings"
)

// list is the elements of a JSON array.
func list(raw json.RawMessage) []json.RawMessage {
	var out []json.RawMessage
	_ = json.Unmarshal(raw, &out) // no list has no elements
	return out
}

func joined(elements []json.RawMessage) json.RawMessage {
	raw, err := json.Marshal(append([]json.RawMessage{}, elements...))
	if err != nil {
		return json.RawMessage("[]")
	}
	return raw
}

// spoken parts messages into what the system says at the beginning, and the rest.
func spoken(messages json.RawMessage) (system string, rest []json.RawMessage) {
	rest = list(messages)
	var said []string
	for len(rest) > 0 {
		var m struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}
		if json.Unmarshal(rest[0], &m) != nil || m.Role != "system" && m.Role != "developer" {
			break
		}
		said, rest = append(said, m.Content), rest[1:]
	}
	return strings.Join(said, "\n\n"), rest
}

// answerTokens is what an Anthropic call asks for where the column says nothing: the API wants a number.
const answerTokens = "1024"

// anthropic is the call in the form of Anthropic's Messages; false: it holds what that form says in another way (pictures, schemas).
func anthropic(body map[string]json.RawMessage) (map[string]json.RawMessage, bool) {
	if body["response_format"] != nil || strings.Contains(string(body["messages"]), `"image_url"`) {
		return nil, false
	}
	out := map[string]json.RawMessage{"model": body["model"], "max_tokens": json.RawMessage(answerTokens)}
	for _, name := range []string{"max_tokens", "temperature", "top_p", "tollgate"} {
		if v := body[name]; v != nil {
			out[name] = v
		}
	}
	system, rest := spoken(body["messages"])
	if system != "" {
		out["system"] = json.RawMessage(text(system))
	}
	out["messages"] = joined(rest)
	if body["tools"] != nil {
		tools, ok := anthropicTools(body["tools"])
		if !ok {
			return nil, false
		}
		out["tools"] = tools
	}
	return out, true
}

func anthropicTools(raw json.RawMessage) (json.RawMessage, bool) {
	type tool struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Schema      json.RawMessage `json:"input_schema"`
	}
	var out []tool
	for _, one := range list(raw) {
		var t struct {
			Type     string `json:"type"`
			Function struct {
				Name        string          `json:"name"`
				Description string          `json:"description"`
				Parameters  json.RawMessage `json:"parameters"`
			} `json:"function"`
		}
		if json.Unmarshal(one, &t) != nil || t.Type != "function" {
			return nil, false
		}
		if t.Function.Parameters == nil {
			t.Function.Parameters = json.RawMessage(`{"type":"object"}`)
		}
		out = append(out, tool{t.Function.Name, t.Function.Description, t.Function.Parameters})
	}
	tools, err := json.Marshal(out)
	return tools, err == nil
}

func anthropicPython(c Call, body map[string]json.RawMessage) string {
	return `import os
from anthropic import Anthropic

client = Anthropic(
    base_url=` + text(c.Gateway) + `,
    api_key=os.environ["TOLLGATE_KEY"],
)
answer = client.messages.create(
` + pythonArguments(body) + `)
print(answer.content[0].text)
`
}

func anthropicScript(c Call, body map[string]json.RawMessage) string {
	return `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: ` + text(c.Gateway) + `,
  apiKey: process.env.TOLLGATE_KEY,
});
const answer = await client.messages.create({
` + scriptMembers(body) + `});
console.log(answer.content[0].text);
`
}
