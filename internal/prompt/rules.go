package prompt

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"

	"tollgate/internal/tenant"
)

// Rules are what an organization says of labels.
type Rules struct {
	Protected    []string          // labels that only those move who may release, sorted
	Approvals    bool              // and then only by another person's leave
	Environments map[string]string // label that calls of an environment use when they name none, Latest too; production where none is said
	Revision     int               // counts changes; 0: nothing was ever said
}

// RulesEdit says what is to be different; nil leaves a thing as it is.
type RulesEdit struct {
	Protected    *[]string
	Approvals    *bool
	Environments *map[string]string
}

const (
	protectedMax    = 100
	environmentsMax = 100
)

var environmentForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Protects reports whether only those move the label who may release.
func (r *Rules) Protects(label string) bool { return slices.Contains(r.Protected, label) }

// LabelOf is the label of an environment's calls that name none.
func (r *Rules) LabelOf(environment string) string {
	return cmp.Or(r.Environments[environment], Production)
}

// Rules are what the organization says of labels.
func (s *Service) Rules(ctx context.Context, in tenant.Scope) (Rules, error) {
	return s.store.Rules(ctx, in)
}

// SetRules changes them. To protect labels or not, and to want approvals or not, takes the right to release; so does another label for an
// environment where either label is protected, for that changes what its calls say as much as a move does. ErrProtected, ErrInvalid.
func (s *Service) SetRules(ctx context.Context, in tenant.Scope, e RulesEdit, check func(Rules) error) (Rules, error) {
	var r Rules
	err := s.store.Change(ctx, in, func(d Desk) error {
		had, err := d.Rules()
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(had); err != nil {
				return err
			}
		}
		if r, err = e.applied(had); err != nil {
			return err
		}
		if r.same(had) {
			r = had
			return nil
		}
		if err := settable(in, had, r); err != nil {
			return err
		}
		r.Revision++
		return d.PutRules(r)
	})
	return r, err
}

func (e RulesEdit) applied(r Rules) (Rules, error) {
	if e.Protected != nil {
		r.Protected = slices.Compact(slices.Sorted(slices.Values(*e.Protected)))
	}
	if e.Approvals != nil {
		r.Approvals = *e.Approvals
	}
	if e.Environments != nil {
		r.Environments = maps.Clone(*e.Environments)
	}
	if len(r.Protected) > protectedMax || len(r.Environments) > environmentsMax {
		return r, invalid("labels", "At most %d labels are protected, and %d environments have a label of their own.", protectedMax, environmentsMax)
	}
	for _, label := range r.Protected {
		if err := CheckLabel(label); err != nil {
			return r, err
		}
	}
	for environment, label := range r.Environments {
		if !environmentForm.MatchString(environment) {
			return r, invalid("environments", "An environment is a word in lower case, such as staging.")
		}
		if label != Latest && CheckLabel(label) != nil {
			return r, invalid("environments."+environment, "This is no label.")
		}
	}
	return r, nil
}

func (r *Rules) same(o Rules) bool {
	return slices.Equal(r.Protected, o.Protected) && r.Approvals == o.Approvals && maps.Equal(r.Environments, o.Environments)
}

func settable(in tenant.Scope, had, r Rules) error {
	if in.Allow(tenant.ReleasePrompts) == nil {
		return nil
	}
	if !slices.Equal(had.Protected, r.Protected) || had.Approvals != r.Approvals {
		return ErrProtected.Say("Which labels are protected, and whether their moves want an approval, is for an owner or admin to say.")
	}
	for environment := range both(had.Environments, r.Environments) {
		was, is := had.LabelOf(environment), r.LabelOf(environment)
		if was != is && (had.Protects(was) || had.Protects(is)) {
			return ErrProtected.Say("Calls of %q would use the label %q instead of %q, and one of them is protected: an owner or admin must change that.", environment, is, was).
				At("environments." + environment)
		}
	}
	return nil
}

func both(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		return b
	}
	maps.Copy(out, b)
	return out
}

// Protected are the labels that only those may move who may release.
func (s *Service) Protected(ctx context.Context, in tenant.Scope) ([]string, error) {
	r, err := s.store.Rules(ctx, in)
	return r.Protected, err
}

// Protect says which labels are protected from now on.
func (s *Service) Protect(ctx context.Context, in tenant.Scope, labels []string) error {
	_, err := s.SetRules(ctx, in, RulesEdit{Protected: &labels}, nil)
	return err
}
