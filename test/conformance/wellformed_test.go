package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tollgate/test/replay"
)

// wellFormed holds a stream to what the official SDKs demand of it.
func wellFormed(dialect string, body []byte) error {
	switch dialect {
	case replay.Anthropic:
		return wellFormedAnthropic(body)
	case replay.Responses:
		return wellFormedResponses(body)
	case replay.Gemini:
		return wellFormedGemini(body)
	}
	id, roles, done := "", 0, false
	for _, e := range replay.Events(body) {
		if e.Data == "" {
			continue
		}
		if done {
			return fmt.Errorf("something follows [DONE]: %s", e.Raw)
		}
		if e.Name != "" {
			return fmt.Errorf("an event has a name: %s", e.Raw)
		}
		if e.Data == "[DONE]" {
			done = true
			continue
		}
		var chunk struct {
			ID      string `json:"id"`
			Object  string `json:"object"`
			Choices []struct {
				Delta struct {
					Role string `json:"role"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal([]byte(e.Data), &chunk); err != nil || chunk.Object != "chat.completion.chunk" || chunk.ID == "" {
			return fmt.Errorf("a chunk is none: %s", e.Raw)
		}
		if id == "" {
			id = chunk.ID
		}
		if chunk.ID != id {
			return fmt.Errorf("the id changes from %s to %s", id, chunk.ID)
		}
		for _, choice := range chunk.Choices {
			if choice.Delta.Role != "" {
				roles++
			}
		}
	}
	if !done || roles != 1 {
		return fmt.Errorf("[DONE] seen: %v, role given %d times", done, roles)
	}
	return nil
}

func wellFormedAnthropic(body []byte) error {
	state, open, next := "start", -1, 0
	for _, e := range replay.Events(body) {
		if e.Data == "" {
			continue
		}
		var v struct {
			Type  string `json:"type"`
			Index int    `json:"index"`
		}
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil || v.Type != e.Name {
			return fmt.Errorf("event %q holds %s", e.Name, e.Data)
		}
		wrong := func() error {
			return fmt.Errorf("%s at a wrong place (%s, block %d open): %s", v.Type, state, open, e.Data)
		}
		switch v.Type {
		case "ping":
		case "message_start":
			if state != "start" {
				return wrong()
			}
			state = "content"
		case "content_block_start":
			if state != "content" || open >= 0 || v.Index != next {
				return wrong()
			}
			open, next = v.Index, next+1
		case "content_block_delta":
			if state != "content" || open != v.Index {
				return wrong()
			}
		case "content_block_stop":
			if open != v.Index {
				return wrong()
			}
			open = -1
		case "message_delta":
			if state != "content" || open >= 0 {
				return wrong()
			}
			state = "delta"
		case "message_stop":
			if state != "delta" {
				return wrong()
			}
			state = "stop"
		default:
			return wrong()
		}
	}
	if state != "stop" {
		return fmt.Errorf("the stream ends in state %s", state)
	}
	return nil
}

// wellFormedResponses: numbered events, each item opened before it grows and closed once, and an end that repeats what was said.
func wellFormedResponses(body []byte) error {
	number, state := 0, "start"
	open := map[int]string{}
	for _, e := range replay.Events(body) {
		if e.Data == "" {
			continue
		}
		var v struct {
			Type     string `json:"type"`
			Number   *int   `json:"sequence_number"`
			Index    int    `json:"output_index"`
			Response struct {
				Output []json.RawMessage `json:"output"`
				Status string            `json:"status"`
			} `json:"response"`
			Item struct {
				Type string `json:"type"`
				ID   string `json:"id"`
			} `json:"item"`
			ItemID string `json:"item_id"`
		}
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil || v.Type != e.Name {
			return fmt.Errorf("event %q holds %s", e.Name, e.Data)
		}
		if v.Number == nil || *v.Number != number {
			return fmt.Errorf("event %d has the number %v", number, v.Number)
		}
		number++
		wrong := func() error { return fmt.Errorf("%s at a wrong place (%s): %s", v.Type, state, clip([]byte(e.Data))) }
		switch v.Type {
		case "response.created":
			if state != "start" {
				return wrong()
			}
			state = "open"
		case "response.in_progress":
		case "response.output_item.added":
			if _, ok := open[v.Index]; ok || state != "open" || v.Index != len(open) {
				return wrong()
			}
			open[v.Index] = v.Item.ID
		case "response.output_item.done":
			if open[v.Index] != v.Item.ID || v.Item.ID == "closed" {
				return wrong()
			}
			open[v.Index] = "closed"
		case "response.completed", "response.incomplete":
			if state != "open" || len(v.Response.Output) != len(open) || "response."+v.Response.Status != v.Type {
				return wrong()
			}
			state = "end"
		default:
			if state != "open" || v.ItemID != "" && open[v.Index] != v.ItemID {
				return wrong()
			}
		}
	}
	if state != "end" {
		return fmt.Errorf("the stream ends in state %s", state)
	}
	// What the last event says whole is what the deltas said.
	events := replay.Events(body)
	var last struct {
		Response json.RawMessage `json:"response"`
	}
	for _, e := range events {
		if e.Name == "response.completed" || e.Name == "response.incomplete" {
			_ = json.Unmarshal([]byte(e.Data), &last)
		}
	}
	a, b := replay.Read(replay.Responses, true, body), replay.Read(replay.Responses, false, last.Response)
	if a.Text != b.Text || a.Refusal != b.Refusal || a.Reasoning != b.Reasoning || fmt.Sprint(a.Tools) != fmt.Sprint(b.Tools) || a.Usage != b.Usage {
		return fmt.Errorf("the deltas say %+v, the end %+v", a, b)
	}
	return nil
}

// wellFormedGemini: objects of candidates, in events or in one array, of which the last says why it ended and what was used.
func wellFormedGemini(body []byte) error {
	type object struct {
		Candidates []struct {
			Content *struct {
				Role  string            `json:"role"`
				Parts []json.RawMessage `json:"parts"`
			} `json:"content"`
			Finish string `json:"finishReason"`
		} `json:"candidates"`
		Usage json.RawMessage `json:"usageMetadata"`
	}
	var list []object
	if b := bytes.TrimSpace(body); bytes.HasPrefix(b, []byte("[")) {
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
	} else {
		for _, e := range replay.Events(body) {
			var o object
			if e.Data == "" {
				continue
			}
			if err := json.Unmarshal([]byte(e.Data), &o); err != nil || e.Name != "" {
				return fmt.Errorf("no event of Gemini's: %s", clip(e.Raw))
			}
			list = append(list, o)
		}
	}
	ends := 0
	for _, o := range list {
		for _, c := range o.Candidates {
			if c.Finish != "" {
				ends++
			}
			if c.Content != nil && c.Content.Role != "model" {
				return fmt.Errorf("content of the role %q", c.Content.Role)
			}
		}
	}
	if ends != 1 {
		return fmt.Errorf("%d of %d objects say why the answer ended", ends, len(list))
	}
	return nil
}
