package prompt

import (
	"context"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Edit says what of a prompt is to be different; nil leaves a thing as it is. Its versions stay: they are never changed.
type Edit struct {
	Name        *string
	Description *string
	Tags        *[]string
}

// Prompt finds one. ErrNotFound for another organization's too.
func (s *Service) Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (Prompt, error) {
	return s.store.Prompt(ctx, in, which)
}

// Named finds one that is not archived by its name. ErrNotFound.
func (s *Service) Named(ctx context.Context, in tenant.Scope, name string) (Prompt, error) {
	return s.store.Named(ctx, in, name)
}

// List gives by name the prompts behind after, at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after string, limit int) ([]Prompt, bool, error) {
	list, err := s.store.Prompts(ctx, in, f, after, limit+1)
	return page(list, limit, err)
}

// Versions gives newest first the versions before a number (0: from the newest), at most limit, and whether there are more.
func (s *Service) Versions(ctx context.Context, in tenant.Scope, which id.Prompt, before, limit int) ([]Version, bool, error) {
	list, err := s.store.Versions(ctx, in, which, before, limit+1)
	return page(list, limit, err)
}

func page[T any](list []T, limit int, err error) ([]T, bool, error) {
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Version finds one. ErrNotFound, ErrVersion.
func (s *Service) Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (Version, error) {
	return s.store.Version(ctx, in, which, number)
}

// Moves gives newest first the latest moves of labels.
func (s *Service) Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]Move, error) {
	return s.store.Moves(ctx, in, which, limit)
}

// Resolve finds the version that a name and a label or a number mean; with neither, production. ErrNotFound, ErrLabel, ErrVersion, ErrBoth.
func (s *Service) Resolve(ctx context.Context, in tenant.Scope, name string, number int, label string) (Prompt, Version, error) {
	if number != 0 && label != "" {
		return Prompt{}, Version{}, ErrBoth
	}
	p, err := s.store.Named(ctx, in, name)
	if err != nil {
		return Prompt{}, Version{}, err
	}
	if number == 0 {
		if label == "" {
			label = Production
		}
		if number = p.At(label); number == 0 {
			return p, Version{}, NoLabel(p.Name, label)
		}
	}
	v, err := s.store.Version(ctx, in, p.ID, number)
	return p, v, err
}

// NoLabel is ErrLabel with the names.
func NoLabel(name, label string) error {
	return ErrLabel.Say("The prompt %q has no version with the label %q.", fault.Clip(name), fault.Clip(label)).At("label")
}

// Edit changes name, description or tags. Whoever names the prompt by its id, in another prompt's braces too, does not notice.
func (s *Service) Edit(ctx context.Context, in tenant.Scope, which id.Prompt, e Edit, check func(Prompt) error) (Prompt, error) {
	var p Prompt
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) error {
		p = had
		if !p.ArchivedAt.IsZero() {
			return ErrArchived
		}
		if e.Name != nil {
			p.Name = strings.TrimSpace(*e.Name)
			if other, taken := d.Named(p.Name); taken && other.ID != which {
				return ErrTaken.At("name")
			}
		}
		if e.Description != nil {
			p.Description = strings.TrimSpace(*e.Description)
		}
		if e.Tags != nil {
			p.Tags = slices.Clone(*e.Tags)
		}
		if err := p.check(); err != nil {
			return err
		}
		p.Revision, p.UpdatedAt = p.Revision+1, s.now().UTC()
		return d.Put(p, nil)
	})
	return p, err
}

