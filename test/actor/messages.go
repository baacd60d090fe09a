package actor

import (
	"cmp"
	"encoding/json"
	"fmt"

	"tollgate/test/replay"
)

func readMessages(body []byte) (ask Ask, err error) {
	var in struct {
		System   json.RawMessage `json:"system"`
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		Tools []struct {
			Name   string         `json:"name"`
			Schema map[string]any `json:"input_schema"`
		} `json:"tools"`
		Choice json.RawMessage `json:"tool_choice"`
		Output struct {
			Format struct {
				Schema map[string]any `json:"schema"`
			} `json:"format"`
		} `json:"output_config"`
		Old struct {
			Schema map[string]any `json:"schema"`
		} `json:"output_format"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return ask, err
	}
	ask.System = plain(in.System)
	for _, m := range in.Messages {
		t := Turn{Assistant: m.Role == "assistant", Text: plain(m.Content)}
		for _, p := range parts(m.Content) {
			switch p.Type {
			case "image":
				t.Images = append(t.Images, picture(p.Source.Data))
			case "tool_use":
				t.Calls = append(t.Calls, Call{ID: p.ID, Name: p.Name, Args: string(p.Input)})
			case "tool_result":
				t.Results = append(t.Results, Result{ID: p.UseID, Text: plain(p.Content)})
			}
		}
		ask.Turns = append(ask.Turns, t)
	}
	for _, t := range in.Tools {
		ask.Tools = append(ask.Tools, Tool{Name: t.Name, Schema: t.Schema})
	}
	ask.Force = forced(in.Choice)
	if ask.Schema = in.Output.Format.Schema; ask.Schema == nil {
		ask.Schema = in.Old.Schema
	}
	return ask, nil
}

func messagesUsage(u replay.Usage, output int64) string {
	return fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":%d,"output_tokens":%d}`, u.Input, u.CacheRead, output)
}

func messagesStop(act Act) string {
	if len(act.Calls) > 0 {
		return "tool_use"
	}
	return "end_turn"
}

func messagesWhole(id, model string, act Act) string {
	content := []any{}
	if act.Text != "" {
		content = append(content, map[string]any{"type": "text", "text": act.Text})
	}
	for _, c := range act.Calls {
		content = append(content, map[string]any{"type": "tool_use", "id": c.ID, "name": c.Name, "input": json.RawMessage(c.Args)})
	}
	return fmt.Sprintf(`{"id":"msg_%s","type":"message","role":"assistant","model":%s,"content":%s,"stop_reason":%q,"stop_sequence":null,"usage":%s}`,
		id, quoted(model), quoted(content), messagesStop(act), messagesUsage(act.Usage, act.Usage.OutputTotal()))
}

func messagesStream(id, model string, act Act) []string {
	var out []string
	event := func(data string) {
		var e struct{ Type string }
		_ = json.Unmarshal([]byte(data), &e)
		out = append(out, "event: "+e.Type+"\ndata: "+data+"\n\n")
	}
	index := 0
	block := func(start, kind, member string, cut []string) {
		event(fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, index, start))
		for _, p := range cut {
			event(fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":%q,%q:%s}}`, index, kind, member, quoted(p)))
		}
		event(fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, index))
		index++
	}
	event(fmt.Sprintf(`{"type":"message_start","message":{"id":"msg_%s","type":"message","role":"assistant","model":%s,"content":[],`+
		`"stop_reason":null,"stop_sequence":null,"usage":%s}}`, id, quoted(model), messagesUsage(act.Usage, 1)))
	event(`{"type":"ping"}`)
	if act.Text != "" {
		block(`{"type":"text","text":""}`, "text_delta", "text", pieces(act.Text))
	}
	for _, c := range act.Calls {
		block(fmt.Sprintf(`{"type":"tool_use","id":%q,"name":%q,"input":{}}`, c.ID, c.Name), "input_json_delta", "partial_json", pieces(c.Args))
	}
	event(fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q,"stop_sequence":null},"usage":%s}`, messagesStop(act), messagesUsage(act.Usage, act.Usage.OutputTotal())))
	event(`{"type":"message_stop"}`)
	return out
}

// failure is a refusal in a dialect's envelope.
func failure(dialect string, status int) string {
	kind := map[int]string{400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}[status]
	if kind == "" {
		kind = "api_error"
	}
	message := fmt.Sprintf("The actor was told to fail with %d.", status)
	switch dialect {
	case Gemini:
		name := map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}[status]
		return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q}}`, status, message, cmp.Or(name, "UNAVAILABLE"))
	case Messages:
		return string(replay.ErrorBody(replay.Anthropic, kind, message))
	}
	return string(replay.ErrorBody(replay.OpenAI, kind, message))
}
