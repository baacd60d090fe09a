package prompt

import (
	"context"

	"tollgate/internal/fault"
	"tollgate/internal/tenant"
)

// Library shows fn one state of an organization's prompts. A failure to read them comes before what fn says of it.
func (s *Service) Library(ctx context.Context, in tenant.Scope, fn func(Library) error) error {
	return s.store.Read(ctx, in, func(d Desk) error {
		err := fn(d)
		if failed := d.Err(); failed != nil {
			return failed
		}
		return err
	})
}

// Ready compiles a stored version with the prompts that it names, as their labels stand in lib. ErrUnusable says what is missing.
func Ready(lib Library, p Prompt, v Version) (*Compiled, error) {
	compiled, _, mistakes := Link(lib, p.ID, v.Content)
	if len(mistakes) > 0 {
		return nil, Unusable(p.Name, v.Number, mistakes[0])
	}
	return compiled, nil
}

// Unusable is ErrUnusable with what is wrong.
func Unusable(name string, number int, m Mistake) error {
	return ErrUnusable.Say("Version %d of the prompt %q cannot be used: %s", number, fault.Clip(name), m.Reason)
}
