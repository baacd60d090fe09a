package filter

import (
	"slices"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/usage"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// None stands for the empty value in an address, as in the API.
const None = "(none)"

// Dimensions are the filters that an address holds, by dimension. The empty value means that a call has none.
func Dimensions(a Address) map[usage.Dimension][]string {
	out := map[usage.Dimension][]string{}
	for _, d := range usage.Dimensions {
		for _, v := range a.All(string(d)) {
			if v != "" {
				out[d] = append(out[d], Value(v))
			}
		}
	}
	return out
}

// Value reads a value of an address.
func Value(param string) string {
	if param == None {
		return ""
	}
	return param
}

// Param writes a value for an address.
func Param(value string) string {
	if value == "" {
		return None
	}
	return value
}

// Names are the parameters that say what a page is about; links between pages keep them.
func Names() []string {
	out := []string{"range", "from", "to"}
	for _, d := range usage.Dimensions {
		out = append(out, string(d))
	}
	return out
}

// Title is a dimension's name at the head of a column.
func Title(d usage.Dimension) string {
	s := Word(d)
	return strings.ToUpper(s[:1]) + s[1:]
}

// Word is a dimension's name in a sentence.
func Word(d usage.Dimension) string { return strings.ReplaceAll(string(d), "_", " ") }

// Plural is a dimension's name for several.
func Plural(d usage.Dimension) string {
	if d == usage.Alias {
		return "aliases"
	}
	return Word(d) + "s"
}

// Namer names values of dimensions. Keys, experiments and prompts are known by id only; Keys names those that the page has met.
type Namer struct {
	Teams   people.Teams
	Keys    map[string]string
	Vendors Vendors
}

// Name is what people call a value.
func (n Namer) Name(d usage.Dimension, value string) string {
	switch {
	case value == "":
		return "No " + Word(d)
	case d == usage.Team:
		return n.Teams.Name(id.Team(value))
	case (d == usage.Key || d == usage.Experiment || d == usage.Prompt || d == usage.PromptVersion) && n.Keys[value] != "":
		return n.Keys[value]
	case d == usage.Provider:
		return n.Provider(value)
	default:
		return value
	}
}

// Provider is a provider's name as it writes it.
func (n Namer) Provider(value string) string {
	if v, ok := n.Vendors(value); ok {
		return v.Name
	}
	return value
}

// Chips are the filters that are on, each with the address without it.
func (n Namer) Chips(a Address) []ui.Filter {
	var out []ui.Filter
	for _, d := range usage.Dimensions {
		values := Dimensions(a)[d]
		if len(values) == 0 {
			continue
		}
		named := make([]string, len(values))
		for i, v := range values {
			named[i] = n.Name(d, v)
		}
		out = append(out, ui.Filter{Name: Title(d), Value: strings.Join(named, ", "), Remove: a.Without(string(d), "before", "after").String()})
	}
	return out
}

// TeamChoices are all teams and each of them, as links to the same page.
func (n Namer) TeamChoices(a Address) []ui.Choice {
	values := make([]string, len(n.Teams))
	for i, t := range n.Teams {
		values[i] = string(t.ID)
	}
	return n.choices(a, usage.Team, "All teams", values)
}

// EnvironmentChoices are all environments and each of those that have been seen.
func (n Namer) EnvironmentChoices(a Address, seen []string) []ui.Choice {
	return n.choices(a, usage.Environment, "All environments", seen)
}

func (n Namer) choices(a Address, d usage.Dimension, all string, values []string) []ui.Choice {
	chosen := Dimensions(a)[d]
	clean := a.Without("before", "after", "open")
	out := []ui.Choice{{Text: all, Href: clean.Without(string(d)).String(), Current: len(chosen) == 0}}
	if len(chosen) > 1 {
		out = append(out, ui.Choice{Text: ui.Plural(int64(len(chosen)), Word(d), Plural(d)), Href: a.String(), Current: true})
	}
	for _, v := range chosen {
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	for _, v := range values {
		out = append(out, ui.Choice{Text: n.Name(d, v), Href: clean.With(string(d), Param(v)).String(), Current: len(chosen) == 1 && chosen[0] == v})
	}
	return out
}
