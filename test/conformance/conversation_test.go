package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// item is one thing that was said, whichever dialect said it.
type item struct {
	Role string // user, assistant, system
	Kind string // text, image, document, tool_use, tool_result
	ID   string
	Name string
	Data string // text, canonical JSON of arguments, or the bytes of an image
}

// kinds gives the order within one role's run, because openai-chat has no order between text and tool calls.
var kinds = []string{"tool_result", "text", "image", "document", "tool_use"} //nolint:gochecknoglobals // a table

// settle brings a conversation into one form: within a run of one role ordered by kind, neighbouring texts joined.
func settle(items []item) []item {
	var out []item
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].Role == items[0].Role {
			n++
		}
		run := slices.Clone(items[:n])
		items = items[n:]
		slices.SortStableFunc(run, func(a, b item) int { return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)) })
		for _, it := range run {
			last := len(out) - 1
			if it.Kind == "text" && last >= 0 && out[last].Kind == "text" && out[last].Role == it.Role {
				out[last].Data += it.Data
				continue
			}
			out = append(out, it)
		}
	}
	return slices.DeleteFunc(out, func(it item) bool { return it.Kind == "text" && strings.TrimSpace(it.Data) == "" })
}

func canonical(raw []byte) string {
	if len(bytes.TrimSpace(raw)) == 0 {
		return "{}"
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

type rawMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

type rawPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	ImageURL struct {
		URL string `json:"url"`
	} `json:"image_url"`
	File struct {
		Name string `json:"filename"`
		Data string `json:"file_data"`
	} `json:"file"`
	Source struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		Data      string `json:"data"`
		URL       string `json:"url"`
	} `json:"source"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	IsError   bool            `json:"is_error"`
}

// parts reads content that is a string or a list.
func parts(raw json.RawMessage) []rawPart {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []rawPart{{Type: "text", Text: s}}
	}
	var list []rawPart
	_ = json.Unmarshal(raw, &list)
	return list
}

// texts joins the text of a content.
func texts(raw json.RawMessage) string {
	var b strings.Builder
	for _, p := range parts(raw) {
		b.WriteString(p.Text)
	}
	return b.String()
}

func source(p rawPart) string {
	if p.Source.URL != "" {
		return p.Source.URL
	}
	return "data:" + p.Source.MediaType + ";base64," + p.Source.Data
}

// heardByAnthropic is the conversation in an anthropic-messages body.
func heardByAnthropic(body []byte) ([]item, error) {
	var r struct {
		System   json.RawMessage `json:"system"`
		Messages []rawMessage    `json:"messages"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	items := []item{{Role: "system", Kind: "text", Data: texts(r.System)}}
	for _, m := range r.Messages {
		for _, p := range parts(m.Content) {
			switch p.Type {
			case "text":
				items = append(items, item{Role: m.Role, Kind: "text", Data: p.Text})
			case "image", "document":
				items = append(items, item{Role: m.Role, Kind: p.Type, Data: source(p)})
			case "tool_use":
				items = append(items, item{Role: m.Role, Kind: "tool_use", ID: p.ID, Name: p.Name, Data: canonical(p.Input)})
			case "tool_result":
				items = append(items, item{Role: m.Role, Kind: "tool_result", ID: p.ToolUseID, Data: texts(p.Content)})
			}
		}
	}
	return settle(items), nil
}

// heardByOpenAI is the conversation in an openai-chat body.
func heardByOpenAI(body []byte) ([]item, error) {
	var r struct {
		Messages []rawMessage `json:"messages"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	var items []item
	for _, m := range r.Messages {
		role := m.Role
		switch role {
		case "developer":
			role = "system"
		case "tool":
			items = append(items, item{Role: "user", Kind: "tool_result", ID: m.ToolCallID, Data: texts(m.Content)})
			continue
		}
		for _, p := range parts(m.Content) {
			switch p.Type {
			case "text":
				items = append(items, item{Role: role, Kind: "text", Data: p.Text})
			case "image_url":
				items = append(items, item{Role: role, Kind: "image", Data: p.ImageURL.URL})
			case "file":
				items = append(items, item{Role: role, Kind: "document", Data: p.File.Data})
			}
		}
		for _, c := range m.ToolCalls {
			items = append(items, item{Role: role, Kind: "tool_use", ID: c.ID, Name: c.Function.Name, Data: canonical([]byte(c.Function.Arguments))})
		}
	}
	return settle(items), nil
}

// sameTools compares the names and schemas of offered tools.
func sameTools(anthropic, openai []byte) error {
	var a struct {
		Tools []struct {
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"input_schema"`
		} `json:"tools"`
	}
	var o struct {
		Tools []struct {
			Function struct {
				Name   string          `json:"name"`
				Schema json.RawMessage `json:"parameters"`
			} `json:"function"`
		} `json:"tools"`
	}
	if json.Unmarshal(anthropic, &a) != nil || json.Unmarshal(openai, &o) != nil {
		return fmt.Errorf("a body is no JSON")
	}
	if len(a.Tools) != len(o.Tools) {
		return fmt.Errorf("%d tools became %d", len(a.Tools), len(o.Tools))
	}
	for i := range a.Tools {
		x, y := a.Tools[i], o.Tools[i].Function
		if x.Name != y.Name {
			return fmt.Errorf("tool %q became %q", x.Name, y.Name)
		}
		if len(y.Schema) > 0 && canonical(x.Schema) != canonical(y.Schema) {
			return fmt.Errorf("the schema of tool %q changed: %s", x.Name, firstDifference([]byte(canonical(y.Schema)), []byte(canonical(x.Schema))))
		}
	}
	return nil
}
