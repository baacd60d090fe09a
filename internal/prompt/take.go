package prompt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// Bundle is a prompt as it comes from elsewhere: from a file, or from another registry.
type Bundle struct {
	Name        string
	Kind        Kind
	Description string    // "": what stands here stays
	Tags        []string  // nil: what stands here stay
	Versions    []Carried // in the order in which they were made
	Revision    int       // of the prompt here that this was made from; 0: of none
}

// Carried is one version of a Bundle.
type Carried struct {
	Number  int // where it comes from; 0: it has none there
	Content Content
	Names   map[string]string // by what stands in braces: the name of the prompt that it means, where it is another
	Pins    []Pin             // fixed versions that its templates name by their numbers elsewhere
	// Complete: variables of the prompts that it names, which it does not declare itself, are declared as those do.
	Complete bool
	Message  string
	Labels   []string
}

// Pin is "{{> NAME@NUMBER}}" in a template, where the number is the one of where the prompt comes from.
type Pin struct {
	Name   string // as the tag says it
	Number int
	Folder string // into which it was moved; "": it was not
}

// source is where the version that is meant came from.
func (p Pin) source() Pin {
	if p.Folder == "" {
		return Pin{Name: p.Name, Number: p.Number}
	}
	return Pin{Name: p.Folder + "/" + p.Name, Number: p.Number}
}

func (p Pin) ref(number int) string { return p.Name + "@" + strconv.Itoa(number) }

func (p Pin) tag(number int) string { return "{{> " + p.ref(number) + "}}" }

// LabelRule says which labels of a Bundle are put on.
type LabelRule string

// The rules.
const (
	NewLabels LabelRule = "new"  // those that the prompt does not have yet: nothing that is live changes
	AllLabels LabelRule = "all"  // all, from wherever they stand
	NoLabels  LabelRule = "none" // none
)

// Taking says how bundles are taken in.
type Taking struct {
	DryRun bool      // everything is done and nothing is kept
	Labels LabelRule // "": NewLabels
	Strict bool      // a label that the caller may not move refuses its prompt; otherwise that label stays where it is
	Guard  bool      // what was changed here since Bundle.Revision refuses its prompt
}

// Taken is what became of one bundle.
type Taken struct {
	Prompt  Prompt // as it then stands
	Created bool
	Edited  bool   // its description or tags are others now
	Is      []int  // number here of each version that was carried
	Made    []int  // those of Is that are new
	Moves   []Move // of labels
	Held    []Held // labels that were not moved
	Err     error  // why it was refused; then nothing of it was written
}

// Changed reports whether anything here is different now.
func (t *Taken) Changed() bool { return t.Created || t.Edited || len(t.Made) > 0 || len(t.Moves) > 0 }

// Held is a label that stayed where it was.
type Held struct {
	Label   string
	Version int // on which it was to stand
	Reason  string
}

// errRehearsed ends a dry run.
var errRehearsed = errors.New("prompt: a dry run keeps nothing")

// Take takes bundles in, in their order, so that one can name another that stands before it. A version whose content a prompt already has
// is found, not made again: taking the same bundles twice changes nothing. A bundle is taken whole or not at all, and its Err says why;
// the error of Take itself means that nothing was taken.
func (s *Service) Take(ctx context.Context, in tenant.Scope, bundles []Bundle, how Taking) ([]Taken, error) {
	t := taker{h: s.hand(in), how: how, placed: map[Pin]int{}}
	out := make([]Taken, len(bundles))
	err := s.store.Change(ctx, in, func(d Desk) error {
		t.d = d
		for i := range bundles {
			err := d.Try(func() (err error) {
				out[i], err = t.take(&bundles[i])
				return err
			})
			if f := (*fault.Error)(nil); errors.As(err, &f) && refusal(f.Kind) {
				out[i] = Taken{Prompt: Prompt{Name: bundles[i].Name, Kind: bundles[i].Kind}, Err: f}
			} else if err != nil {
				return err
			}
		}
		if how.DryRun {
			return errRehearsed
		}
		return d.Err()
	})
	if errors.Is(err, errRehearsed) {
		err = nil
	}
	return out, err
}

// refusal reports a failure that is the bundle's own: the next one may pass.
func refusal(k fault.Kind) bool {
	return k == fault.Invalid || k == fault.Forbidden || k == fault.NotFound || k == fault.Conflict || k == fault.Stale
}

