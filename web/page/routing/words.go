package routing

import (
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/web/ui"
)

func (v view) badges() []ui.BadgeView {
	live := ui.BadgeView{Text: "v" + strconv.Itoa(v.Live.Number) + ", live"}
	if v.Live.Number == 0 {
		live.Text = "never saved"
	}
	if !v.Edited {
		return []ui.BadgeView{live}
	}
	return []ui.BadgeView{live, {Tone: ui.Info, Text: "edited, not applied"}}
}

func (v view) lines() int { return strings.Count(strings.TrimSuffix(v.Text, "\n"), "\n") + 1 }

// counted says how many lines came and went.
func (v view) counted() string {
	added, removed := ui.DiffCount(v.Diff)
	return ui.Plural(int64(added), "line", "lines") + " added, " + ui.CountText(int64(removed)) + " removed"
}

func changeTone(kind string) ui.Tone {
	switch kind {
	case alias.Added:
		return ui.OK
	case alias.Removed:
		return ui.Warn
	default:
		return ui.Info
	}
}

const example = `tasks:
  classification: fast-classifier
aliases:
  fast-classifier:
    targets: [{model: anthropic/claude-haiku-4-5}]
    fallbacks: [{model: openai/gpt-4o-mini}]`
