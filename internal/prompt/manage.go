package prompt

import (
	"cmp"
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

// Edit changes name, description or tags. Whoever names the prompt by its id, in another prompt's braces too, does not notice; calls that use
// its old name do, so that a rename from under a protected label takes the right to release.
func (s *Service) Edit(ctx context.Context, in tenant.Scope, which id.Prompt, e Edit, check func(Prompt) error) (Prompt, error) {
	h := s.hand(in)
	var p Prompt
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) error {
		p = had
		if !p.ArchivedAt.IsZero() {
			return ErrArchived
		}
		if e.Name != nil && strings.TrimSpace(*e.Name) != had.Name {
			if err := h.free(d, p); err != nil {
				return err
			}
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
		p = h.touched(p)
		return d.Put(p, nil)
	})
	return p, err
}

// Archive takes a prompt out of use. Calls that name it are refused; it can be restored. Labels that are under way stop where they stand.
// ErrBreaks while another prompt uses it, ErrUsed while something else does.
func (s *Service) Archive(ctx context.Context, in tenant.Scope, which id.Prompt) error {
	if err := s.unheld(ctx, in, which); err != nil {
		return err
	}
	h := s.hand(in)
	return s.change(ctx, in, which, nil, func(d Desk, p Prompt) error {
		if !p.ArchivedAt.IsZero() {
			return nil
		}
		if err := h.free(d, p); err != nil {
			return err
		}
		uses, err := d.Users(which)
		if err != nil {
			return err
		}
		if err := unused(d, which, uses); err != nil {
			return err
		}
		p.ArchivedAt, p.Ramps = h.at, nil
		if err := d.Put(h.touched(p), nil); err != nil {
			return err
		}
		return d.Tell(gone(p, h, false))
	})
}

// unheld asks those that may hold prompts.
func (s *Service) unheld(ctx context.Context, in tenant.Scope, which id.Prompt) error {
	for _, hold := range s.holds {
		what, err := hold(ctx, in, which)
		if err != nil {
			return err
		}
		if what != "" {
			return ErrUsed.Say("This prompt is used by %s. Change that first.", what)
		}
	}
	return nil
}

func unused(d Desk, which id.Prompt, uses []Use) error {
	for _, u := range uses {
		if user, ok := d.Prompt(u.Prompt); ok && user.ArchivedAt.IsZero() && u.Prompt != which {
			return ErrBreaks.Say("The prompt %q (version %d) uses this one. Change that first.", fault.Clip(user.Name), u.Number)
		}
	}
	return d.Err()
}

// Delete removes an archived prompt for good, with its versions, labels, history, requests and comments. What the call log says of it stays.
// ErrKept, ErrProtected without the right to release, ErrBreaks while a version of another prompt names it, ErrUsed.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Prompt) error {
	h := s.hand(in)
	err := s.change(ctx, in, which, nil, func(d Desk, p Prompt) error {
		if err := in.Allow(tenant.ReleasePrompts); err != nil {
			return err
		}
		if p.ArchivedAt.IsZero() {
			return ErrKept
		}
		if err := s.unheld(ctx, in, which); err != nil {
			return err
		}
		uses, err := d.Pinned(which)
		if err != nil {
			return err
		}
		if err := unused(d, which, uses); err != nil {
			return err
		}
		if err := d.Delete(which); err != nil {
			return err
		}
		return d.Tell(gone(p, h, true))
	})
	return err
}

// UsedBy are the versions of prompts that are not archived that name this one, by the name of the prompt. ErrNotFound.
func (s *Service) UsedBy(ctx context.Context, in tenant.Scope, which id.Prompt) ([]User, error) {
	var out []User
	err := s.store.Read(ctx, in, func(d Desk) error {
		if _, ok := d.Prompt(which); !ok {
			return cmp.Or[error](d.Err(), ErrNotFound)
		}
		uses, err := d.Users(which)
		if err != nil {
			return err
		}
		for _, u := range uses {
			if p, ok := d.Prompt(u.Prompt); ok {
				out = append(out, User{u, p.Name})
			}
		}
		return d.Err()
	})
	slices.SortFunc(out, func(a, b User) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.Number-b.Number) })
	return out, err
}

// free refuses to take a prompt away from under a protected label: to archive, restore or rename it.
func (h hand) free(d Desk, p Prompt) error {
	rules, err := d.Rules()
	if err != nil || h.in.Allow(tenant.ReleasePrompts) == nil {
		return err
	}
	for label := range p.Labels {
		if rules.Protects(label) {
			return ErrProtected.Say("The protected label %q stands on this prompt: an owner or admin must do this.", label).At("label")
		}
	}
	return nil
}

// Restore brings an archived prompt back under its name. ErrTaken.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Prompt) (Prompt, error) {
	h := s.hand(in)
	var p Prompt
	err := s.change(ctx, in, which, nil, func(d Desk, had Prompt) error {
		p = had
		if p.ArchivedAt.IsZero() {
			return nil
		}
		if err := h.free(d, p); err != nil {
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
		if n, err := d.Count(); err != nil || n >= promptsMax {
			return cmp.Or(err, invalid("name", "An organization has at most %d prompts.", promptsMax))
		}
		p.ArchivedAt = time.Time{}
		p = h.touched(p)
		if err := d.Put(p, nil); err != nil {
			return err
		}
		return d.Tell(restored(p, h))
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

// Check says everything that is wrong with content, and how its cases went, without saving anything. The prompt self may be "".
func (s *Service) Check(ctx context.Context, in tenant.Scope, self id.Prompt, kind Kind, c Content) (mistakes []Mistake, outcomes []Outcome, err error) {
	c = c.normal()
	if err := c.check(kind); err != nil {
		return nil, nil, err
	}
	err = s.store.Read(ctx, in, func(d Desk) error {
		compiled, _, found := Link(d, self, c)
		if mistakes = found; compiled != nil {
			outcomes = compiled.Try(c.Cases)
		}
		return d.Err()
	})
	return mistakes, outcomes, err
}
