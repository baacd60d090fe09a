package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/page"
)

// opened is the form that the page's address asks for.
func (p Page) opened(ctx context.Context, v *page.Visit) (form, error) {
	q := v.HTTP.URL.Query()
	f := fields(q)
	if text := q.Get("call"); text != "" {
		return p.fromCall(ctx, v, text)
	}
	if which := q.Get("prompt"); which != "" {
		c := &f.Columns[0]
		c.Prompt = which
		switch {
		case q.Get("version") != "":
			c.Prompt += "@" + q.Get("version")
		case q.Get("label") != "":
			c.Prompt += ":" + q.Get("label")
		default:
			got, err := p.Prompts.Prompt(ctx, v.Scope(), id.Prompt(which))
			if err != nil {
				return f, err
			}
			c.Prompt += "@" + strconv.Itoa(got.Latest)
		}
		side, err := c.side()
		if err != nil {
			return f, err
		}
		if _, err := p.Bench.Choose(ctx, v.Scope(), &side); err != nil {
			return f, err
		}
	}
	return f, nil
}

// fromCall opens what a logged call sent, as far as it is known: its body where that was kept, else its model and its prompt.
func (p Page) fromCall(ctx context.Context, v *page.Visit, text string) (form, error) {
	if err := v.Scope().Allow(tenant.ReadCalls); err != nil {
		return form{}, err
	}
	which, err := id.ParseCall(text)
	if err != nil {
		return form{}, calllog.ErrNotFound
	}
	e, err := p.Calls.Call(ctx, v.Scope(), which)
	if err != nil {
		return form{}, err
	}
	f := form{Call: text, Team: string(e.Team), Columns: []column{{Model: modelOf(&e)}}}
	if e.Payload != nil && !e.Payload.Cut {
		f.body(e.Payload.Request)
	}
	if e.Prompt != "" {
		got, err := p.Prompts.Prompt(ctx, v.Scope(), e.Prompt)
		if err != nil && !errors.Is(err, prompt.ErrNotFound) {
			return form{}, err
		}
		if err == nil {
			f.Columns[0].Prompt = string(got.ID) + "@" + strconv.Itoa(e.PromptVersion)
		}
	}
	return f, nil
}

func modelOf(e *calllog.Entry) string {
	if e.Alias != "" {
		return e.Alias
	}
	if e.Requested != "" && strings.Contains(e.Requested, "/") {
		return e.Requested
	}
	return e.Provider + "/" + e.Model
}

// logged is what is read of a body, of chat completions and of messages alike.
type logged struct {
	Model       string          `json:"model"`
	System      json.RawMessage `json:"system"`
	Messages    []spoken        `json:"messages"`
	Input       json.RawMessage `json:"input"` // of responses
	Temperature json.Number     `json:"temperature"`
	TopP        json.Number     `json:"top_p"`
	MaxTokens   json.Number     `json:"max_tokens"`
	MaxOut      json.Number     `json:"max_completion_tokens"`
	Tools       json.RawMessage `json:"tools"`
	Format      struct {
		Schema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
	Tollgate struct {
		Prompt struct {
			Variables map[string]json.RawMessage `json:"variables"`
		} `json:"prompt"`
		Variables map[string]json.RawMessage `json:"variables"`
	} `json:"tollgate"`
}

type spoken struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// body fills the form in from a call's body. The last message of the user is the message; what stands before it becomes a draft.
func (f *form) body(raw []byte) {
	var b logged
	d := json.NewDecoder(bytes.NewReader(raw))
	if d.Decode(&b) != nil {
		return // a body of another kind: what is known of the call stays
	}
	c := &f.Columns[0]
	if text := textOf(b.System); text != "" {
		b.Messages = append([]spoken{{Role: "system", Content: b.System}}, b.Messages...)
	}
	if n := len(b.Messages); n > 0 && b.Messages[n-1].Role == "user" {
		f.Message = textOf(b.Messages[n-1].Content)
		b.Messages = b.Messages[:n-1]
	} else if text := textOf(b.Input); text != "" {
		f.Message = text
	}
	c.Draft = draftOf(b.Messages)
	c.Temperature, c.TopP, c.MaxTokens = b.Temperature.String(), b.TopP.String(), b.MaxTokens.String()
	if c.MaxTokens == "" {
		c.MaxTokens = b.MaxOut.String()
	}
	if len(b.Tools) > 0 && bytes.Contains(b.Tools, []byte(`"function"`)) {
		f.Tools = indented(b.Tools)
	}
	if len(b.Format.Schema.Schema) > 0 {
		f.Schema = indented(b.Format.Schema.Schema)
	}
	for _, sent := range []map[string]json.RawMessage{b.Tollgate.Variables, b.Tollgate.Prompt.Variables} {
		for name, raw := range sent {
			f.Vars = append(f.Vars, variable{name, plain(raw)})
		}
	}
}

// draftOf writes messages as a draft; braces in them are text, not holes.
func draftOf(list []spoken) string {
	var b strings.Builder
	for _, m := range list {
		role := m.Role
		if role != "system" && role != "developer" && role != "assistant" && role != "user" {
			continue // answers of tools belong to their calls, which a draft cannot say
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(role + ":\n" + strings.ReplaceAll(textOf(m.Content), "{{", `\{{`) + "\n")
	}
	return b.String()
}

// textOf is the text of a content: a text, or the texts among its parts.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var said []string
	for _, p := range parts {
		if p.Text != "" {
			said = append(said, p.Text)
		}
	}
	return strings.Join(said, "\n\n")
}

func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
