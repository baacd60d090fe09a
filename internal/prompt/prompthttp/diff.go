package prompthttp

import (
	"context"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// PromptDiff is what differs between two versions.
type PromptDiff struct {
	From     int                 `json:"from"`
	To       int                 `json:"to"`
	Same     bool                `json:"same"`
	Parts    []PromptDiffPart    `json:"parts" doc:"The text, or the messages that are not the same"`
	Settings []PromptDiffSetting `json:"settings" doc:"Parameters, variables, tools, schema and the rest, by name"`
}

// PromptDiffPart is a text or a message.
type PromptDiffPart struct {
	Name  string           `json:"name" doc:"text, or messages.N: by its place in the newer version, or in the older one if it went"`
	Kind  string           `json:"kind" enum:"added,removed,changed"`
	Role  string           `json:"role,omitempty"`
	Lines []PromptDiffLine `json:"lines"`
}

// PromptDiffLine is one line.
type PromptDiffLine struct {
	Kind  string           `json:"kind" enum:"same,added,removed"`
	From  int              `json:"from,omitempty" doc:"Its number in the older version"`
	To    int              `json:"to,omitempty" doc:"Its number in the newer version"`
	Words []PromptDiffWord `json:"words" doc:"Together they are the line"`
}

// PromptDiffWord is a piece of a line.
type PromptDiffWord struct {
	Kind string `json:"kind" enum:"same,added,removed"`
	Text string `json:"text"`
}

// PromptDiffSetting is something with a name that is another one.
type PromptDiffSetting struct {
	Name string `json:"name"`
	Kind string `json:"kind" enum:"added,removed,changed"`
	From string `json:"from,omitempty" doc:"JSON"`
	To   string `json:"to,omitempty" doc:"JSON"`
}

func toDiff(d prompt.Diff) PromptDiff {
	out := PromptDiff{From: d.From, To: d.To, Same: d.Same, Parts: []PromptDiffPart{}, Settings: []PromptDiffSetting{}}
	for _, p := range d.Parts {
		part := PromptDiffPart{Name: p.Name, Kind: p.Kind, Role: p.Role, Lines: []PromptDiffLine{}}
		for _, l := range p.Lines {
			line := PromptDiffLine{Kind: l.Kind, From: l.From, To: l.To, Words: []PromptDiffWord{}}
			for _, w := range l.Words {
				line.Words = append(line.Words, PromptDiffWord(w))
			}
			part.Lines = append(part.Lines, line)
		}
		out.Parts = append(out.Parts, part)
	}
	for _, s := range d.Settings {
		out.Settings = append(out.Settings, PromptDiffSetting(s))
	}
	return out
}

type diffRequest struct {
	ID   string `path:"id"`
	From int    `query:"from" minimum:"1" doc:"The one before the other where it is left out"`
	To   int    `query:"to" minimum:"1" doc:"The newest where it is left out"`
}

// ReadDiff compares two versions.
func ReadDiff(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Compare two versions of a prompt", Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrVersion}},
		func(ctx context.Context, in tenant.Scope, req diffRequest) (PromptDiff, error) {
			d, err := s.Diff(ctx, in, id.Prompt(req.ID), req.From, req.To)
			return toDiff(d), err
		})
}
