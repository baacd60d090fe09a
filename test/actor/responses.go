package actor

import (
	"encoding/json"
	"fmt"

	"tollgate/test/replay"
)

func readResponses(body []byte) (ask Ask, err error) {
	var in struct {
		Instructions string          `json:"instructions"`
		Input        json.RawMessage `json:"input"`
		Tools        []struct {
			Type       string         `json:"type"`
			Name       string         `json:"name"`
			Parameters map[string]any `json:"parameters"`
		} `json:"tools"`
		Choice json.RawMessage `json:"tool_choice"`
		Text   struct {
			Format struct {
				Schema map[string]any `json:"schema"`
			} `json:"format"`
		} `json:"text"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return ask, err
	}
	ask.System = in.Instructions + "\n"
	var said string
	if json.Unmarshal(in.Input, &said) == nil {
		ask.Turns = []Turn{{Text: said}}
	} else if err := ask.readItems(in.Input); err != nil {
		return ask, err
	}
	for _, t := range in.Tools {
		if t.Name != "" {
			ask.Tools = append(ask.Tools, Tool{Name: t.Name, Schema: t.Parameters, Free: t.Type == "custom"})
		}
	}
	ask.Force = forced(in.Choice)
	ask.Schema = in.Text.Format.Schema
	return ask, nil
}

func (ask *Ask) readItems(raw json.RawMessage) error {
	var items []struct {
		Type    string          `json:"type"`
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		CallID  string          `json:"call_id"`
		Name    string          `json:"name"`
		Args    string          `json:"arguments"`
		Output  json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	for _, it := range items {
		switch {
		case it.Type == "function_call":
			ask.Turns = append(ask.Turns, Turn{Assistant: true, Calls: []Call{{ID: it.CallID, Name: it.Name, Args: it.Args}}})
		case it.Type == "function_call_output":
			ask.Turns = append(ask.Turns, Turn{Results: []Result{{ID: it.CallID, Text: plain(it.Output)}}})
		case it.Role == "system" || it.Role == "developer":
			ask.System += plain(it.Content) + "\n"
		case it.Role != "":
			t := Turn{Assistant: it.Role == "assistant", Text: plain(it.Content)}
			for _, p := range parts(it.Content) {
				if p.Type == "input_image" {
					t.Images = append(t.Images, picture(text(p.ImageURL)))
				}
			}
			ask.Turns = append(ask.Turns, t)
		}
	}
	return nil
}

func responsesUsage(u replay.Usage) json.RawMessage {
	return fmt.Appendf(nil, `{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}`,
		u.InputTotal(), u.CacheRead, u.OutputTotal(), u.InputTotal()+u.OutputTotal())
}

func responseObject(id, model, status string, output []any, usage any) map[string]any {
	return map[string]any{
		"id": "resp_" + id, "object": "response", "created_at": 1700000000, "status": status, "model": model, "output": output, "usage": usage,
		"error": nil, "incomplete_details": nil, "instructions": nil, "metadata": map[string]any{}, "parallel_tool_calls": true, "temperature": 1.0,
		"tool_choice": "auto", "tools": []any{}, "top_p": 1.0, "max_output_tokens": nil, "previous_response_id": nil, "store": false,
		"reasoning": map[string]any{"effort": nil, "summary": nil}, "text": map[string]any{"format": map[string]any{"type": "text"}}, "truncation": "disabled", "user": nil,
	}
}

func messageItem(id, status string, content ...any) map[string]any {
	if content == nil {
		content = []any{}
	}
	return map[string]any{"id": "msg_" + id, "type": "message", "role": "assistant", "status": status, "content": content}
}

func textPart(s string) map[string]any {
	return map[string]any{"type": "output_text", "text": s, "annotations": []any{}}
}

func callItem(id string, n int, status string, c Call, args string) map[string]any {
	return map[string]any{"id": fmt.Sprintf("fc_%s_%d", id, n), "type": "function_call", "status": status, "call_id": c.ID, "name": c.Name, "arguments": args}
}

func responsesOutput(id string, act Act) []any {
	out := []any{}
	if act.Text != "" {
		out = append(out, messageItem(id, "completed", textPart(act.Text)))
	}
	for i, c := range act.Calls {
		out = append(out, callItem(id, i, "completed", c, c.Args))
	}
	return out
}

func responsesWhole(id, model string, act Act) string {
	return quoted(responseObject(id, model, "completed", responsesOutput(id, act), responsesUsage(act.Usage)))
}

func responsesStream(id, model string, act Act) []string {
	var out []string
	event := func(kind string, members map[string]any) {
		members["type"], members["sequence_number"] = kind, len(out)
		out = append(out, "event: "+kind+"\ndata: "+quoted(members)+"\n\n")
	}
	event("response.created", map[string]any{"response": responseObject(id, model, "in_progress", []any{}, nil)})
	event("response.in_progress", map[string]any{"response": responseObject(id, model, "in_progress", []any{}, nil)})
	index := 0
	if act.Text != "" {
		at := func(m map[string]any) map[string]any {
			m["item_id"], m["output_index"], m["content_index"] = "msg_"+id, index, 0
			return m
		}
		event("response.output_item.added", map[string]any{"output_index": index, "item": messageItem(id, "in_progress")})
		event("response.content_part.added", at(map[string]any{"part": textPart("")}))
		for _, p := range pieces(act.Text) {
			event("response.output_text.delta", at(map[string]any{"delta": p, "logprobs": []any{}}))
		}
		event("response.output_text.done", at(map[string]any{"text": act.Text, "logprobs": []any{}}))
		event("response.content_part.done", at(map[string]any{"part": textPart(act.Text)}))
		event("response.output_item.done", map[string]any{"output_index": index, "item": messageItem(id, "completed", textPart(act.Text))})
		index++
	}
	for i, c := range act.Calls {
		item := fmt.Sprintf("fc_%s_%d", id, i)
		event("response.output_item.added", map[string]any{"output_index": index, "item": callItem(id, i, "in_progress", c, "")})
		for _, p := range pieces(c.Args) {
			event("response.function_call_arguments.delta", map[string]any{"item_id": item, "output_index": index, "delta": p})
		}
		event("response.function_call_arguments.done", map[string]any{"item_id": item, "output_index": index, "name": c.Name, "arguments": c.Args})
		event("response.output_item.done", map[string]any{"output_index": index, "item": callItem(id, i, "completed", c, c.Args)})
		index++
	}
	event("response.completed", map[string]any{"response": responseObject(id, model, "completed", responsesOutput(id, act), responsesUsage(act.Usage))})
	return out
}
