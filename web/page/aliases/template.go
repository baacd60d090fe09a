package aliases

import (
	"cmp"
	"strings"
)

// template is a beginning for an alias: what it is for, and the models that serve it, the best known first.
type template struct {
	Name, Text string
	models     []string // provider/model
	anew       bool     // calls have nothing in common
}

// templates are those of the empty page and of the form.
func templates() []template {
	return []template{
		{"chat-fast", "Short answers at a low price", []string{"anthropic/claude-haiku-4-5", "openai/gpt-4o-mini", "google-gemini/gemini-2.5-flash", "mistral/mistral-small-latest", "groq/llama-3.1-8b-instant"}, false},
		{"chat-best", "The strongest models, another provider behind them", []string{"anthropic/claude-sonnet-4-5", "openai/gpt-4o", "google-gemini/gemini-2.5-pro", "mistral/mistral-large-latest"}, false},
		{"code", "Writing and reading code", []string{"anthropic/claude-sonnet-4-5", "openai/gpt-4o", "google-gemini/gemini-2.5-pro", "mistral/codestral-latest"}, false},
		{"embed", "Vectors for search; one model only, because vectors of two do not compare", []string{"openai/text-embedding-3-small", "google-gemini/gemini-embedding-001", "mistral/mistral-embed", "cohere/embed-v4.0"}, true},
	}
}

// templateView is a template as a card: what it would hold here.
type templateView struct{ Name, Text, Holds, Href string }

// offered are the templates with the models of connected providers; without one, the sandbox stands in.
func (n names) offered() []templateView {
	var out []templateView
	for _, t := range templates() {
		out = append(out, templateView{t.Name, t.Text, strings.Join(n.serving(t), ", then "), "/aliases/new?template=" + t.Name})
	}
	return out
}

// serving are the models of a template that the organization can call, two at most.
func (n names) serving(t template) []string {
	var out []string
	for _, m := range t.models {
		vendor, _, _ := strings.Cut(m, "/")
		for _, v := range n.vendors {
			if v.ID == vendor && n.connected(v) {
				out = append(out, m)
			}
		}
	}
	most := 2
	if t.anew {
		most = 1
	}
	if len(out) == 0 {
		return []string{"sandbox/" + cmp.Or(map[bool]string{true: "embed-mini"}[t.anew], "echo-mini")}
	}
	return out[:min(len(out), most)]
}

// fill lays a template into the form; the name of none changes nothing.
func (f *form) fill(n names, name string) {
	for _, t := range templates() {
		if t.Name != name {
			continue
		}
		f.Name, f.Rows = t.Name, nil
		for i, m := range n.serving(t) {
			vendor, model, _ := strings.Cut(m, "/")
			if i == 0 {
				f.Rows = append(f.Rows, formRow{By: vendor, Model: model})
			} else {
				f.Fallbacks = append(f.Fallbacks, formFallback{formRow: formRow{By: vendor, Model: model}})
			}
		}
	}
}
