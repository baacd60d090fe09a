package prompts

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// verdict is what a check of the form found, without saving anything.
type verdict struct {
	Trouble  page.Trouble // the content breaks a rule; then nothing else was looked at
	Mistakes []mistakeView
	Outcomes []prompt.Outcome
	Missing  []string // variables that the text holds and that are not declared
	Rendered string   // with the samples
	Failed   string   // why it could not be rendered with them
	Samples  bool     // a value was made up: somebody typed none
}

// mistakeView is a mistake with the field that it stands in.
type mistakeView struct {
	At           string // as the domain says it: text, messages.2.text
	Where        string // as people say it
	Line, Column int
	Reason       string
	Href         string
}

// ok reports whether the form could be published.
func (w *verdict) ok() bool {
	return w.Trouble == page.Trouble{} && len(w.Mistakes) == 0 && w.failed() == 0
}

// failed is how many cases failed.
func (w *verdict) failed() int {
	n := 0
	for _, o := range w.Outcomes {
		if o.Failed != "" {
			n++
		}
	}
	return n
}

// problems are the mistakes of one field, for its editor.
func (w *verdict) problems(at, text string) []ui.Problem {
	if w == nil {
		return nil
	}
	var out []ui.Problem
	for _, m := range w.Mistakes {
		if m.At == at {
			out = append(out, ui.Problem{Line: m.Line, Column: m.Column, Reason: m.Reason})
		}
	}
	return ui.Problems(out, text)
}

// outcome is what became of the i-th case; false: it was not tried.
func (w *verdict) outcome(i int) (prompt.Outcome, bool) {
	if w == nil || i >= len(w.Outcomes) {
		return prompt.Outcome{}, false
	}
	return w.Outcomes[i], true
}

// undeclared is how the language names a variable that is not declared.
var undeclared = regexp.MustCompile(`^There is no variable "([A-Za-z_][A-Za-z0-9_]*)"\.`)

// check asks for a verdict on the form. Only failures of the installation are errors.
func (p Prompts) check(ctx context.Context, in tenant.Scope, f *form) (*verdict, error) {
	c, err := f.content()
	out := &verdict{}
	if err == nil {
		err = p.try(ctx, in, f, c, out)
	}
	if err != nil {
		trouble, _, mendable := page.Wrong(err)
		if !mendable {
			return nil, err
		}
		out.Trouble = trouble
	}
	return out, nil
}

// try renders the content with samples, as one case more than it has.
func (p Prompts) try(ctx context.Context, in tenant.Scope, f *form, c prompt.Content, out *verdict) error {
	samples, made, err := f.samples()
	if err != nil {
		out.Failed = err.Error()
		samples = nil
	}
	out.Samples = made
	tried := c
	tried.Cases = append(slices.Clone(c.Cases[:min(len(c.Cases), casesMax-1)]), prompt.Case{Name: "sample", Variables: samples, Assert: []prompt.Assertion{}})
	mistakes, outcomes, err := p.Prompts.Check(ctx, in, f.ID, f.Kind, tried)
	if err != nil {
		return err
	}
	for _, m := range mistakes {
		out.Mistakes = append(out.Mistakes, mistake(m))
		if found := undeclared.FindStringSubmatch(m.Reason); found != nil && !slices.Contains(out.Missing, found[1]) {
			out.Missing = append(out.Missing, found[1])
		}
	}
	if n := len(outcomes); n > 0 {
		last := outcomes[n-1]
		out.Outcomes = outcomes[:n-1]
		if out.Failed == "" {
			out.Rendered, out.Failed = last.Text, last.Failed
		}
	}
	return nil
}

func mistake(m prompt.Mistake) mistakeView {
	out := mistakeView{At: m.At, Where: "Text", Line: m.Line, Column: m.Column, Reason: m.Reason, Href: "#f-text"}
	if n, ok := strings.CutPrefix(m.At, "messages."); ok {
		n, _, _ = strings.Cut(n, ".")
		if i, err := strconv.Atoi(n); err == nil {
			out.Where, out.Href = "Message "+strconv.Itoa(i+1), "#f-text-"+n
		}
	}
	return out
}

// samples are the values of the preview. For a variable without one it makes one up, and tells so.
func (f *form) samples() (values map[string]json.RawMessage, made bool, err error) {
	values = map[string]json.RawMessage{}
	for _, v := range f.Variables {
		raw := value(template.Kind(v.Kind), v.Sample)
		switch {
		case raw != nil && !json.Valid(raw):
			return nil, made, prompt.ErrInvalid.Say("The sample of %q is written as JSON: it is a %s.", v.Name, v.Kind)
		case raw != nil:
			values[v.Name] = raw
		case v.Required:
			values[v.Name], made = sample(v), true
		}
	}
	return values, made, nil
}

// sample makes a value up.
func sample(v formVariable) json.RawMessage {
	switch template.Kind(v.Kind) {
	case template.Number:
		return json.RawMessage("1")
	case template.Boolean:
		return json.RawMessage("true")
	case template.Enum:
		if values := listed(v.Values); len(values) > 0 {
			return quoted(values[0])
		}
	case template.List:
		return json.RawMessage(`["one","two"]`)
	case template.Any:
		return json.RawMessage("{}")
	case template.String:
	}
	name := "[" + v.Name + "]"
	if n, err := strconv.Atoi(v.Max); err == nil && n > 0 && n < len(name) {
		name = name[:n]
	}
	return quoted(name)
}

// keepSamples makes a test case of the samples.
func (f *form) keepSamples() {
	values, _, err := f.samples()
	if err != nil || len(f.Cases) >= casesMax {
		return
	}
	f.Cases = append(f.Cases, formCase{Variables: pretty(encoded(values)), Assert: []formAssertion{{Kind: prompt.Contains}}})
}

// declare declares a variable that the text holds, as what the text takes it for.
func (f *form) declare(name string) {
	if len(f.Variables) >= variablesMax || slices.ContainsFunc(f.Variables, func(v formVariable) bool { return v.Name == name }) {
		return
	}
	text := f.Text
	for _, m := range f.Messages {
		text += "\n" + m.Text
	}
	f.Variables = append(f.Variables, formVariable{Name: name, Kind: string(guess(text, name)), Required: true})
}

// guess is what a text takes a variable for.
func guess(text, name string) template.Kind {
	quoted := regexp.QuoteMeta(name)
	switch {
	case regexp.MustCompile(`\{\{~?#each\s+` + quoted + `\b`).MatchString(text):
		return template.List
	case regexp.MustCompile(`\{\{[^}]*\b` + quoted + `\.[A-Za-z_]`).MatchString(text):
		return template.Any
	case regexp.MustCompile(`\b` + quoted + `\s*(<=?|>=?)|(<=?|>=?)\s*` + quoted + `\b`).MatchString(text):
		return template.Number
	case !regexp.MustCompile(`\{\{\{?~?\s*&?\s*`+quoted+`\s*(\||~?\})`).MatchString(text) && regexp.MustCompile(`\{\{~?(#if|\^|else if)[^}]*\b`+quoted+`\b`).MatchString(text):
		return template.Boolean
	}
	return template.String
}
