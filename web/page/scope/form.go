package scope

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/dimension"
	"tollgate/internal/key"
	"tollgate/web/page"
	"tollgate/web/ui"
)

func escape(s string) string { return url.QueryEscape(s) }

// Choices are what the form offers to choose from. Empty lists make typed fields.
type Choices struct {
	Teams, Keys, Aliases, Providers []ui.Option
}

// Fields is a selection of calls as it is typed: a field for each dimension, named after it.
type Fields struct {
	Team, Environment, Alias, Key, Provider string
	Workflow, Model, EndUser                string
	Prompt, PromptVersion                   string
	Tags                                    string // key=value pairs
	Each, EachTag                           string // Each is "" for all together, "tag" for a tag named EachTag
}

// Of are the fields that say a selection.
func Of(s dimension.Selector, each dimension.Name) Fields {
	f := Fields{Each: string(each)}
	var tags []string
	for _, m := range s {
		if name, ok := m.Dimension.TagKey(); ok {
			tags = append(tags, name+"="+m.Value)
			continue
		}
		if to := f.at(m.Dimension); to != nil {
			*to = m.Value
		}
	}
	f.Tags = strings.Join(tags, ", ")
	if name, ok := each.TagKey(); ok {
		f.Each, f.EachTag = "tag", name
	}
	return f
}

func (f *Fields) at(n dimension.Name) *string {
	switch n {
	case dimension.Team:
		return &f.Team
	case dimension.Environment:
		return &f.Environment
	case dimension.Alias:
		return &f.Alias
	case dimension.Key:
		return &f.Key
	case dimension.Provider:
		return &f.Provider
	case dimension.Workflow:
		return &f.Workflow
	case dimension.Model:
		return &f.Model
	case dimension.EndUser:
		return &f.EndUser
	case dimension.Prompt:
		return &f.Prompt
	case dimension.PromptVersion:
		return &f.PromptVersion
	}
	return nil
}

// Read are the fields that were posted, or that the address fills in.
func Read(get func(name string) string) Fields {
	f := Fields{Tags: get("tags"), Each: get("each"), EachTag: strings.TrimSpace(get("each_tag"))}
	for _, n := range dimension.Names {
		*f.at(n) = strings.TrimSpace(get(string(n)))
	}
	return f
}

// Selector is what the fields say. It is for the service to check.
func (f Fields) Selector() dimension.Selector {
	var out dimension.Selector
	for _, n := range dimension.Names {
		if v := *f.at(n); v != "" {
			out = append(out, dimension.Match{Dimension: n, Value: v})
		}
	}
	tags := page.Pairs(f.Tags)
	for k := range tags {
		out = append(out, dimension.Match{Dimension: dimension.Tag(k), Value: tags[k]})
	}
	return out.Normal()
}

// EachName is the dimension whose values are counted one by one; "" is none.
func (f Fields) EachName() dimension.Name {
	if f.Each == "tag" {
		return dimension.Tag(f.EachTag)
	}
	return dimension.Name(f.Each)
}

// narrow reports whether one of the fields that stand behind "More" is filled.
func (f Fields) narrow() bool {
	return f.Workflow+f.Model+f.EndUser+f.Prompt+f.PromptVersion+f.Tags != ""
}

// Form is what the fields need to be drawn.
type Form struct {
	Fields
	Choices

	Trouble page.Trouble
	Noun    string // what each value would have for itself: "limit"
	Fixed   bool   // how it is counted cannot be changed any more
}

// wrong is what is wrong with the field of a dimension: troubles name conditions by their place in the selector.
func (f Form) wrong(n dimension.Name) string {
	for i, m := range f.Selector() {
		if m.Dimension == n {
			return f.Trouble.At("selector." + strconv.Itoa(i))
		}
	}
	return ""
}

// Above is what is wrong with the selection as a whole.
func (f Form) Above() string {
	if f.Trouble.Field == "selector" {
		return f.Trouble.Message
	}
	return ""
}

