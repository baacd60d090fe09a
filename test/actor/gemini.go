package actor

import (
	"encoding/json"
	"fmt"
	"strings"

	"tollgate/test/replay"
)

// geminiPart is a part of a Gemini content.
type geminiPart struct {
	Text   string `json:"text,omitempty"`
	Inline *struct {
		Data string `json:"data"`
	} `json:"inlineData,omitempty"`
	Call *struct {
		ID   string          `json:"id,omitempty"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall,omitempty"`
	Result *struct {
		ID       string         `json:"id"`
		Name     string         `json:"name"`
		Response map[string]any `json:"response"`
	} `json:"functionResponse,omitempty"`
}

func readGemini(body []byte) (ask Ask, err error) {
	type content struct {
		Role  string       `json:"role"`
		Parts []geminiPart `json:"parts"`
	}
	var in struct {
		System   content   `json:"systemInstruction"`
		Contents []content `json:"contents"`
		Tools    []struct {
			Functions []struct {
				Name       string         `json:"name"`
				Parameters map[string]any `json:"parameters"`
				JSON       map[string]any `json:"parametersJsonSchema"`
				Snake      map[string]any `json:"parameters_json_schema"` // the Python SDK's; Google takes both
			} `json:"functionDeclarations"`
		} `json:"tools"`
		Config struct {
			Calling struct {
				Mode    string   `json:"mode"`
				Allowed []string `json:"allowedFunctionNames"`
			} `json:"functionCallingConfig"`
		} `json:"toolConfig"`
		Generation struct {
			Schema map[string]any `json:"responseSchema"`
			JSON   map[string]any `json:"responseJsonSchema"`
		} `json:"generationConfig"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return ask, err
	}
	for _, p := range in.System.Parts {
		ask.System += p.Text + "\n"
	}
	for _, c := range in.Contents {
		t := Turn{Assistant: c.Role == "model"}
		for _, p := range c.Parts {
			t.Text += p.Text
			switch {
			case p.Inline != nil:
				t.Images = append(t.Images, picture(p.Inline.Data))
			case p.Call != nil:
				t.Calls = append(t.Calls, Call{ID: p.Call.ID, Name: p.Call.Name, Args: string(p.Call.Args)})
			case p.Result != nil:
				t.Results = append(t.Results, Result{ID: p.Result.ID, Name: p.Result.Name, Text: outcome(p.Result.Response)})
			}
		}
		ask.Turns = append(ask.Turns, t)
	}
	for _, t := range in.Tools {
		for _, f := range t.Functions {
			if f.Parameters == nil {
				f.Parameters = f.JSON
			}
			if f.Parameters == nil {
				f.Parameters = f.Snake
			}
			ask.Tools = append(ask.Tools, Tool{Name: f.Name, Schema: f.Parameters})
		}
	}
	if in.Config.Calling.Mode == "ANY" {
		if ask.Force = "*"; len(in.Config.Calling.Allowed) == 1 {
			ask.Force = in.Config.Calling.Allowed[0]
		}
	}
	if ask.Schema = in.Generation.Schema; ask.Schema == nil {
		ask.Schema = in.Generation.JSON
	}
	return ask, nil
}

// outcome is the text of a function's response: its members "result" or "output", or all of it.
func outcome(response map[string]any) string {
	for _, name := range []string{"result", "output", "content"} {
		if s, ok := response[name].(string); ok {
			return s
		}
	}
	return quoted(response)
}

func geminiAnswer(id, model, finish string, part []any, usage string) string {
	if part == nil {
		part = []any{}
	}
	candidate := map[string]any{"content": map[string]any{"role": "model", "parts": part}, "index": 0}
	if finish != "" {
		candidate["finishReason"] = finish
	}
	out := map[string]any{"candidates": []any{candidate}, "modelVersion": model, "responseId": id}
	if usage != "" {
		out["usageMetadata"] = json.RawMessage(usage)
	}
	return quoted(out)
}

func geminiUsage(u replay.Usage) string {
	return fmt.Sprintf(`{"promptTokenCount":%d,"cachedContentTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d}`,
		u.InputTotal(), u.CacheRead, u.OutputTotal(), u.InputTotal()+u.OutputTotal())
}

// geminiCalls are parts without ids, as the older models give them.
func geminiCalls(act Act) (out []any) {
	for _, c := range act.Calls {
		out = append(out, map[string]any{"functionCall": map[string]any{"name": c.Name, "args": json.RawMessage(c.Args)}})
	}
	return out
}

func geminiWhole(id, model string, act Act) string {
	var list []any
	if act.Text != "" {
		list = append(list, map[string]any{"text": act.Text})
	}
	return geminiAnswer(id, model, "STOP", append(list, geminiCalls(act)...), geminiUsage(act.Usage))
}

func geminiStream(id, model string, act Act) []string {
	var out []string
	chunk := func(data string) { out = append(out, "data: "+strings.TrimSpace(data)+"\r\n\r\n") }
	for _, p := range pieces(act.Text) {
		chunk(geminiAnswer(id, model, "", []any{map[string]any{"text": p}}, ""))
	}
	if calls := geminiCalls(act); len(calls) > 0 {
		chunk(geminiAnswer(id, model, "", calls, ""))
	}
	chunk(geminiAnswer(id, model, "STOP", []any{map[string]any{"text": ""}}, geminiUsage(act.Usage)))
	return out
}
