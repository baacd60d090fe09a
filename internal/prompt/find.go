package prompt

import (
	"context"
	"errors"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Find finds a prompt by its id or its name. One that is archived is found by its id only. ErrNotFound.
func (s *Service) Find(ctx context.Context, in tenant.Scope, ref string) (Prompt, error) {
	if strings.HasPrefix(ref, idHead) {
		p, err := s.Prompt(ctx, in, id.Prompt(ref))
		if !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	return s.Named(ctx, in, ref)
}

const idHead = "prompt_" // of a prompt's id

// Standing is the number of the version that a version or a label means; with neither, production. ErrBoth, ErrLabel; a version is not
// looked up.
func (p *Prompt) Standing(number int, label string) (int, error) {
	switch {
	case number != 0 && label != "":
		return 0, ErrBoth
	case number != 0:
		return number, nil
	case label == "":
		label = Production
	}
	if number = p.At(label); number == 0 {
		return 0, NoLabel(p.Name, label)
	}
	return number, nil
}

// CheckTag refuses what is no tag.
func CheckTag(tag string) error {
	if !labelForm.MatchString(tag) {
		return invalid("tags", "%q is no tag: 1 to 36 lower-case letters, digits, dots, hyphens or underscores.", fault.Clip(tag))
	}
	return nil
}