// Archive takes a prompt out of use. Calls that name it are refused; it can be restored. ErrBreaks while another prompt uses it.
func (s *Service) Archive(ctx context.Context, in tenant.Scope, which id.Prompt) error {
	return s.change(ctx, in, which, nil, func(d Desk, p Prompt) error {
		if !p.ArchivedAt.IsZero() {
			return nil
		}
		if err := s.free(in, d, p); err != nil {
			return err
		}
		uses, err := d.Users(which)
		if err != nil {
			return err
		}
		for _, u := range uses {
			if user, ok := d.Prompt(u.Prompt); ok && user.ArchivedAt.IsZero() && u.Prompt != which {
				return ErrBreaks.Say("The prompt %q (version %d) uses this one. Change that first.", fault.Clip(user.Name), u.Number)
			}
		}
		p.ArchivedAt = s.now().UTC()
		p.Revision, p.UpdatedAt = p.Revision+1, p.ArchivedAt
		return d.Put(p, nil)
	})
}

// free refuses to take a prompt away from under a protected label.
func (s *Service) free(in tenant.Scope, d Desk, p Prompt) error {
	protected, err := d.Protected()
	if err != nil || in.Allow(tenant.ReleasePrompts) == nil {
		return err
	}
	for label := range p.Labels {
		if slices.Contains(protected, label) {
			return ErrProtected.Say("The protected label %q stands on this prompt: an owner or admin must archive it.", label)
		}
	}
	return nil
}

// Restore brings an archived prompt back under its name. ErrTaken.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Prompt) (Prompt, error) {
	var p Prompt
	err := s.change(ctx, in, which, nil, func(d Desk, had Prompt) error {
		p = had
		if p.ArchivedAt.IsZero() {
			return nil
		}
		if err := s.free(in, d, p); err != nil {
			return err
		}
		if _, taken := d.Named(p.Name); taken {
			return ErrTaken.At("name")
		}
		for label, number := range p.Labels {
			if c, ok := d.Content(which, number); ok {
				if _, _, mistakes := Link(d, which, c); len(mistakes) > 0 {
					return ErrBreaks.Say("The version with the label %q is not whole any more: %s", label, mistakes[0].Reason)
				}
			}
		}
		p.ArchivedAt = time.Time{}
		p.Revision, p.UpdatedAt = p.Revision+1, s.now().UTC()
		return d.Put(p, nil)
	})
	return p, err
}

// Duplicate makes a prompt of another's version, under another name and without labels.
func (s *Service) Duplicate(ctx context.Context, in tenant.Scope, which id.Prompt, number int, name string) (Prompt, Version, error) {
	p, err := s.store.Prompt(ctx, in, which)
	if err != nil {
		return Prompt{}, Version{}, err
	}
	if number == 0 {
		number = p.Latest
	}
	v, err := s.store.Version(ctx, in, which, number)
	if err != nil {
		return Prompt{}, Version{}, err
	}
	return s.Create(ctx, in, New{Name: name, Kind: p.Kind, Description: p.Description, Tags: p.Tags, Content: v.Content, Message: "Copied from " + fault.Clip(p.Name)})
}

// Protected are the labels that only those may move who may release.
func (s *Service) Protected(ctx context.Context, in tenant.Scope) ([]string, error) {
	return s.store.Protected(ctx, in)
}

// Protect says which labels are protected from now on.
func (s *Service) Protect(ctx context.Context, in tenant.Scope, labels []string) error {
	for _, label := range labels {
		if err := CheckLabel(label); err != nil {
			return err
		}
	}
	labels = slices.Clone(labels)
	slices.Sort(labels)
	return s.store.Protect(ctx, in, slices.Compact(labels), s.now().UTC())
}

// Check says everything that is wrong with content, and how its cases went, without saving anything. The prompt self may be "".
func (s *Service) Check(ctx context.Context, in tenant.Scope, self id.Prompt, kind Kind, c Content) (mistakes []Mistake, outcomes []Outcome, err error) {
	c = c.normal()
	if err := c.check(kind); err != nil {
		return nil, nil, err
	}
	err = s.store.Change(ctx, in, func(d Desk) error {
		compiled, _, found := Link(d, self, c)
		if mistakes = found; compiled != nil {
			outcomes = compiled.Try(c.Cases)
		}
		return d.Err()
	})
	return mistakes, outcomes, err
}
