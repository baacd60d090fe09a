package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tollgate/test/replay"
)

// planTurns continues each recorded answer that called tools, as a client of each surface would: with the whole answer as it got it,
// and a result for each call.
func planTurns(g *gate, c *replay.Case) []*run {
	if !slices.Contains(replay.Chats(), c.Meta.Dialect) || c.Meta.Stream || c.Meta.Status != http.StatusOK {
		return nil
	}
	if len(replay.Read(c.Meta.Dialect, false, c.Response).Tools) == 0 || c.Has("legacy-functions") {
		return nil
	}
	var out []*run
	for _, s := range surfaces() {
		if w, ok := g.wayTo(c, s); ok {
			out = append(out, &run{kind: "turn", surface: s, c: c, way: w, do: (*gate).turn})
		}
	}
	return out
}

// turn: the provider gets back the calls that it made, by its own ids, with a result for each, and what it signed.
func (g *gate) turn(r *run) error {
	a := ask{surface: r.surface, model: r.model(), body: generic(r.surface, false)}
	var err error
	if a.surface != replay.Gemini {
		if a.body, err = withModel(a.body, a.model); err != nil {
			return err
		}
	}
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if a.body, err = nextTurn(r.surface, a.model, got.Body); err != nil {
		return err
	}
	g.provider.Play(r.key(), replay.Play{Turn: &replay.Turn{}})
	if got, err = g.send(r, a); err != nil {
		return err
	}
	call, err := g.arrived(r, got)
	if err != nil {
		return err
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("the next turn: status %d: %s", got.Status, clip(got.Body))
	}
	heard, err := replay.ReadAsk(call.Dialect, call.Body)
	if err != nil {
		return err
	}
	return continued(r, call, heard)
}

func continued(r *run, call replay.Call, heard replay.Ask) error {
	said := replay.Read(r.c.Meta.Dialect, false, r.c.Response)
	var calls, results []replay.Item
	for _, it := range heard.Items {
		switch it.Kind {
		case "tool_use":
			calls = append(calls, it)
		case "tool_result":
			results = append(results, it)
		}
	}
	if len(calls) != len(said.Tools) || len(results) != len(said.Tools) {
		return fmt.Errorf("of %d calls of tools the provider got %d back, and %d results: %s", len(said.Tools), len(calls), len(results), clip(call.Body))
	}
	for i, t := range said.Tools {
		place := fmt.Sprintf("call %d", i+1)
		if calls[i].Name != t.Name || calls[i].Data != replay.Canonical([]byte(t.Args)) {
			return fmt.Errorf("call %d came back as %+v, not %+v", i+1, calls[i], t)
		}
		if results[i].ID != place || results[i].Data != fmt.Sprintf("result %d", i+1) {
			return fmt.Errorf("result %d is %+v", i+1, results[i])
		}
		if t.ID != "" && !bytes.Contains(call.Body, fmt.Appendf(nil, "%q", t.ID)) {
			return fmt.Errorf("the id %q did not come back: %s", t.ID, clip(call.Body))
		}
	}
	if text := strings.TrimSpace(said.Text); text != "" && !slices.ContainsFunc(heard.Items, func(it replay.Item) bool {
		return it.Role == "assistant" && spaceless(it.Data) == spaceless(text)
	}) {
		return fmt.Errorf("the assistant's text did not come back: %s", clip(call.Body))
	}
	switch replay.Wire(r.c.Meta.Dialect) {
	case replay.Anthropic, replay.Converse, replay.Gemini, replay.Responses:
		for _, sign := range said.Signs {
			if !bytes.Contains(call.Body, []byte(sign)) {
				return fmt.Errorf("the signature %.40s… did not come back to its maker: %s", sign, clip(call.Body))
			}
		}
	}
	return nil
}

// nextTurn is what the client sends next: what it said, the answer as it stands, and the results.
func nextTurn(surface, model string, answer []byte) ([]byte, error) {
	a := replay.Read(surface, false, answer)
	var v struct {
		Choices []struct {
			Message json.RawMessage `json:"message"`
		} `json:"choices"`
		Content    json.RawMessage   `json:"content"`
		Output     []json.RawMessage `json:"output"`
		Candidates []struct {
			Content json.RawMessage `json:"content"`
		} `json:"candidates"`
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return nil, err
	}
	type obj = map[string]any
	result := func(i int) string { return fmt.Sprintf("result %d", i+1) }
	user := obj{"role": "user", "content": "Say something."}
	switch surface {
	case replay.OpenAI:
		messages := []any{user, v.Choices[0].Message}
		for i, t := range a.Tools {
			messages = append(messages, obj{"role": "tool", "tool_call_id": t.ID, "content": result(i)})
		}
		return json.Marshal(obj{"model": model, "messages": messages})
	case replay.Anthropic:
		var results []any
		for i, t := range a.Tools {
			results = append(results, obj{"type": "tool_result", "tool_use_id": t.ID, "content": result(i)})
		}
		return json.Marshal(obj{"model": model, "max_tokens": 4096, "thinking": obj{"type": "enabled", "budget_tokens": 1024}, "messages": []any{
			user, obj{"role": "assistant", "content": v.Content}, obj{"role": "user", "content": results},
		}})
	case replay.Responses:
		input := []any{user}
		for _, item := range v.Output {
			input = append(input, item)
		}
		for i, t := range a.Tools {
			input = append(input, obj{"type": "function_call_output", "call_id": t.ID, "output": result(i)})
		}
		return json.Marshal(obj{"model": model, "input": input, "store": false})
	}
	var results []any
	for i, t := range a.Tools {
		answer := obj{"name": t.Name, "response": obj{"result": result(i)}}
		if t.ID != "" {
			answer["id"] = t.ID
		}
		results = append(results, obj{"functionResponse": answer})
	}
	return json.Marshal(obj{"contents": []any{
		obj{"role": "user", "parts": []any{obj{"text": "Say something."}}}, v.Candidates[0].Content, obj{"role": "user", "parts": results},
	}})
}
