// Package prompt is the registry of prompts: named, versioned, and changed without touching the applications that use them.
//
// A prompt has immutable versions, numbered from 1, and labels, each of which stands on one of them. A call names a prompt and a label
// (production where it names none) or a version, and sends variables. What it then says is decided here: a prompt that is not there, a
// label that stands nowhere, and a variable that is missing are errors that name it, never text.
package prompt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
)

// Kind is what a prompt is made of. All versions of a prompt are of one kind.
type Kind string

// The kinds.
const (
	Text Kind = "text" // one text: what a system prompt or an instruction is
	Chat Kind = "chat" // messages
)

// Production is the label of calls that name none.
const Production = "production"

// Latest is the newest version. Nobody sets it.
const Latest = "latest"

// Prompt is a name and what stands behind it.
type Prompt struct {
	ID          id.Prompt
	Name        string // "support/greeting": what stands before the last slash is its folder
	Kind        Kind
	Description string
	Tags        []string
	Latest      int            // number of the newest version
	Labels      map[string]int // version by label, without Latest
	Ramps       map[string]Ramp
	Protected   []string // labels that only those who may release move

	Revision   int // counts changes of the above, labels included, from 1
	CreatedAt  time.Time
	UpdatedAt  time.Time
	UpdatedBy  string    // id of the user or token
	ArchivedAt time.Time // zero: it is there
}

// Version is one immutable state of a prompt.
type Version struct {
	Number    int
	Content   Content
	Hash      string // of Content: equal content has equal hashes
	Author    string // id of the user or token
	Message   string
	CreatedAt time.Time
}

// Content is what a version says.
type Content struct {
	Text      string              `json:"text,omitempty"`     // of Text: a template
	Messages  []Message           `json:"messages,omitempty"` // of Chat
	Variables []template.Variable `json:"variables,omitempty"`
	Escape    template.Escape     `json:"escape,omitempty"` // of holes that say nothing; "": none

	// What a call with this version asks for, where the call itself does not say.
	Alias      string          `json:"alias,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"` // an object in the words of OpenAI's chat: temperature, top_p, max_tokens, …
	Tools      json.RawMessage `json:"tools,omitempty"`      // a list in the form of OpenAI's chat
	Schema     json.RawMessage `json:"schema,omitempty"`     // JSON Schema of the answer
	// Config is what applications read for themselves: an object that calls never use.
	Config json.RawMessage `json:"config,omitempty"`

	// Refs are the other prompts that templates name, by what stands in the braces. They hold ids, so that a rename breaks nothing.
	Refs map[string]Ref `json:"refs,omitempty"`
	// Cases are tried when the version is saved.
	Cases []Case `json:"cases,omitempty"`
}

// Message is one message of a chat prompt, or the place of messages that the call sends.
type Message struct {
	Role        string `json:"role,omitempty"`        // system, developer, user or assistant
	Text        string `json:"text,omitempty"`        // a template
	Placeholder string `json:"placeholder,omitempty"` // name of a list of messages; then Role and Text are empty
}

// Ref is another prompt: a fixed version, or where a label stands when the prompt is used.
type Ref struct {
	Prompt  id.Prompt `json:"prompt"`
	Version int       `json:"version,omitempty"`
	Label   string    `json:"label,omitempty"`
}

// Case is a test of a version.
type Case struct {
	Name      string                     `json:"name"`
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	Assert    []Assertion                `json:"assert"`
}

// Assertion is about the text that a case renders to.
type Assertion struct {
	Kind  string `json:"kind"` // contains, lacks, equals, matches, at_most (bytes)
	Value string `json:"value"`
}

// Encode is the JSON of content, in which members have one order and documents stay as they were written.
func Encode(c Content) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(c)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// HashOf is the hash of content: of what Encode gives.
func HashOf(c Content) (string, error) {
	raw, err := Encode(c)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
