package prompts

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tollgate/internal/id"
	"tollgate/internal/prompt/promptstat"
	"tollgate/web/ui"
)

// promptstatScore is promptstat.Score under a name of this package, for templates.
type promptstatScore = promptstat.Score

func scoreText(mean float64) string { return strconv.FormatFloat(mean, 'f', 3, 64) }

// selected marks a row; others carry no mark.
func selected(yes bool) templ.Attributes {
	if !yes {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-selected": "true"}
}

// badges are the labels behind the title.
func (s subject) badges() []ui.BadgeView {
	out := badges(s.Prompt, ": ")
	if s.archived() {
		out = append(out, ui.BadgeView{Tone: ui.Warn, Text: "archived"})
	}
	if len(out) == 0 {
		out = append(out, ui.BadgeView{Tone: ui.Outline, Text: "no label"})
	}
	return out
}

// tabs are the parts of a prompt's page.
func (s subject) tabs(current string) []ui.Choice {
	base := href(s.Prompt.ID)
	out := []ui.Choice{
		{Text: "Versions", Href: base, Count: strconv.Itoa(s.Prompt.Latest), Current: current == "versions"},
		{Text: "Figures", Href: base + "/figures", Current: current == "figures"},
		{Text: "Use in code", Href: base + "/use", Current: current == "use"},
		{Text: "Settings", Href: base + "/settings", Current: current == "settings"},
	}
	return out
}

// changed says what changed, in a sentence.
func (v detailView) changed() string {
	added, removed := ui.DiffCount(v.Changes)
	out := ui.Plural(int64(removed), "line", "lines") + " removed, " + ui.CountText(int64(added)) + " added."
	var gone, fresh []string
	for _, c := range v.Settings {
		if !strings.HasPrefix(c.Name, "{{") {
			continue
		}
		switch {
		case strings.HasPrefix(c.Effect, "removed"):
			gone = append(gone, strings.Trim(c.Name, "{}"))
		case c.Effect == "added" && strings.Contains(c.Is, "required"):
			fresh = append(fresh, strings.Trim(c.Name, "{}"))
		}
	}
	if len(gone) > 0 {
		out += " Gone: " + strings.Join(gone, ", ") + ". Callers that still send it are refused: the variable is unknown."
	}
	if len(fresh) > 0 {
		out += " New and required: " + strings.Join(fresh, ", ") + ". Callers that do not send it are refused."
	}
	return out
}

// used says which environments use a label.
func (r labelRow) used() string { return "what calls of " + strings.Join(r.Uses, ", ") + " get" }

// next is where a label most likely goes: to the newest version.
func (v detailView) next(r labelRow) int {
	if r.At == v.Prompt.Latest {
		return 0
	}
	return v.Prompt.Latest
}

func (v detailView) commentHref(c commentRow, what string) string {
	return href(v.Prompt.ID) + "/comments/" + url.PathEscape(string(c.ID)) + "/" + what
}

// figuresHref compares two versions with intervals; zeroes leave the comparison out.
func figuresHref(which id.Prompt, a, b int) string {
	if a == 0 || b == 0 {
		return href(which) + "/figures"
	}
	return href(which) + "/figures?a=" + strconv.Itoa(a) + "&b=" + strconv.Itoa(b)
}
