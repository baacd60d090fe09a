package prompthttp

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/prompt"
)

// PromptContent is what a version says.
type PromptContent struct {
	Text       string               `json:"text,omitempty" doc:"Of a text prompt: a template"`
	Messages   []PromptMessage      `json:"messages,omitempty" doc:"Of a chat prompt"`
	Variables  []PromptVariable     `json:"variables,omitempty"`
	Escape     string               `json:"escape,omitempty" enum:"none,xml,json,line" doc:"How values are written where a hole does not say"`
	Alias      string               `json:"alias,omitempty" maxLength:"256" doc:"Alias of calls that name no model of their own"`
	Parameters json.RawMessage      `json:"parameters,omitempty" doc:"Settings of calls that do not say them, in the words of OpenAI's chat: temperature, max_tokens, …"`
	Tools      json.RawMessage      `json:"tools,omitempty" doc:"In the form of OpenAI's chat"`
	Schema     json.RawMessage      `json:"schema,omitempty" doc:"JSON Schema of the answer"`
	Config     json.RawMessage      `json:"config,omitempty" doc:"An object that applications read for themselves; calls never use it"`
	Refs       map[string]PromptRef `json:"refs,omitempty" doc:"Other prompts that the templates name; found by their names when the version is saved"`
	Cases      []PromptCase         `json:"cases,omitempty" doc:"Tried when the version is saved: one that fails refuses it"`
}

// PromptMessage is one message, or the place of messages that the call sends.
type PromptMessage struct {
	Role        string `json:"role,omitempty" enum:"system,developer,user,assistant"`
	Text        string `json:"text,omitempty" doc:"A template"`
	Placeholder string `json:"placeholder,omitempty" doc:"Name of a list of messages that the call sends"`
}

// Variable declares a variable.
type PromptVariable struct {
	Name        string          `json:"name" maxLength:"64"`
	Kind        string          `json:"kind" enum:"string,number,boolean,enum,list,json"`
	Required    bool            `json:"required,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
	Values      []string        `json:"values,omitempty" doc:"Of an enum"`
	MaxLength   int             `json:"max_length,omitempty" minimum:"0" doc:"Characters of a string, elements of a list, bytes of json; 0: no bound of its own"`
	Description string          `json:"description,omitempty" maxLength:"500"`
}

// PromptRef is another prompt.
type PromptRef struct {
	Prompt  string `json:"prompt"`
	Version int    `json:"version,omitempty"`
	Label   string `json:"label,omitempty"`
}

// PromptCase is a test of a version.
type PromptCase struct {
	Name      string                     `json:"name" maxLength:"200"`
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	Assert    []PromptAssertion          `json:"assert"`
}

// PromptAssertion is about the text that a case renders to.
type PromptAssertion struct {
	Kind  string `json:"kind" enum:"contains,lacks,equals,matches,at_most"`
	Value string `json:"value"`
}

// fromContent and toContent go by JSON: the words are the same on both sides, and documents stay as they were written.
func fromContent(c PromptContent) (out prompt.Content, err error) {
	err = convert(c, &out)
	return out, err
}

func toContent(c prompt.Content) (out PromptContent) {
	_ = convert(c, &out) // the fields are the same
	return out
}

func convert(from, to any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(from); err != nil {
		return err
	}
	return json.Unmarshal(b.Bytes(), to)
}
