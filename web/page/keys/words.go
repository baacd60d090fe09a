package keys

import (
	"slices"
	"strings"

	"tollgate/internal/key"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// words says what the form would make, in sentences.
func (f form) words() []string {
	name := "The key"
	if f.Name != "" {
		name = f.Name
	}
	team := ""
	for _, t := range f.Teams {
		if string(t.ID) == f.Team {
			team = t.Name
		}
	}
	out := []string{name + " may call " + f.callable() + from(page.Words(f.Networks)) + until(f.LastDay) + "."}
	if team != "" {
		sentence := "Team " + team + " pays, under " + f.Environment
		if f.Workflow != "" {
			sentence += " and workflow " + f.Workflow
		}
		out = append(out, sentence+".")
	}
	if text := f.roomWords(); text != "" {
		out = append(out, text)
	}
	if f.Kind == string(key.PersonalKey) {
		out = append(out, "It is yours alone, and ends with your membership.")
	}
	if f.Reach == "chosen" {
		out = append(out, "It may use "+f.reached()+".")
	}
	if f.Drop {
		out = append(out, "What a target cannot express is dropped, with a warning.")
	}
	switch key.Privacy(f.Privacy) {
	case key.PrivacyFull:
		out = append(out, "Requests and answers are stored.")
	case key.PrivacyMetadata:
		out = append(out, "Tags, tokens and cost are stored; what was said is not.")
	case key.PrivacyNone:
		out = append(out, "Tokens, cost and time are stored, and nothing else.")
	}
	return out
}

func (f form) callable() string {
	if f.Scope != "chosen" {
		return "every alias and model"
	}
	var parts []string
	if n := len(page.Words(f.Aliases)); n > 0 {
		parts = append(parts, ui.Plural(int64(n), "alias", "aliases"))
	}
	if n := len(page.Words(f.Models)); n > 0 {
		parts = append(parts, ui.Plural(int64(n), "model pattern", "model patterns"))
	}
	if len(parts) == 0 {
		return "nothing yet"
	}
	return strings.Join(parts, " and ")
}

// reached names the endpoints that are marked.
func (f form) reached() string {
	var names []string
	for _, e := range key.Endpoints {
		if slices.Contains(f.Endpoints, e) {
			names = append(names, string(e))
		}
	}
	switch n := len(names); n {
	case 0:
		return "no endpoint yet"
	case 1:
		return names[0] + " only"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " only"
	}
}

func from(networks []string) string {
	if len(networks) == 0 {
		return " from anywhere"
	}
	return " from " + ui.Plural(int64(len(networks)), "network", "networks")
}

func until(day string) string {
	if day == "" {
		return ", without end"
	}
	return ", until the end of " + day
}
