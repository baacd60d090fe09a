package actor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"tollgate/test/replay"
)

// part is a piece of content in the words of openai-chat, openai-responses and anthropic-messages.
type part struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	ImageURL json.RawMessage `json:"image_url"` // chat: {url}, responses: a string
	Source   struct {
		Data string `json:"data"`
	} `json:"source"`
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Input   json.RawMessage `json:"input"`
	UseID   string          `json:"tool_use_id"`
	Content json.RawMessage `json:"content"`
}

// parts reads a text or a list of parts.
func parts(raw json.RawMessage) []part {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []part{{Type: "text", Text: s}}
	}
	var list []part
	_ = json.Unmarshal(raw, &list)
	return list
}

func plain(raw json.RawMessage) string {
	var said []string
	for _, p := range parts(raw) {
		if p.Text != "" {
			said = append(said, p.Text)
		}
	}
	return strings.Join(said, "\n")
}

// picture fingerprints a data URL or bare base64.
func picture(data string) string {
	if _, after, ok := strings.Cut(data, "base64,"); ok {
		data = after
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "no picture: " + err.Error()
	}
	return Fingerprint(raw)
}

type function struct {
	Name       string          `json:"name"`
	Parameters map[string]any  `json:"parameters"`
	Arguments  json.RawMessage `json:"arguments"`
}

func readChat(body []byte) (ask Ask, err error) {
	var in struct {
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
			Calls   []struct {
				ID       string   `json:"id"`
				Function function `json:"function"`
			} `json:"tool_calls"`
			CallID string `json:"tool_call_id"`
		} `json:"messages"`
		Tools []struct {
			Function function `json:"function"`
		} `json:"tools"`
		Choice json.RawMessage `json:"tool_choice"`
		Format struct {
			Type string `json:"type"`
			JSON struct {
				Schema map[string]any `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return ask, err
	}
	for _, m := range in.Messages {
		t := Turn{Assistant: m.Role == "assistant"}
		switch m.Role {
		case "system", "developer":
			ask.System += plain(m.Content) + "\n"
			continue
		case "tool":
			t.Results = []Result{{ID: m.CallID, Text: plain(m.Content)}}
		default:
			t.Text = plain(m.Content)
			for _, p := range parts(m.Content) {
				if p.Type == "image_url" {
					var u struct{ URL string }
					_ = json.Unmarshal(p.ImageURL, &u)
					t.Images = append(t.Images, picture(u.URL))
				}
			}
		}
		for _, c := range m.Calls {
			t.Calls = append(t.Calls, Call{ID: c.ID, Name: c.Function.Name, Args: text(c.Function.Arguments)})
		}
		ask.Turns = append(ask.Turns, t)
	}
	for _, t := range in.Tools {
		ask.Tools = append(ask.Tools, Tool{Name: t.Function.Name, Schema: t.Function.Parameters})
	}
	ask.Force = forced(in.Choice)
	ask.Schema = in.Format.JSON.Schema
	return ask, nil
}

// forced reads a tool choice: "required", {"function":{"name":…}}, {"type":"any"}, {"type":"tool","name":…}.
func forced(raw json.RawMessage) string {
	var word string
	_ = json.Unmarshal(raw, &word)
	var o struct {
		Type     string
		Name     string
		Function struct{ Name string }
	}
	_ = json.Unmarshal(raw, &o)
	switch {
	case word == "required", o.Type == "any":
		return "*"
	case o.Function.Name != "":
		return o.Function.Name
	}
	return o.Name
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func quoted(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func chatUsage(u replay.Usage) string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d}}`,
		u.InputTotal(), u.OutputTotal(), u.InputTotal()+u.OutputTotal(), u.CacheRead)
}

func chatFinish(act Act) string {
	if len(act.Calls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

func chatWhole(id, model string, act Act) string {
	message := map[string]any{"role": "assistant", "content": act.Text, "refusal": nil}
	if len(act.Calls) > 0 {
		var calls []any
		for _, c := range act.Calls {
			calls = append(calls, map[string]any{"id": c.ID, "type": "function", "function": map[string]any{"name": c.Name, "arguments": c.Args}})
		}
		message["tool_calls"], message["content"] = calls, nil
	}
	return fmt.Sprintf(`{"id":"chatcmpl-%s","object":"chat.completion","created":1700000000,"model":%s,"choices":[{"index":0,"message":%s,`+
		`"logprobs":null,"finish_reason":%q}],"usage":%s}`, id, quoted(model), quoted(message), chatFinish(act), chatUsage(act.Usage))
}

func chatStream(id, model string, act Act, usage bool) []string {
	var out []string
	chunk := func(choices, more string) {
		out = append(out, fmt.Sprintf(`data: {"id":"chatcmpl-%s","object":"chat.completion.chunk","created":1700000000,"model":%s,"choices":%s%s}`+"\n\n",
			id, quoted(model), choices, more))
	}
	delta := func(d any) { chunk(fmt.Sprintf(`[{"index":0,"delta":%s,"finish_reason":null}]`, quoted(d)), "") }
	delta(map[string]any{"role": "assistant", "content": ""})
	for _, p := range pieces(act.Text) {
		delta(map[string]any{"content": p})
	}
	for i, c := range act.Calls {
		call := func(v map[string]any) { v["index"] = i; delta(map[string]any{"tool_calls": []any{v}}) }
		call(map[string]any{"id": c.ID, "type": "function", "function": map[string]any{"name": c.Name, "arguments": ""}})
		for _, p := range pieces(c.Args) {
			call(map[string]any{"function": map[string]any{"arguments": p}})
		}
	}
	chunk(fmt.Sprintf(`[{"index":0,"delta":{},"finish_reason":%q}]`, chatFinish(act)), "")
	if usage {
		chunk("[]", `,"usage":`+chatUsage(act.Usage))
	}
	return append(out, "data: [DONE]\n\n")
}
