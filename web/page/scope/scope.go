// Package scope says in words which calls a budget or a limit is about, and asks for it in forms.
package scope

import (
	"slices"
	"strings"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/web/page/people"
)

// Names are what people call the values of dimensions that are known by id. Given, where it has one, goes first.
type Names struct {
	Given   map[dimension.Match]string
	Teams   people.Teams
	Keys    map[string]string
	Vendors func(id string) (provider.Vendor, bool) // nil: providers keep their ids
}

// Noun is what one value of a dimension is called: "team", "end user", "tag customer".
func Noun(n dimension.Name) string {
	if key, ok := n.TagKey(); ok {
		return "tag " + key
	}
	return strings.ReplaceAll(string(n), "_", " ")
}

// Nouns is Noun for several.
func Nouns(n dimension.Name) string {
	if key, ok := n.TagKey(); ok {
		return "values of " + key
	}
	if n == dimension.Alias {
		return "aliases"
	}
	return Noun(n) + "s"
}

// Value is what people call a value of a dimension.
func (n Names) Value(d dimension.Name, value string) string {
	if name := n.Given[dimension.Match{Dimension: d, Value: value}]; name != "" && d != dimension.Provider {
		return name
	}
	switch d { //nolint:exhaustive // the others are their own names
	case dimension.Team:
		return n.Teams.Name(id.Team(value))
	case dimension.Key:
		if name := n.Keys[value]; name != "" {
			return name
		}
	case dimension.Provider:
		if n.Vendors == nil {
			return value
		}
		if v, ok := n.Vendors(value); ok {
			return v.Name
		}
	}
	return value
}

// Selector names the calls that it selects: "team Support, environment production"; the zero one is the whole organization.
func (n Names) Selector(s dimension.Selector) string {
	if len(s) == 0 {
		return "the whole organization"
	}
	out := make([]string, len(s))
	for i, m := range Ordered(s) {
		out[i] = Noun(m.Dimension) + " " + n.Value(m.Dimension, m.Value)
	}
	return strings.Join(out, ", ")
}

// Ordered are the conditions from the widest dimension to the narrowest, tags last.
func Ordered(s dimension.Selector) dimension.Selector {
	rank := func(m dimension.Match) int {
		if i := slices.Index(dimension.Names, m.Dimension); i >= 0 {
			return i
		}
		return len(dimension.Names)
	}
	out := slices.Clone(s)
	slices.SortStableFunc(out, func(a, b dimension.Match) int { return rank(a) - rank(b) })
	return out
}

// Requests is the list of the calls that a selector selects, where the list can be narrowed to them: a value of a dimension that it
// has no filter for is left out.
func Requests(s dimension.Selector) string {
	out := "/requests"
	sep := "?"
	for _, m := range Ordered(s) {
		switch m.Dimension { //nolint:exhaustive // tags and end users have no filter
		case dimension.Team, dimension.Key, dimension.Environment, dimension.Workflow, dimension.Alias, dimension.Provider, dimension.Model,
			dimension.Prompt, dimension.PromptVersion:
			out += sep + string(m.Dimension) + "=" + escape(m.Value)
			sep = "&"
		}
	}
	return out
}
