package calllog

import "tollgate/internal/id"

// How a call came by its task.
const (
	TaskModel  = "model"      // model: "task:classification"
	TaskHeader = "header"     // x-tollgate-task
	TaskKey    = "key"        // the key's default
	TaskLocal  = "classifier" // model: "auto", by the local classifier
	TaskAsked  = "asked"      // model: "auto", by the organization's classifier alias
)

// Decision is why a call went where it went: the answer to "why this route". Attempts tell what came of it.
type Decision struct {
	Strategy   string      `json:"strategy,omitempty"` // of the targets: an alias.Strategy
	Rule       string      `json:"rule,omitempty"`     // name or expression of the rule that held
	Sticky     bool        `json:"sticky,omitempty"`   // the unit decided a draw
	Filters    []string    `json:"filters,omitempty"`  // what the request asked for: "only openai", "max prompt price 1.5"
	Features   []Feature   `json:"features,omitempty"` // what the classifier saw
	Candidates []Candidate `json:"candidates"`         // every target, also those that were dropped
	Notes      []string    `json:"notes,omitempty"`    // whatever else decided: "retry budget spent", "cache hit"
}

// Feature is one thing that a classifier counted, and how it weighed.
type Feature struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Weight float64 `json:"weight,omitempty"`
}

// Candidate is a target that was considered.
type Candidate struct {
	Provider   string        `json:"provider"`
	Model      string        `json:"model"`
	Credential id.Credential `json:"cred,omitempty"`
	Place      int           `json:"place,omitempty"` // in the order of trying, from 1; 0: dropped
	Why        string        `json:"why"`             // in words: "weight 50 of 100", "breaker open until 12:00:05", "fallback for rate_limit"
}

// Signals are what an answer itself says of its quality, seen by the proxy at no cost. Only calls of experiments have them.
type Signals uint16

// The signals.
const (
	SchemaAsked  Signals = 1 << iota // the call demanded JSON (by schema or not)
	SchemaValid                      // and the answer is JSON that the schema, if any, accepts
	ToolsOffered                     // the call offered tools
	ToolCalled                       // the answer calls one
	ToolValid                        // every call is of a tool on offer, with arguments that its schema accepts
	Refusal                          // the model refused, in a way that its dialect marks
	CutShort                         // ended by the token limit
)

// Has reports whether all of want are set.
func (s Signals) Has(want Signals) bool { return s&want == want }

// Names are the words for the signals that are set, in their order.
func (s Signals) Names() []string {
	out := []string{}
	for i, name := range [...]string{"schema_asked", "schema_valid", "tools_offered", "tool_called", "tool_valid", "refusal", "cut_short"} {
		if s.Has(1 << i) {
			out = append(out, name)
		}
	}
	return out
}