func (f Form) choose(n dimension.Name, label, any string, options []ui.Option) ui.SelectView {
	value := *f.at(n)
	v := ui.SelectView{FieldView: ui.FieldView{Name: string(n), Label: label, Error: f.wrong(n)}, Value: value, Options: []ui.Option{{Text: any}}}
	v.Options = append(v.Options, options...)
	if value != "" && !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == value }) {
		v.Options = append(v.Options, ui.Option{Value: value, Text: value})
	}
	return v
}

func (f Form) team() ui.SelectView {
	return f.choose(dimension.Team, "Team", "Every team", f.Teams)
}

func (f Form) environment() ui.SelectView {
	var options []ui.Option
	for _, e := range key.Environments {
		options = append(options, ui.Option{Value: e, Text: e})
	}
	return f.choose(dimension.Environment, "Environment", "Every environment", options)
}

func (f Form) alias() ui.SelectView {
	return f.choose(dimension.Alias, "Alias", "Every alias and model", f.Aliases)
}

func (f Form) key() ui.SelectView {
	return f.choose(dimension.Key, "Key", "Every key", f.Keys)
}

func (f Form) provider() ui.SelectView {
	return f.choose(dimension.Provider, "Provider", "Every provider", f.Providers)
}

func (f Form) typed(n dimension.Name, label, help, placeholder string) ui.InputView {
	v := ui.InputView{FieldView: ui.FieldView{Name: string(n), Label: label, Help: help, Error: f.wrong(n)}, Value: *f.at(n), Placeholder: placeholder, MaxLength: 256, Autocomplete: "off"}
	v.Optional = true
	return v
}

func (f Form) workflow() ui.InputView {
	return f.typed(dimension.Workflow, "Workflow", "", "triage")
}

func (f Form) model() ui.InputView {
	return f.typed(dimension.Model, "Model", "", "openai/gpt-4o-mini")
}

func (f Form) endUser() ui.InputView {
	return f.typed(dimension.EndUser, "End user", "", "user-4711")
}

func (f Form) prompt() ui.InputView {
	return f.typed(dimension.Prompt, "Prompt", "Its id.", "prompt_…")
}

func (f Form) promptVersion() ui.InputView {
	return f.typed(dimension.PromptVersion, "Version of a prompt", "Its prompt’s id, @ and the number.", "prompt_…@7")
}

func (f Form) tags() ui.InputView {
	text := ""
	for i, m := range f.Selector() {
		if _, ok := m.Dimension.TagKey(); ok {
			text = cmp.Or(text, f.Trouble.At("selector."+strconv.Itoa(i)))
		}
	}
	v := ui.InputView{FieldView: ui.FieldView{Name: "tags", Label: "Tags", Help: "Pairs as key=value. All of them must match.", Error: text}, Value: f.Tags, Placeholder: "customer=acme"}
	v.Optional = true
	return v
}

func (f Form) each() ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{Name: "each", Label: "Counted", Error: f.Trouble.At("each"), Help: "By itself: every value has the whole " + f.Noun + " for itself, also those that come later."}, Value: f.Each, Options: []ui.Option{{Text: "All together"}}}
	for _, n := range dimension.Names {
		v.Options = append(v.Options, ui.Option{Value: string(n), Text: "Each " + Noun(n) + " by itself"})
	}
	v.Options = append(v.Options, ui.Option{Value: "tag", Text: "Each value of a tag by itself"})
	return v
}

func (f Form) eachTag() ui.InputView {
	v := ui.InputView{FieldView: ui.FieldView{Name: "each_tag", Label: "Which tag", Help: "For “each value of a tag”."}, Value: f.EachTag, Mono: true, Placeholder: "customer", MaxLength: 64}
	v.Optional = true
	return v
}

// counted says how it is counted where that is fixed.
func (f Form) counted() string {
	if f.Each == "" {
		return "All together."
	}
	return "Each " + Noun(f.EachName()) + " by itself."
}
