package client

import (
	"tollgate/internal/key"
	"tollgate/web/ui"
)

func curl(code string) snippet {
	return snippet{"curl", ui.Shell, "{export}" + code, []string{""}}
}

// chatCurl is the plainest call there is.
func chatCurl() snippet {
	return curl(`curl {openai}/chat/completions \
  -H "Authorization: Bearer ${var}" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}",
       "messages": [{"role": "user", "content": "{question}"}]}'`)
}

func responsesCurl() snippet {
	return curl(`curl {openai}/responses \
  -H "Authorization: Bearer ${var}" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}", "input": "{question}"}'`)
}

// requests are the chat surfaces without a library.
func (c Caller) requests() []entry {
	out := []entry{
		{name: "Chat completions", code: []snippet{chatCurl()}},
		{name: "Responses", code: []snippet{responsesCurl()}},
		{name: "Messages", code: []snippet{curl(`curl {root}/v1/messages \
  -H "x-api-key: ${var}" \
  -H "anthropic-version: 2023-06-01" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}", "max_tokens": 200,
       "messages": [{"role": "user", "content": "{question}"}]}'`)}},
		{name: "Gemini", code: []snippet{curl(`curl {root}/v1beta/models/{model}:generateContent \
  -H "x-goog-api-key: ${var}" \
  -H "Content-Type: application/json" \
  -d '{"contents": [{"role": "user", "parts": [{"text": "{question}"}]}]}'`)}},
	}
	if c.May(key.ModelsEndpoint) {
		out = append(out, list())
	}
	return out
}

// list is what the key may call.
func list() entry {
	return entry{name: "Models", notes: []string{"What the key may call: aliases first, with context windows and prices."}, code: []snippet{
		curl(`curl {openai}/models -H "Authorization: Bearer ${var}"`),
	}}
}
