package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// The headers that name a prompt: "support/greeting", "support/greeting@3" or "support/greeting:staging"; and a JSON object of variables.
const (
	promptHeader    = "X-Tollgate-Prompt"
	variablesHeader = "X-Tollgate-Prompt-Variables"
)

// errPrompt is for what names no prompt.
var errPrompt = fault.New(fault.Invalid, "prompt.invalid_name", "This does not name a prompt.")

// wanted is the prompt that a call names, and what it fills it with.
type wanted struct {
	prompt.Wanted                            // without a Name: variables only, for the prompt of the alias
	variables     map[string]json.RawMessage // nil: none were sent
	own           string                     // the member of the body that names it and that no provider sees; "": a header, or the tollgate object
	foundBy       string                     // the label by which a version was found that is now named; "": none
	alias, known  string                     // the alias whose prompt it is, and what the prompt was called then; "": the call names it
}

// by is what the call wants where its alias has a prompt. The call may have sent variables, or nothing (nil).
func (w *wanted) by(name string, use *alias.Prompt) *wanted {
	out := &wanted{Wanted: prompt.Wanted{Name: string(use.ID), Version: use.Version, Label: use.Label}, alias: name, known: use.Name}
	if w != nil {
		out.variables, out.own = w.variables, w.own
	}
	return out
}

var (
	keyPrompt    = []byte(`"prompt"`)
	keyVariables = []byte(`"variables"`)
)

// wants finds how the call names a prompt: by a header, else in the tollgate object, else by the Responses API's own field. nil: it
// neither names one nor sends variables.
func (c *Call) wants() (*wanted, error) {
	h, head := c.req.Header, &c.Ask.head
	byHeader := h[promptHeader] != nil || h[variablesHeader] != nil
	inBody := len(head.Tollgate) > 0 && (bytes.Contains(head.Tollgate, keyPrompt) || bytes.Contains(head.Tollgate, keyVariables))
	if !byHeader && !inBody && head.Prompt == nil {
		return nil, nil
	}
	var found []*wanted // the strongest first
	if byHeader {
		w, err := c.inHeaders(h)
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	if inBody {
		w, err := inTollgate(head.Tollgate)
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	if head.Prompt != nil {
		w, err := inResponses(head.Prompt, c.Caller.key.Org.Prompts)
		if err != nil {
			return nil, err
		}
		if w != nil {
			found = append(found, w)
		}
	}
	return merged(found), nil
}

// merged is the first name and the first variables; nil where there is neither.
func merged(found []*wanted) *wanted {
	var out wanted
	any := false
	for _, w := range found {
		if out.Name == "" {
			out.Wanted, out.foundBy = w.Wanted, w.foundBy
		}
		if out.variables == nil {
			out.variables = w.variables
		}
		if w.own != "" {
			out.own = w.own
		}
		any = any || w.Name != "" || w.variables != nil
	}
	if !any {
		return nil
	}
	return &out
}

func (c *Call) inHeaders(h http.Header) (*wanted, error) {
	w := &wanted{}
	if text := h.Get(promptHeader); text != "" {
		name, err := parsedName(text, strings.ToLower(promptHeader))
		if err != nil {
			return nil, err
		}
		w.Wanted = name
		if by := first(h, promptLabelHeader); c.in != nil && name.Version != 0 && (by == prompt.Latest || prompt.CheckLabel(by) == nil) {
			w.foundBy = by
		}
	}
	if text := h.Get(variablesHeader); text != "" {
		if json.Unmarshal([]byte(text), &w.variables) != nil || w.variables == nil {
			return nil, errPrompt.Say("Variables are a JSON object.").At(strings.ToLower(variablesHeader))
		}
	}
	return w, nil
}

// parsedName reads a name, with a version or a label behind it. An id is a name too. Without either the environment has its label.
func parsedName(text, at string) (prompt.Wanted, error) {
	if !strings.ContainsAny(text, "@:") && prompt.CheckName(text) == nil {
		return prompt.Wanted{Name: text}, nil
	}
	name, version, label, ok := prompt.ParseRef(text)
	if !ok {
		return prompt.Wanted{}, errPrompt.Say("%q names no prompt: write its name, and @ with a version or : with a label.", clip(text)).At(at)
	}
	return prompt.Wanted{Name: name, Version: version, Label: label}, nil
}

// asked is a prompt as an object names it.
type asked struct {
	ID        string                     `json:"id"`
	Name      string                     `json:"name"`
	Version   json.RawMessage            `json:"version"` // a number, or one in quotes
	Label     string                     `json:"label"`
	Variables map[string]json.RawMessage `json:"variables"`
}

func (a *asked) wanted(at string) (*wanted, error) {
	w := &wanted{Wanted: prompt.Wanted{Name: a.Name, Label: a.Label}, variables: a.Variables}
	if w.Name == "" {
		w.Name = a.ID
	}
	if w.Name == "" {
		return nil, errPrompt.Say("A prompt is named by its name or its id.").At(at + ".name")
	}
	if v := bytes.Trim(a.Version, `"`); len(v) > 0 && string(v) != "null" {
		n, ok := wire.Int(v)
		if !ok || n < 1 || n > 1<<31-1 {
			return nil, errPrompt.Say("A version is a number from 1.").At(at + ".version")
		}
		w.Version = int(n)
	}
	return w, nil
}

func inTollgate(raw []byte) (*wanted, error) {
	var e struct {
		Prompt    json.RawMessage            `json:"prompt"`
		Variables map[string]json.RawMessage `json:"variables"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return nil, errPrompt.Say("Variables are a JSON object.").At("tollgate.variables")
	}
	w := &wanted{variables: e.Variables}
	if !wire.Present(e.Prompt) {
		return w, nil
	}
	const at = "tollgate.prompt"
	if text, ok := wire.String(e.Prompt); ok {
		var err error
		w.Wanted, err = parsedName(text, at)
		return w, err
	}
	var a asked
	if json.Unmarshal(e.Prompt, &a) != nil {
		return nil, errPrompt.Say("A prompt is named by a text, or by an object of name (or id), version or label, and variables.").At(at)
	}
	if a.Variables == nil {
		a.Variables = e.Variables
	}
	return a.wanted(at)
}

// openAIPrompt starts the ids of prompts that OpenAI itself keeps. One that was imported here has its id as its name, and is ours then;
// any other is OpenAI's business.
const openAIPrompt = "pmpt_"

func inResponses(raw []byte, shelf *prompt.Shelf) (*wanted, error) {
	var a asked
	if json.Unmarshal(raw, &a) != nil {
		return nil, errPrompt.Say("prompt is an object of id, version and variables.").At("prompt")
	}
	if strings.HasPrefix(a.ID, openAIPrompt) {
		if _, ours := shelf.Named(a.ID); !ours {
			return nil, nil
		}
	}
	for name, v := range a.Variables {
		a.Variables[name] = plainText(v)
	}
	w, err := a.wanted("prompt")
	if w != nil {
		w.own = "prompt"
	}
	return w, err
}

// plainText is the text of a variable that says it is one ({"type": "input_text", "text": …}), as OpenAI's clients may.
func plainText(v json.RawMessage) json.RawMessage {
	if len(v) == 0 || v[0] != '{' {
		return v
	}
	var typed struct {
		Type string          `json:"type"`
		Text json.RawMessage `json:"text"`
	}
	if json.Unmarshal(v, &typed) == nil && typed.Type == "input_text" && typed.Text != nil {
		return typed.Text
	}
	return v
}