// taker is one run of Take.
type taker struct {
	h      hand
	d      Desk
	how    Taking
	placed map[Pin]int // numbers here of versions that were taken
}

func (t *taker) take(b *Bundle) (Taken, error) {
	out := Taken{}
	p, err := t.found(b, &out)
	if err != nil {
		return out, err
	}
	was := p.Revision
	labels := map[string]int{}
	for _, c := range b.Versions {
		if p, err = t.version(p, c, len(b.Versions) == 1, &out); err != nil {
			return out, err
		}
		for _, label := range c.Labels {
			labels[label] = out.Is[len(out.Is)-1]
		}
	}
	if p, err = t.describe(p, b, &out); err != nil {
		return out, err
	}
	if p, err = t.label(p, labels, &out); err != nil {
		return out, err
	}
	if b.Revision != 0 && t.how.Guard && out.Changed() && was != b.Revision {
		return out, stale(b, was, out.Created)
	}
	for i, c := range b.Versions {
		if c.Number > 0 {
			t.placed[Pin{Name: b.Name, Number: c.Number}] = out.Is[i]
		}
	}
	out.Prompt = p
	return out, nil
}

func stale(b *Bundle, now int, gone bool) error {
	if gone {
		return ErrStale.Say("The prompt %q was archived or renamed since it was read. Read prompts again, or force it to be made anew.", fault.Clip(b.Name))
	}
	return ErrStale.Say("The prompt %q was changed since it was read (revision %d then, %d now). Read it again, or force it.", fault.Clip(b.Name), b.Revision, now)
}

// found is the prompt of the bundle's name, or a new one.
func (t *taker) found(b *Bundle, out *Taken) (Prompt, error) {
	if len(b.Versions) == 0 {
		return Prompt{}, invalid("versions", "The prompt %q has no version to be taken.", fault.Clip(b.Name))
	}
	p, known := t.d.Named(b.Name)
	switch {
	case known && p.Kind != b.Kind:
		return p, invalid("kind", "The prompt %q is a %s prompt here, and this is a %s prompt.", fault.Clip(b.Name), p.Kind, b.Kind)
	case known:
		return p, nil
	}
	out.Created = true
	p = Prompt{
		ID: id.Prompt(id.New("prompt")), Name: b.Name, Kind: b.Kind, Description: strings.TrimSpace(b.Description), Tags: slices.Clone(b.Tags),
		Labels: map[string]int{}, CreatedAt: t.h.at,
	}
	if n, err := t.d.Count(); err != nil || n >= promptsMax {
		if err != nil {
			return p, err
		}
		return p, invalid("name", "An organization has at most %d prompts.", promptsMax)
	}
	return p, p.check()
}

// version finds or makes one. only: it is the only one of its bundle, so it may be any that the prompt has; otherwise one behind those
// before it.
func (t *taker) version(p Prompt, c Carried, only bool, out *Taken) (Prompt, error) {
	content, err := t.bound(c)
	if err != nil {
		return p, err
	}
	if content = content.normal(); c.Complete {
		content = t.completed(p.ID, content)
	}
	if err := content.check(p.Kind); err != nil {
		return p, err
	}
	linked, err := ready(t.d, p.ID, content)
	if err != nil {
		return p, err
	}
	hash, err := HashOf(linked)
	if err != nil {
		return p, err
	}
	had, err := t.d.Numbers(p.ID, hash)
	if err != nil {
		return p, err
	}
	after := 0
	if len(out.Is) > 0 {
		after = out.Is[len(out.Is)-1]
	}
	had = slices.DeleteFunc(had, func(n int) bool { return n < after })
	switch {
	case len(had) > 0 && only:
		out.Is = append(out.Is, slices.Max(had))
		return p, nil
	case len(had) > 0:
		out.Is = append(out.Is, slices.Min(had))
		return p, nil
	}
	p, v, err := t.h.publish(t.d, p, content, c.Message, nil)
	if err != nil {
		return p, err
	}
	out.Is, out.Made = append(out.Is, v.Number), append(out.Made, v.Number)
	return p, nil
}

