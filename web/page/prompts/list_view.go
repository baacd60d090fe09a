package prompts

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// spending is what prompts carried in a month, and in the one before.
type spending struct {
	now, before map[id.Prompt]usage.Row
	total       usage.Row // of all calls, with a prompt or without
	upTo        time.Time
}

// spent asks what prompts carried.
func (p Prompts) spent(ctx context.Context, v *page.Visit) (spending, error) {
	out := spending{}
	by := func(from, to time.Time) (map[id.Prompt]usage.Row, usage.Costs, error) {
		got, err := p.Usage.Costs(ctx, v.Scope(), usage.Query{From: from, To: to, GroupBy: []usage.Dimension{usage.Prompt}})
		rows := map[id.Prompt]usage.Row{}
		for _, r := range got.Rows {
			if which := r.Values[usage.Prompt]; which != "" {
				rows[id.Prompt(which)] = r
			}
		}
		return rows, got, err
	}
	var now usage.Costs
	var err error
	if out.now, now, err = by(v.Now.Add(-month), v.Now); err != nil {
		return out, err
	}
	out.total, out.upTo = now.Total, now.UpTo
	out.before, _, err = by(v.Now.Add(-2*month), v.Now.Add(-month))
	return out, err
}

// figures are what the page says first.
func figures(all []prompt.Prompt, spent spending, v *page.Visit) listFigures {
	out := listFigures{Spent: spent.total.Cost}
	for _, r := range spent.now {
		out.Cost += r.Cost
		out.Calls += r.Calls
		out.Estimated += r.Estimated
	}
	var newest prompt.Prompt
	for _, one := range all {
		if one.UpdatedAt.After(v.Now.AddDate(0, 0, -7)) {
			out.Moved++
		}
		if one.UpdatedAt.After(newest.UpdatedAt) {
			newest = one
		}
	}
	out.Latest, out.LatestHref = newest.Name, href(newest.ID)
	return out
}

// fold fills in folders, labels and tags with their counts.
func (v *listView) fold(all []prompt.Prompt) {
	folders, labels, tags, bare := map[string]int{}, map[string]int{}, map[string]int{}, 0
	for _, one := range all {
		parts := strings.Split(folderOf(one.Name), "/")
		for i := range parts {
			if folder := strings.Join(parts[:i+1], "/"); folder != "" {
				folders[folder]++
			}
		}
		for label := range one.Labels {
			labels[label]++
		}
		for _, tag := range one.Tags {
			tags[tag]++
		}
		if len(one.Labels) == 0 {
			bare++
		}
	}
	v.Folders = append(v.Folders, ui.Choice{Text: "All prompts", Href: v.with("folder", ""), Count: strconv.Itoa(len(all)), Current: v.Folder == ""})
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if v.opened(name) {
			v.Folders = append(v.Folders, ui.Choice{Text: name, Href: v.with("folder", name), Count: strconv.Itoa(folders[name]), Current: v.Folder == name})
		}
	}
	for _, label := range sorted(labels) {
		v.Labels = append(v.Labels, v.labelled(label, label, "star", labels[label]))
	}
	if bare > 0 {
		v.Labels = append(v.Labels, v.labelled(unlabelled, "without label", "pause", bare))
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		v.Tags = append(v.Tags, ui.Choice{Text: tag, Href: v.with("tag", tag), Count: strconv.Itoa(tags[tag]), Current: v.Tag == tag})
	}
	v.chips()
}

func (v *listView) labelled(value, text, icon string, n int) labelCount {
	next := v.with("label", value)
	if v.Label == value {
		next = v.with("label", "")
	}
	return labelCount{ui.Choice{Text: text, Href: next, Count: strconv.Itoa(n), Current: v.Label == value}, icon}
}

// opened reports whether a folder is shown: those of the first level, and what lies on the way to the chosen one and right below it.
func (v *listView) opened(name string) bool {
	above, _ := cut(name)
	return above == "" || v.Folder == above || strings.HasPrefix(v.Folder+"/", above+"/")
}

// chips are the filters that are on, and the ways to sort.
func (v *listView) chips() {
	add := func(name, param, value string) {
		if value != "" {
			v.Filters = append(v.Filters, ui.Filter{Name: name, Value: value, Remove: v.with(param, "")})
		}
	}
	add("Folder", "folder", v.Folder)
	if v.Label == unlabelled {
		add("Label", "label", "no label")
	} else {
		add("Label", "label", v.Label)
	}
	add("Tag", "tag", v.Tag)
	v.Sorts = []ui.Choice{
		{Text: "By name", Href: v.with("sort", ""), Current: v.Sort == ""},
		{Text: "By spend", Href: v.with("sort", "spend"), Current: v.Sort == "spend"},
		{Text: "Newest", Href: v.with("sort", "newest"), Current: v.Sort == "newest"},
	}
}

// depth is how far a folder is drawn to the right.
func depth(name string) string { return "d" + strconv.Itoa(min(strings.Count(name, "/"), 4)) }
