// Package playground is where people try models and prompts before applications use them.
//
// What is tried is a Setup: up to three columns side by side, each a model or an alias and a prompt, over the same message and variables.
// A column is asked by a real call through the data plane, of a key that the team has for nothing else: it is routed, budgeted and logged
// like any other, in the environment "playground". The key is used from inside only; nobody has its secret.
//
// A Run asks the columns for every row of a dataset, in the background.
package playground

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
)

// Environment is that of the playground's calls.
const Environment = "playground"

// The bounds of a setup.
const (
	ColumnsMax   = 3
	messageMax   = 256 << 10
	documentMax  = 64 << 10 // tools, schema
	variablesMax = 100
	imagesMax    = 4
	imageMax     = 1 << 20 // of one, as a data URL
	outputMax    = 1 << 20 // tokens
	modelMax     = 320
)

// Setup is what is tried. The zero Setup has nothing to ask.
type Setup struct {
	Columns   []Column                   `json:"columns"`
	Message   string                     `json:"message,omitempty"` // of the user, behind what the prompt says
	Images    []string                   `json:"images,omitempty"`  // URLs beside the message: https, or data of an image
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	Tools     json.RawMessage            `json:"tools,omitempty"`  // a list in the form of OpenAI's chat; nil: the prompt's
	Schema    json.RawMessage            `json:"schema,omitempty"` // JSON Schema of the answer; nil: the prompt's
}

// Column is one side.
type Column struct {
	Model string `json:"model,omitempty"` // an alias, or "provider/model"; "": the prompt's alias

	Prompt  id.Prompt `json:"prompt,omitempty"`  // "": none
	Version int       `json:"version,omitempty"` // 0: by the label
	Label   string    `json:"label,omitempty"`   // "" with version 0: production
	// Draft is the prompt's text while it is being edited, in the form of FormatDraft; "": the version's own. It may stand without Prompt.
	Draft string `json:"draft,omitempty"`

	Temperature *float64 `json:"temperature,omitempty"` // nil: the prompt's, else the model's
	TopP        *float64 `json:"top_p,omitempty"`
	MaxTokens   int      `json:"max_tokens,omitempty"` // 0: the prompt's, else the model's
}

// Letter is how people call a column: "A".
func Letter(i int) string { return string(rune('A' + i)) }

// check refuses what cannot be asked: ErrInvalid at the field.
func (s *Setup) check() error {
	switch {
	case len(s.Columns) == 0 || len(s.Columns) > ColumnsMax:
		return invalid("columns", "There are one to %d columns.", ColumnsMax)
	case len(s.Message) > messageMax || !utf8.ValidString(s.Message):
		return invalid("message", "A message has at most 256 KiB of text.")
	case len(s.Variables) > variablesMax:
		return invalid("variables", "There are at most %d variables.", variablesMax)
	case len(s.Images) > imagesMax:
		return invalid("images", "There are at most %d images.", imagesMax)
	case !document(s.Tools, '['):
		return invalid("tools", "Tools are a JSON list of at most 64 KiB, in the form of OpenAI's chat completions.")
	case !document(s.Schema, '{'):
		return invalid("schema", "A schema is a JSON object of at most 64 KiB.")
	}
	if i := slices.IndexFunc(s.Images, func(u string) bool { return !isImage(u) }); i >= 0 {
		return invalid("images", "An image is an https address, or a PNG, JPEG, GIF or WebP file of at most 750 KB.")
	}
	for i := range s.Columns {
		if err := s.Columns[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Column) check() error {
	switch {
	case len(c.Model) > modelMax || strings.ContainsFunc(c.Model, func(r rune) bool { return r < ' ' }):
		return invalid("model", "Name an alias, or a provider and its model as provider/model.")
	case c.Version < 0 || c.Version > 0 && c.Label != "":
		return prompt.ErrBoth.At("prompt")
	case len(c.Draft) > messageMax || !utf8.ValidString(c.Draft):
		return invalid("draft", "A prompt has at most 256 KiB of text.")
	case c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2):
		return invalid("temperature", "A temperature lies between 0 and 2.")
	case c.TopP != nil && !(*c.TopP >= 0 && *c.TopP <= 1):
		return invalid("top_p", "Top-p lies between 0 and 1.")
	case c.MaxTokens < 0 || c.MaxTokens > outputMax:
		return invalid("max_tokens", "An answer has at most %d tokens.", outputMax)
	}
	return nil
}

// document reports a JSON document that begins as it should, or none.
func document(raw json.RawMessage, first byte) bool {
	if len(raw) == 0 {
		return true
	}
	return len(raw) <= documentMax && json.Valid(raw) && strings.TrimLeft(string(raw), " \t\r\n")[0] == first
}

// isImage reports an address that a provider can be sent.
func isImage(text string) bool {
	if len(text) > imageMax*4/3+64 {
		return false
	}
	for _, kind := range []string{"png", "jpeg", "gif", "webp"} {
		if strings.HasPrefix(text, "data:image/"+kind+";base64,") {
			return true
		}
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}
