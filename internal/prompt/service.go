package prompt

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Service manages prompts. What may be done to a label is decided here, under the store's lock, whoever asks and by whichever way.
type Service struct {
	store Store
	now   func() time.Time
	holds []Hold
}

// Hold says in a few words what else uses a prompt, such as "the alias support", so that it is neither archived nor deleted; "": nothing does.
type Hold func(ctx context.Context, in tenant.Scope, which id.Prompt) (string, error)

// NewService needs storage, a clock, and those that may hold prompts.
func NewService(store Store, now func() time.Time, holds ...Hold) *Service {
	return &Service{store, now, holds}
}

// New is a prompt to be made.
type New struct {
	Name        string
	Kind        Kind
	Description string
	Tags        []string
	Content     Content
	Message     string
	Labels      []string
}

// Create makes a prompt with its first version. ErrInvalid, ErrTaken, ErrProtected.
func (s *Service) Create(ctx context.Context, in tenant.Scope, n New) (Prompt, Version, error) {
	h := s.hand(in)
	p := Prompt{
		ID: id.Prompt(id.New("prompt")), Name: strings.TrimSpace(n.Name), Kind: n.Kind, Description: strings.TrimSpace(n.Description),
		Tags: n.Tags, Latest: 0, Labels: map[string]int{}, Revision: 0, CreatedAt: h.at,
	}
	if err := p.check(); err != nil {
		return Prompt{}, Version{}, err
	}
	var v Version
	err := s.store.Change(ctx, in, func(d Desk) error {
		if _, taken := d.Named(p.Name); taken {
			return ErrTaken.At("name")
		}
		if n, err := d.Count(); err != nil || n >= promptsMax {
			return cmp.Or(err, invalid("name", "An organization has at most %d prompts.", promptsMax))
		}
		var err error
		p, v, err = h.publish(d, p, n.Content, n.Message, n.Labels)
		return err
	})
	return p, v, err
}

func (p *Prompt) check() error {
	if err := CheckName(p.Name); err != nil {
		return err
	}
	switch {
	case p.Kind != Text && p.Kind != Chat:
		return invalid("kind", "A prompt is text or chat.")
	case utf8.RuneCountInString(p.Description) > descriptionMax || !utf8.ValidString(p.Description):
		return invalid("description", "A description has at most %d characters.", descriptionMax)
	case len(p.Tags) > tagsMax:
		return invalid("tags", "At most %d tags.", tagsMax)
	}
	for _, t := range p.Tags {
		if !labelForm.MatchString(t) {
			return invalid("tags", "%q is no tag: 1 to 36 lower-case letters, digits, dots, hyphens or underscores.", fault.Clip(t))
		}
	}
	slices.Sort(p.Tags)
	p.Tags = slices.Compact(p.Tags)
	return nil
}

// Publish makes the next version and puts labels on it. The content that the newest version has makes none. check sees the prompt as it
// stands and may refuse (If-Match); nil accepts any.
func (s *Service) Publish(ctx context.Context, in tenant.Scope, which id.Prompt, c Content, message string, labels []string, check func(Prompt) error) (Prompt, Version, error) {
	h := s.hand(in)
	var p Prompt
	var v Version
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) (err error) {
		p, v, err = h.publish(d, had, c, message, labels)
		return err
	})
	return p, v, err
}

// change shows fn a prompt, archived or not.
func (s *Service) change(ctx context.Context, in tenant.Scope, which id.Prompt, check func(Prompt) error, fn func(Desk, Prompt) error) error {
	return s.store.Change(ctx, in, func(d Desk) error {
		p, ok := d.Prompt(which)
		if err := d.Err(); err != nil {
			return err
		}
		if !ok {
			return ErrNotFound
		}
		if check != nil {
			if err := check(p); err != nil {
				return err
			}
		}
		return fn(d, p)
	})
}

// publish checks, links, tries and writes a version, and puts labels on it.
func (h hand) publish(d Desk, p Prompt, c Content, message string, labels []string) (Prompt, Version, error) {
	message, err := oneLine("message", message)
	if err != nil {
		return p, Version{}, err
	}
	if !p.ArchivedAt.IsZero() {
		return p, Version{}, ErrArchived
	}
	if p.Latest >= versionsMax {
		return p, Version{}, invalid("content", "A prompt has at most %d versions. Duplicate it to go on.", versionsMax)
	}
	c = c.normal()
	if err := c.check(p.Kind); err != nil {
		return p, Version{}, err
	}
	if c, err = ready(d, p.ID, c); err != nil {
		return p, Version{}, err
	}
	v := Version{Number: p.Latest + 1, Content: c, Author: h.in.Actor().ID(), Message: message, CreatedAt: h.at}
	if v.Hash, err = HashOf(c); err != nil {
		return p, Version{}, err
	}
	if had, ok := d.Content(p.ID, p.Latest); ok && p.Latest > 0 {
		if hash, err := HashOf(had); err == nil && hash == v.Hash {
			v.Number = p.Latest
		}
	}
	fresh := v.Number > p.Latest
	if fresh {
		if err := d.Add(p.ID, v); err != nil {
			return p, Version{}, err
		}
		p.Latest = v.Number
	}
	p, moves, err := h.place(d, p, labels, v.Number)
	if err != nil || !fresh && len(moves) == 0 {
		return p, v, err
	}
	if fresh {
		if err := d.Tell(published(p, v, h)); err != nil {
			return p, v, err
		}
	}
	p, err = h.write(d, p, moves)
	return p, v, err
}

// ready links content and tries its cases; the content comes back with what its references mean.
func ready(lib Library, self id.Prompt, c Content) (Content, error) {
	compiled, refs, mistakes := Link(lib, self, c)
	if len(mistakes) > 0 {
		m := mistakes[0]
		more := ""
		if n := len(mistakes) - 1; n > 0 {
			more = " There is more to mend."
		}
		return c, invalid(m.At, "Line %d, column %d: %s%s", m.Line, m.Column, m.Reason, more)
	}
	c.Refs = refs
	for _, o := range compiled.Try(c.Cases) {
		if o.Failed != "" {
			return c, ErrCase.Say("The case %q failed: %s.", fault.Clip(o.Case), strings.TrimSuffix(o.Failed, ".")).At("cases")
		}
	}
	return c.normal(), nil
}