// bound is content whose names of other prompts mean prompts here.
func (t *taker) bound(c Carried) (Content, error) {
	out, names, err := t.pinned(c)
	if err != nil || len(names) == 0 {
		return out, err
	}
	if out.Refs = maps.Clone(out.Refs); out.Refs == nil {
		out.Refs = map[string]Ref{}
	}
	for _, text := range slices.Sorted(maps.Keys(names)) {
		name, version, label, ok := ParseRef(names[text])
		p, known := t.d.Named(name)
		if !ok || !known {
			return out, invalid("refs", "{{> %s}} means the prompt %q, which is not there.", fault.Clip(text), fault.Clip(names[text]))
		}
		out.Refs[text] = Ref{Prompt: p.ID, Version: version, Label: label}
	}
	return out, nil
}

// completed is content that declares what the prompts that it names need.
func (t *taker) completed(self id.Prompt, c Content) Content {
	_, refs, _ := Link(t.d, self, c)
	c.Variables = slices.Clone(c.Variables)
	for _, text := range slices.Sorted(maps.Keys(refs)) {
		ref := refs[text]
		p, ok := t.d.Prompt(ref.Prompt)
		number := ref.Version
		if number == 0 && ok {
			number = p.At(ref.Label)
		}
		inner, _ := t.d.Content(ref.Prompt, number)
		for _, v := range inner.Variables {
			if !slices.ContainsFunc(c.Variables, func(o template.Variable) bool { return o.Name == v.Name }) {
				c.Variables = append(c.Variables, v)
			}
		}
	}
	return c
}

// pinned is content whose fixed versions of other prompts have the numbers that they have here.
func (t *taker) pinned(c Carried) (Content, map[string]string, error) {
	out, names, here := c.Content, maps.Clone(c.Names), map[string]string{}
	var pairs []string
	for _, pin := range c.Pins {
		number, ok := t.placed[pin.source()]
		if !ok {
			return out, names, invalid("refs", "It names version %d of %q, which is not among what is taken in.", pin.Number, fault.Clip(pin.Name))
		}
		pairs = append(pairs, pin.tag(pin.Number), pin.tag(number))
		if meant, ok := names[pin.ref(pin.Number)]; ok {
			name, _, _, _ := ParseRef(meant)
			delete(names, pin.ref(pin.Number))
			here[pin.ref(number)] = name + "@" + strconv.Itoa(number)
		}
	}
	if len(pairs) == 0 {
		return out, names, nil
	}
	maps.Copy(here, names)
	replacer := strings.NewReplacer(pairs...)
	out.Text = replacer.Replace(out.Text)
	out.Messages = slices.Clone(out.Messages)
	for i := range out.Messages {
		out.Messages[i].Text = replacer.Replace(out.Messages[i].Text)
	}
	return out, here, nil
}

// describe writes what the bundle says of the prompt itself.
func (t *taker) describe(p Prompt, b *Bundle, out *Taken) (Prompt, error) {
	if out.Created {
		return p, nil
	}
	now := p
	if d := strings.TrimSpace(b.Description); d != "" {
		now.Description = d
	}
	if b.Tags != nil {
		now.Tags = slices.Clone(b.Tags)
	}
	if err := now.check(); err != nil {
		return p, err
	}
	if now.Description == p.Description && slices.Equal(now.Tags, p.Tags) {
		return p, nil
	}
	out.Edited = true
	return t.h.write(t.d, now, nil)
}

// label puts labels on, each by the rules of any other move.
func (t *taker) label(p Prompt, labels map[string]int, out *Taken) (Prompt, error) {
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		was, number := p.Labels[label], labels[label]
		switch {
		case label == Latest || was == number || t.how.Labels == NoLabels:
			continue
		case was != 0 && t.how.Labels != AllLabels:
			out.Held = append(out.Held, Held{label, number, "It stands on version " + strconv.Itoa(was) + " here. Take all labels to move it."})
			continue
		}
		moved, moves, err := t.h.place(t.d, p, []string{label}, number)
		if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind == fault.Forbidden && !t.how.Strict {
			out.Held = append(out.Held, Held{label, number, f.Message})
			continue
		}
		if err != nil {
			return p, err
		}
		if p, err = t.h.write(t.d, moved, moves); err != nil {
			return p, err
		}
		out.Moves = append(out.Moves, moves...)
	}
	return p, nil
}
