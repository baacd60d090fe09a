package prompt

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// Filter selects prompts. The zero Filter selects all that are not archived.
type Filter struct {
	Text     string // part of the name
	Folder   string // what is below it
	Label    string // that stands somewhere
	Tag      string
	Archived bool // those that are, instead
}

// Move is one move of a label.
type Move struct {
	Label   string
	Was, Is int // 0: nowhere
	At      time.Time
	By      string
}

// Store is what Service needs from storage; package promptpg provides it.
type Store interface {
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (Prompt, error)
	Named(ctx context.Context, in tenant.Scope, name string) (Prompt, error)
	// Prompts lists by name those behind after (empty: from the start), at most limit.
	Prompts(ctx context.Context, in tenant.Scope, f Filter, after string, limit int) ([]Prompt, error)
	// Versions lists newest first those before number (0: from the newest), at most limit. ErrNotFound.
	Versions(ctx context.Context, in tenant.Scope, which id.Prompt, before, limit int) ([]Version, error)
	// Version finds one. ErrNotFound, ErrVersion.
	Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (Version, error)
	// Moves lists newest first the latest moves of labels, at most limit.
	Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]Move, error)
	Protected(ctx context.Context, in tenant.Scope) ([]string, error)
	Protect(ctx context.Context, in tenant.Scope, labels []string, now time.Time) error
	// Change runs fn while nobody else changes prompts of the organization. What fn puts is written when it returns nil.
	Change(ctx context.Context, in tenant.Scope, fn func(Desk) error) error
}

// Desk is what a change works on.
type Desk interface {
	Library
	// Count is how many prompts are not archived.
	Count() (int, error)
	Protected() ([]string, error)
	// Users are the versions that name the prompt, and are the newest of theirs or have a label.
	Users(which id.Prompt) ([]Use, error)
	// Put writes a prompt as it then stands, its labels included.
	Put(p Prompt, moves []Move) error
	// Add writes a new version.
	Add(which id.Prompt, v Version) error
	// Err is the first failure of reading from the Library.
	Err() error
}

// Use is a version that names another prompt.
type Use struct {
	Prompt id.Prompt
	Number int
}

// Service manages prompts.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService needs storage and a clock.
func NewService(store Store, now func() time.Time) *Service { return &Service{store, now} }

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
	now := s.now().UTC()
	p := Prompt{
		ID: id.Prompt(id.New("prompt")), Name: strings.TrimSpace(n.Name), Kind: n.Kind, Description: strings.TrimSpace(n.Description),
		Tags: n.Tags, Latest: 0, Labels: map[string]int{}, Revision: 0, CreatedAt: now,
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
		p, v, err = s.publish(in, d, p, n.Content, n.Message, n.Labels, now)
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
	now := s.now().UTC()
	var p Prompt
	var v Version
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) (err error) {
		p, v, err = s.publish(in, d, had, c, message, labels, now)
		return err
	})
	return p, v, err
}

// change shows fn a prompt that is not archived.
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
func (s *Service) publish(in tenant.Scope, d Desk, p Prompt, c Content, message string, labels []string, now time.Time) (Prompt, Version, error) {
	message, err := oneLine(message)
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
	v := Version{Number: p.Latest + 1, Content: c, Author: in.Actor().ID(), Message: message, CreatedAt: now}
	if v.Hash, err = HashOf(c); err != nil {
		return p, Version{}, err
	}
	if had, ok := d.Content(p.ID, p.Latest); ok && p.Latest > 0 {
		if hash, err := HashOf(had); err == nil && hash == v.Hash {
			v.Number = p.Latest
		}
	}
	if v.Number > p.Latest {
		if err := d.Add(p.ID, v); err != nil {
			return p, Version{}, err
		}
		p.Latest = v.Number
	}
	p, err = s.move(in, d, p, labels, v.Number, now)
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

// SetLabel puts a label on a version; 0 takes it off. ErrProtected, ErrVersion.
func (s *Service) SetLabel(ctx context.Context, in tenant.Scope, which id.Prompt, label string, number int, check func(Prompt) error) (Prompt, error) {
	now := s.now().UTC()
	var p Prompt
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) (err error) {
		if _, ok := d.Content(which, number); !ok && number != 0 {
			return cmp.Or[error](d.Err(), ErrVersion.At("version"))
		}
		p, err = s.move(in, d, had, []string{label}, number, now)
		return err
	})
	return p, err
}

// move puts labels on a version, writes the prompt, and sees that every prompt which names this one is still whole.
func (s *Service) move(in tenant.Scope, d Desk, p Prompt, labels []string, number int, now time.Time) (Prompt, error) {
	protected, err := d.Protected()
	if err != nil {
		return p, err
	}
	p.Labels = maps.Clone(p.Labels)
	var moves []Move
	for _, label := range labels {
		if err := CheckLabel(label); err != nil {
			return p, err
		}
		was := p.Labels[label]
		if was == number {
			continue
		}
		if slices.Contains(protected, label) && in.Allow(tenant.ReleasePrompts) != nil {
			return p, ErrProtected.Say("The label %q is protected: an owner or admin must move it.", label).At("label")
		}
		moves = append(moves, Move{Label: label, Was: was, Is: number, At: now, By: in.Actor().ID()})
		if p.Labels[label] = number; number == 0 {
			delete(p.Labels, label)
		}
	}
	p.Revision++
	p.UpdatedAt = now
	if err := d.Put(p, moves); err != nil {
		return p, err
	}
	return p, whole(d, p.ID, 0)
}

// whole refuses a change that breaks prompts which name this one, or that those are in.
func whole(d Desk, which id.Prompt, depth int) error {
	uses, err := d.Users(which)
	if err != nil || depth > template.NestMax {
		return err
	}
	for _, u := range uses {
		c, ok := d.Content(u.Prompt, u.Number)
		user, known := d.Prompt(u.Prompt)
		if !ok || !known || !user.ArchivedAt.IsZero() {
			continue
		}
		if _, _, mistakes := Link(d, u.Prompt, c); len(mistakes) > 0 {
			return ErrBreaks.Say("The prompt %q (version %d) uses this one and would break: %s", fault.Clip(user.Name), u.Number, mistakes[0].Reason)
		}
		if err := whole(d, u.Prompt, depth+1); err != nil {
			return err
		}
	}
	return d.Err()
}
