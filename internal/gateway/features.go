package gateway

import (
	"tollgate/internal/alias/condition"
	"tollgate/internal/provider/traits"
	"tollgate/internal/route"
)

// features reads of a call what routing may ask, when it asks: most calls are routed by their name alone, and their bodies are not
// looked at again.
type features struct {
	c    *Call
	seen *traits.Traits
}

// prompt is what the body shows.
func (f *features) prompt() traits.Traits {
	if f.seen == nil {
		t := traits.Scan(f.c.Ask.body)
		f.seen = &t
	}
	return *f.seen
}

// facts are what conditions may ask.
func (f *features) facts() condition.Facts {
	c := f.c
	k, t := c.Caller.key, f.prompt()
	return condition.Facts{
		Environment: k.Environment, Key: string(k.ID), KeyName: k.Name, Team: k.Org.Teams[k.Team],
		Workflow: c.Ask.workflow, Endpoint: string(c.Surface.endpoint), EndUser: c.Ask.endUser, Tags: c.Ask.tags,
		InputTokens: (t.TextBytes + bytesPerToken - 1) / bytesPerToken, MaxTokens: c.Ask.head.MaxTokens,
		Messages: t.Messages, Images: t.Images, Audio: t.Audio, Documents: t.Documents > 0, Tools: t.Tools > 0, JSON: t.JSON,
		Stream: c.Ask.head.Stream, Now: c.Start,
	}
}

// size is about how large the call is, for comparing prices: the body by the rule of thumb, and the output cap, or a quarter of the
// input where there is none.
func (c *Call) size() route.Size {
	in := (c.Ask.size + bytesPerToken - 1) / bytesPerToken
	out := c.Ask.head.MaxTokens
	if out == 0 {
		out = max(in/4, 100)
	}
	return route.Size{Input: in, Output: out}
}
