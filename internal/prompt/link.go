package prompt

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
)

// Library is the prompts that others may name.
type Library interface {
	// Named finds a prompt that is not archived by its name.
	Named(name string) (Prompt, bool)
	// Prompt finds one by its id, archived or not.
	Prompt(which id.Prompt) (Prompt, bool)
	// Content is what a version says.
	Content(which id.Prompt, number int) (Content, bool)
}

// ParseRef reads what stands behind {{>: a name, and @ with a version or : with a label.
func ParseRef(text string) (name string, version int, label string, ok bool) {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		n, err := strconv.Atoi(text[at+1:])
		return text[:at], n, "", err == nil && n > 0 && CheckName(text[:at]) == nil
	}
	name, label, labelled := strings.Cut(text, ":")
	if !labelled {
		label = Production
	}
	return name, 0, label, CheckName(name) == nil && (label == Latest || labelForm.MatchString(label))
}

// linker compiles content together with the prompts that it names.
type linker struct {
	lib  Library
	path []id.Prompt // that are being compiled, from the outermost
}

// Link makes content of the prompt self ready. The Refs that it returns are those of the content, and those that were found by name now.
func Link(lib Library, self id.Prompt, c Content) (*Compiled, map[string]Ref, []Mistake) {
	l := &linker{lib: lib, path: []id.Prompt{self}}
	refs := map[string]Ref{}
	compiled, mistakes := Compile(c, l.parts(&c, refs))
	return compiled, refs, mistakes
}

// parts finds the prompts that content names. found is told what each name means.
func (l *linker) parts(c *Content, found map[string]Ref) Parts {
	return func(text string) (*template.Template, string) {
		ref, reason := l.ref(c, text)
		if reason != "" {
			return nil, reason
		}
		if found != nil {
			found[text] = ref
		}
		return l.part(c, text, ref)
	}
}

// ref is what a name means: what it meant when the version was saved, or what it means now.
func (l *linker) ref(c *Content, text string) (Ref, string) {
	name, version, label, ok := ParseRef(text)
	if !ok {
		return Ref{}, "\"" + fault.Clip(text) + "\" names no prompt: write a name, and @ with a version or : with a label."
	}
	if p, ok := l.lib.Named(name); ok {
		if had, bound := c.Refs[text]; !bound || had.Prompt == p.ID {
			return Ref{Prompt: p.ID, Version: version, Label: label}, ""
		}
	}
	if had, ok := c.Refs[text]; ok {
		return had, ""
	}
	return Ref{}, "There is no prompt \"" + fault.Clip(name) + "\"."
}

// part compiles another prompt's text.
func (l *linker) part(c *Content, text string, ref Ref) (*template.Template, string) {
	shown := "The prompt " + fault.Clip(text)
	switch {
	case slices.Contains(l.path, ref.Prompt):
		return nil, shown + " would stand in itself."
	case len(l.path) > template.NestMax:
		return nil, "Prompts stand in one another more than " + strconv.Itoa(template.NestMax) + " deep."
	}
	p, ok := l.lib.Prompt(ref.Prompt)
	if !ok {
		return nil, shown + " is not there any more."
	}
	number := ref.Version
	if number == 0 {
		if number = p.At(ref.Label); number == 0 {
			return nil, shown + " has no version with the label " + ref.Label + "."
		}
	}
	inner, ok := l.lib.Content(ref.Prompt, number)
	switch {
	case !ok:
		return nil, shown + " has no version " + strconv.Itoa(number) + "."
	case p.Kind != Text:
		return nil, shown + " has messages: only a text can stand in another prompt."
	}
	if reason := compatible(c, &inner, shown); reason != "" {
		return nil, reason
	}
	l.path = append(l.path, ref.Prompt)
	defer func() { l.path = l.path[:len(l.path)-1] }()
	t, problems := template.Compile(inner.Text, template.Options{Variables: inner.Variables, Escape: inner.Escape, Partial: l.parts(&inner, nil)})
	if len(problems) > 0 {
		return nil, shown + ", version " + strconv.Itoa(number) + ", line " + strconv.Itoa(problems[0].Line) + ": " + problems[0].Reason
	}
	return t, ""
}

// compatible says where a variable of a part is declared as something else outside.
func compatible(outer, inner *Content, shown string) string {
	for _, v := range inner.Variables {
		for _, o := range outer.Variables {
			if o.Name == v.Name && o.Kind != v.Kind {
				return shown + " declares the variable \"" + v.Name + "\" as " + string(v.Kind) + ", and this one as " + string(o.Kind) + "."
			}
		}
	}
	return ""
}

// At is the version on which a label stands; 0: on none.
func (p *Prompt) At(label string) int {
	if label == Latest {
		return p.Latest
	}
	return p.Labels[label]
}

// LabelsOf are the labels that stand on a version, sorted, with Latest.
func (p *Prompt) LabelsOf(number int) []string {
	var out []string
	for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
		if p.Labels[label] == number {
			out = append(out, label)
		}
	}
	if number == p.Latest {
		out = append(out, Latest)
	}
	return out
}
