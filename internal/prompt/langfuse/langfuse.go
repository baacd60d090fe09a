// Package langfuse speaks the words of Langfuse's public API for prompts (v2), so that its SDKs read and write prompts here unmodified.
//
// The SDKs compile prompts in the application: they put values where {{name}} stands and messages where a placeholder stands, and know
// nothing else. One of them leaves what it does not understand in the text, the other reads it as Mustache. So a version is handed out
// only where both make the text of it that the gateway would make; anything else is ErrLogic, which says where to have it rendered.
// The other prompts that a version names are resolved first.
//
// The shapes are those of fern/apis/server/definition/prompts.yml and prompt-version.yml in langfuse/langfuse.
package langfuse

import (
	"encoding/json"
	"time"
)

// Prompt is one version of a prompt.
type Prompt struct {
	ID              string          `json:"id"` // the prompt's, @, and the number
	Name            string          `json:"name"`
	Version         int             `json:"version"`
	Type            string          `json:"type"`   // text or chat
	Prompt          any             `json:"prompt"` // a string, or a list of Message and Placeholder
	Config          json.RawMessage `json:"config"` // an object
	Labels          []string        `json:"labels"` // that stand on the version, with latest
	Tags            []string        `json:"tags"`
	CommitMessage   *string         `json:"commitMessage"`
	ResolutionGraph *Graph          `json:"resolutionGraph"` // nil: it names no other prompt, or was not resolved
	CreatedBy       string          `json:"createdBy"`
	CreatedAt       time.Time       `json:"createdAt"`
	UpdatedAt       time.Time       `json:"updatedAt"`
}

// Message is a message of a chat prompt.
type Message struct {
	Type    string `json:"type"` // chatmessage
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Placeholder is the place of messages.
type Placeholder struct {
	Type string `json:"type"` // placeholder
	Name string `json:"name"`
}

// Graph is which versions stand in which.
type Graph struct {
	Root         Node              `json:"root"`
	Dependencies map[string][]Node `json:"dependencies"` // by Node.ID
}

// Node is one version.
type Node struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// Meta is a prompt in a list.
type Meta struct {
	Name          string          `json:"name"`
	Type          string          `json:"type"`
	Versions      []int           `json:"versions"`
	Labels        []string        `json:"labels"`
	Tags          []string        `json:"tags"`
	LastUpdatedAt time.Time       `json:"lastUpdatedAt"`
	LastConfig    json.RawMessage `json:"lastConfig"`
}

// List is one page of prompts.
type List struct {
	Data []Meta `json:"data"`
	Meta Page   `json:"meta"`
}

// Page says where a List stands. Pages count from 1.
type Page struct {
	Page       int `json:"page"`
	Limit      int `json:"limit"`
	TotalItems int `json:"totalItems"`
	TotalPages int `json:"totalPages"`
}
