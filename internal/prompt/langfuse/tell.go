package langfuse

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// Resolved is a version with the prompts that it names, as their labels stand now. ErrLogic; prompt.ErrUnusable.
func Resolved(lib prompt.Library, p prompt.Prompt, v prompt.Version) (Prompt, error) {
	compiled, err := prompt.Ready(lib, p, v)
	if err != nil {
		return Prompt{}, err
	}
	out, err := tell(p, v, compiled)
	if err != nil {
		return Prompt{}, err
	}
	if len(v.Content.Refs) > 0 {
		g := &Graph{Root: node(p, v.Number), Dependencies: map[string][]Node{}}
		g.add(lib, g.Root, v.Content)
		out.ResolutionGraph = g
	}
	return out, nil
}

// Raw is a version with the tags of the prompts that it names left in the text. ErrLogic.
func Raw(lib prompt.Library, p prompt.Prompt, v prompt.Version) (Prompt, error) {
	compiled, mistakes := prompt.Compile(v.Content, func(text string) (*template.Template, string) {
		name, version, label, _ := prompt.ParseRef(text)
		if ref, ok := v.Content.Refs[text]; ok {
			if now, ok := lib.Prompt(ref.Prompt); ok {
				name = now.Name
			}
		}
		t, problems := template.Compile(tagOf(name, version, label), template.Options{})
		if len(problems) > 0 {
			return nil, problems[0].Reason
		}
		return t, ""
	})
	if len(mistakes) > 0 {
		return Prompt{}, prompt.Unusable(p.Name, v.Number, mistakes[0])
	}
	return tell(p, v, compiled)
}

func tell(p prompt.Prompt, v prompt.Version, compiled *prompt.Compiled) (Prompt, error) {
	out := Prompt{
		ID: node(p, v.Number).ID, Name: p.Name, Version: v.Number, Type: string(p.Kind), Labels: labelsOf(&p, v.Number), Tags: list(p.Tags),
		CreatedBy: v.Author, CreatedAt: v.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if v.Message != "" {
		out.CommitMessage = &v.Message
	}
	messages, reason := compiled.Plain()
	if reason == "" {
		out.Prompt, reason = say(p.Kind, messages, v.Content.Variables)
	}
	if reason != "" {
		return Prompt{}, ErrLogic.Say("Version %d of the prompt %q does more than Langfuse's SDKs can compile: %s. Render it through the gateway: "+
			"send the call with the header x-tollgate-prompt and its variables, or with tollgate.prompt in its body.", v.Number, fault.Clip(p.Name), reason)
	}
	var err error
	out.Config, err = config(&v.Content)
	return out, err
}

// say is the text, or the messages. reason says what of it the SDKs would get wrong.
func say(kind prompt.Kind, messages []prompt.PlainMessage, declared []template.Variable) (said any, reason string) {
	chat := make([]any, 0, len(messages))
	text := ""
	for _, m := range messages {
		if m.Placeholder != "" {
			chat = append(chat, Placeholder{Type: "placeholder", Name: m.Placeholder})
			continue
		}
		if reason = fits(m.Pieces, declared); reason != "" {
			return nil, reason
		}
		if text, reason = join(m.Pieces); reason != "" {
			return nil, reason
		}
		chat = append(chat, Message{Type: "chatmessage", Role: m.Role, Content: text})
	}
	if kind == prompt.Text {
		return text, ""
	}
	return chat, ""
}

// fits says which variable in a hole the SDKs would write otherwise than the gateway.
func fits(pieces []template.Piece, declared []template.Variable) string {
	for _, piece := range pieces {
		i := slices.IndexFunc(declared, func(v template.Variable) bool { return v.Name == piece.Variable })
		if piece.Variable == "" || i < 0 {
			continue
		}
		if reason := unfit(&declared[i]); reason != "" {
			return reason
		}
	}
	return ""
}

// unfit says why the SDKs cannot put a variable in. They know no defaults, and each writes what is no text or number in its language's way.
func unfit(v *template.Variable) string {
	switch {
	case v.Kind == template.Boolean || v.Kind == template.List || v.Kind == template.Any:
		return "the variable \"" + v.Name + "\" is of the kind " + string(v.Kind) + ", which each of them writes in another way"
	case len(v.Default) > 0 && string(v.Default) != `""`:
		return "the variable \"" + v.Name + "\" has a default, which they do not know"
	}
	return ""
}

func node(p prompt.Prompt, number int) Node {
	return Node{ID: string(p.ID) + "@" + strconv.Itoa(number), Name: p.Name, Version: number}
}

// add tells what stands in a version. Linking has seen that nothing stands in itself.
func (g *Graph) add(lib prompt.Library, in Node, c prompt.Content) {
	if _, told := g.Dependencies[in.ID]; told || len(c.Refs) == 0 {
		return
	}
	for _, text := range slices.Sorted(maps.Keys(c.Refs)) {
		ref := c.Refs[text]
		p, ok := lib.Prompt(ref.Prompt)
		if !ok {
			continue
		}
		child := node(p, cmp.Or(ref.Version, p.At(ref.Label)))
		if !slices.Contains(g.Dependencies[in.ID], child) {
			g.Dependencies[in.ID] = append(g.Dependencies[in.ID], child)
		}
		if inner, ok := lib.Content(p.ID, child.Version); ok {
			g.add(lib, child, inner)
		}
	}
}

// labelsOf is never nil, which the SDKs count on.
func labelsOf(p *prompt.Prompt, number int) []string { return list(p.LabelsOf(number)) }

func list(l []string) []string { return append([]string{}, l...) }

// MetaOf is a prompt in a list, by those of its versions that a label selects ("": all), of which newest is the newest.
func MetaOf(p prompt.Prompt, label string, newest prompt.Version) (Meta, error) {
	out := Meta{Name: p.Name, Type: string(p.Kind), Tags: list(p.Tags), LastUpdatedAt: p.UpdatedAt, Versions: []int{}, Labels: []string{}}
	for n := 1; n <= p.Latest; n++ {
		if label != "" && p.At(label) != n {
			continue
		}
		out.Versions = append(out.Versions, n)
		out.Labels = append(out.Labels, p.LabelsOf(n)...)
	}
	var err error
	out.LastConfig, err = config(&newest.Content)
	return out, err
}

// sentence is what a declared failure says.
func sentence(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.Message
	}
	return "It is not valid."
}
