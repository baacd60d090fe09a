package snapshot

import (
	"maps"
	"slices"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
)

// PromptsDelta is what has changed of an organization's prompts, by id; nil: the prompt has gone, or was archived. One without versions
// has those that it had: versions are never changed, and a moved label shall not make every proxy read all of them.
//
// An organization's prompts are the largest part of its configuration: 5,000 prompts of 10 versions of 2 KB are 100 MB, on disk as in
// memory, plus 400 bytes a version. So changes of anything else, a key or an alias, carry none of it.
type PromptsDelta map[id.Prompt]*prompt.Stored

// Over is an organization's prompts after the change, sorted by id.
func (d PromptsDelta) Over(had []*prompt.Stored) []*prompt.Stored {
	if len(d) == 0 {
		return had
	}
	all := make(map[id.Prompt]*prompt.Stored, len(had)+len(d))
	for _, p := range had {
		all[p.Prompt.ID] = p
	}
	for which, p := range d {
		old := all[which]
		switch {
		case p == nil:
			delete(all, which)
		case p.Versions == nil && old != nil:
			all[which] = &prompt.Stored{Prompt: p.Prompt, Versions: old.Versions}
		default:
			all[which] = p
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *prompt.Stored) int {
		return strings.Compare(string(a.Prompt.ID), string(b.Prompt.ID))
	})
}

// share makes prompts that c, which was just read, has in common with what is in force one and the same in memory: what was compiled of
// them stays, and they are held once.
func (c *Config) share(was *Config) {
	if was == nil {
		return
	}
	for org, o := range c.Orgs {
		if o == nil || was.Orgs[org] == nil {
			continue
		}
		had := make(map[id.Prompt]*prompt.Stored, len(o.Prompts))
		for _, p := range was.Orgs[org].Prompts {
			had[p.Prompt.ID] = p
		}
		for i, p := range o.Prompts {
			if old := had[p.Prompt.ID]; old != nil && old.Same(p) {
				o.Prompts[i] = old
			}
		}
	}
}

// among are those of some organizations that there are now; nil for one that has gone.
func (c *Config) among(some map[id.Org]*OrgConfig) map[id.Org]*OrgConfig {
	out := make(map[id.Org]*OrgConfig, len(some))
	for org := range some {
		out[org] = c.Orgs[org]
	}
	return out
}
