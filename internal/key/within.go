package key

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// within refuses a key that goes beyond the policy: ErrBeyond at the field, which says what is allowed. What the policy leaves open is
// open.
func (p *Policy) within(k *Key) error {
	beyond := func(field, format string, args ...any) error { return ErrBeyond.Say(format, args...).At(field) }
	switch {
	case p.Environment != "" && k.Environment != p.Environment:
		return beyond("environment", "Keys of this team are for the environment %q.", p.Environment)
	case p.Lifetime > 0 && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(k.CreatedAt.Add(p.Lifetime))):
		return beyond("expires_at", "Keys of this team live for at most %d days.", int(p.Lifetime/(24*time.Hour)))
	case p.Privacy != "" && slices.Index(Privacies, k.Privacy) > slices.Index(Privacies, p.Privacy):
		return beyond("privacy", "Keys of this team keep at most %q of a call.", p.Privacy)
	case len(p.Endpoints) > 0 && (len(k.Endpoints) == 0 || !covers(p.Endpoints, k.Endpoints, equal)):
		return beyond("endpoints", "Keys of this team are for the endpoints %s.", strings.Join(words(p.Endpoints), ", "))
	case len(p.Networks) > 0 && (len(k.Networks) == 0 || !covers(p.Networks, k.Networks, holds)):
		return beyond("networks", "Keys of this team may be used from the template's networks only.")
	case p.Workflow != "" && k.Workflow != p.Workflow:
		return beyond("workflow", "Keys of this team are for the workflow %q.", p.Workflow)
	}
	if len(p.Aliases)+len(p.Models) == 0 {
		return nil
	}
	switch {
	case k.unscoped():
		return beyond("aliases", "Keys of this team are scoped: name some of the template's aliases or models.")
	case !covers(p.Aliases, k.Aliases, equal):
		return beyond("aliases", "Keys of this team may call the aliases %s.", strings.Join(p.Aliases, ", "))
	case !covers(p.Models, k.Models, narrower):
		return beyond("models", "Keys of this team may call the models %s.", strings.Join(p.Models, ", "))
	}
	return nil
}

// purse refuses a new key whose money or pace goes beyond the policy.
func (p *Policy) purse(n *New) error {
	if p.Budget != nil {
		switch {
		case n.Budget == nil || n.Budget.Period != p.Budget.Period:
			return ErrBeyond.Say("Keys of this team have a budget of at most $%s for each %s.", p.Budget.Amount.USD(), p.Budget.Period).At("budget")
		case n.Budget.Amount > p.Budget.Amount:
			return ErrBeyond.Say("Keys of this team have a budget of at most $%s for each %s.", p.Budget.Amount.USD(), p.Budget.Period).At("budget.amount")
		}
	}
	for _, l := range []struct {
		field     string
		have, may int64
	}{{"limits.rpm", n.Limits.RPM, p.Limits.RPM}, {"limits.tpm", n.Limits.TPM, p.Limits.TPM}, {"limits.concurrency", n.Limits.Concurrency, p.Limits.Concurrency}} {
		if l.may > 0 && (l.have == 0 || l.have > l.may) {
			return ErrBeyond.Say("Keys of this team have a limit of at most %d here.", l.may).At(l.field)
		}
	}
	return nil
}

// covers reports whether every one of have is inside one of may.
func covers[T any](may, have []T, inside func(wide, narrow T) bool) bool {
	return !slices.ContainsFunc(have, func(h T) bool { return !slices.ContainsFunc(may, func(m T) bool { return inside(m, h) }) })
}

func equal[T comparable](a, b T) bool { return a == b }

func holds(wide, narrow netip.Prefix) bool {
	return wide.Bits() <= narrow.Bits() && wide.Contains(narrow.Addr())
}

// narrower reports whether a model pattern selects no more than another: it is the same, or the other one matches its text, stars and
// all. A star stands for any text, so that a pattern that matches the text of another matches all that the other does.
func narrower(wide, narrow string) bool {
	provider, model, ok := strings.Cut(narrow, "/")
	return wide == narrow || ok && match(wide, provider, model)
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
