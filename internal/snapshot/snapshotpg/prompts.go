package snapshotpg

import (
	"encoding/json"
	"slices"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/snapshot"
)

// Prompts are read by themselves: all of them at a start, and afterwards those that were touched. What versions say is read with the
// prompts whose versions may be new here, and not when a label moves; see snapshot.PromptsDelta.
const (
	environments = `
		UNION ALL SELECT 'prompt_environment', org_id, to_jsonb(e)::text FROM prompt_environments e WHERE org_id`

	promptHead = `
		UNION ALL SELECT 'prompt', p.org_id, jsonb_build_object('id', p.id, 'name', p.name, 'kind', p.kind, 'latest', p.latest,
				'labels', (SELECT jsonb_object_agg(l.label, l.version) FROM prompt_labels l WHERE l.org_id = p.org_id AND l.prompt_id = p.id),
				'ramps', (SELECT jsonb_object_agg(r.label, jsonb_build_object('to', r.to_version, 'share', r.share))
					FROM prompt_ramps r WHERE r.org_id = p.org_id AND r.prompt_id = p.id))::text
			FROM prompts p`
	promptVersion = `
		UNION ALL SELECT 'prompt_version', v.org_id, json_build_object('prompt', v.prompt_id, 'number', v.number, 'hash', v.hash, 'content', v.content)::text
			FROM prompts p JOIN prompt_versions v ON v.org_id = p.org_id AND v.prompt_id = p.id`

	allPrompts = promptHead + ` WHERE p.archived_at IS NULL` + promptVersion + ` WHERE p.archived_at IS NULL`

	touched = `, touched AS MATERIALIZED (SELECT org_id, id, bool_or(kind IN ('prompts', 'prompt_versions')) AS whole FROM config_change
			WHERE rev > $1 AND kind IN ('prompts', 'prompt_versions', 'prompt_labels', 'prompt_ramps') GROUP BY org_id, id)`
	somePrompts = `
		UNION ALL SELECT 'prompt_touched', org_id, jsonb_build_object('id', id)::text FROM touched` + promptHead + `
			JOIN touched t ON t.org_id = p.org_id AND t.id = p.id WHERE p.archived_at IS NULL` + promptVersion + `
			JOIN touched t ON t.org_id = p.org_id AND t.id = p.id AND t.whole WHERE p.archived_at IS NULL`
)

type (
	promptDoc struct {
		ID, Name string
		Kind     prompt.Kind
		Latest   int
		Labels   map[string]int
		Ramps    map[string]rampDoc
	}
	rampDoc struct{ To, Share int }

	promptVersionDoc struct {
		Prompt  string
		Number  int
		Hash    string
		Content json.RawMessage
	}
	environmentDoc struct{ Environment, Label string }
)

// promptRows collects what was read of one organization's prompts, in any order.
type promptRows struct {
	heads    snapshot.PromptsDelta
	versions map[id.Prompt][]prompt.StoredVersion
}

func (r *reading) shelf(org id.Org) *promptRows {
	rows := r.prompts[org]
	if rows == nil {
		rows = &promptRows{heads: snapshot.PromptsDelta{}, versions: map[id.Prompt][]prompt.StoredVersion{}}
		r.prompts[org] = rows
	}
	return rows
}

func (p *promptRows) add(kind string, doc []byte) error {
	if kind == "prompt_version" {
		var d promptVersionDoc
		if err := json.Unmarshal(doc, &d); err != nil {
			return err
		}
		which := id.Prompt(d.Prompt)
		p.versions[which] = append(p.versions[which], prompt.StoredVersion{Number: d.Number, Hash: d.Hash, Content: d.Content})
		return nil
	}
	var d promptDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	which := id.Prompt(d.ID)
	if kind == "prompt_touched" {
		if p.heads[which] == nil {
			p.heads[which] = nil // unless its head comes it has gone
		}
		return nil
	}
	head := prompt.Prompt{ID: which, Name: d.Name, Kind: d.Kind, Latest: d.Latest, Labels: d.Labels}
	for label, r := range d.Ramps {
		if head.Ramps == nil {
			head.Ramps = make(map[string]prompt.Ramp, len(d.Ramps))
		}
		head.Ramps[label] = prompt.Ramp{To: r.To, Share: r.Share}
	}
	p.heads[which] = &prompt.Stored{Prompt: head}
	return nil
}

// deltas gives prompts their versions.
func (r *reading) deltas() map[id.Org]snapshot.PromptsDelta {
	out := make(map[id.Org]snapshot.PromptsDelta, len(r.prompts))
	for org, rows := range r.prompts {
		for which, p := range rows.heads {
			if p == nil {
				continue
			}
			p.Versions = rows.versions[which]
			slices.SortFunc(p.Versions, func(a, b prompt.StoredVersion) int { return a.Number - b.Number })
		}
		out[org] = rows.heads
	}
	return out
}

func addEnvironment(o *snapshot.OrgConfig, doc []byte) error {
	var d environmentDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	if o.PromptAt == nil {
		o.PromptAt = map[string]string{}
	}
	o.PromptAt[d.Environment] = d.Label
	return nil
}
