package key

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

func TestAKeyStaysWithinItsTemplate(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	nets := func(s ...string) (out []netip.Prefix) {
		for _, p := range s {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	for name, tt := range map[string]struct {
		p  Policy
		k  Key
		at string // the field that goes beyond; "": none does
	}{
		"all is open":                   {Policy{}, Key{}, ""},
		"another environment":           {Policy{Environment: "staging"}, Key{Environment: "production"}, "environment"},
		"no end":                        {Policy{Lifetime: time.Hour}, Key{CreatedAt: made}, "expires_at"},
		"an end that is too late":       {Policy{Lifetime: time.Hour}, Key{CreatedAt: made, ExpiresAt: made.Add(time.Hour + 1)}, "expires_at"},
		"the last end":                  {Policy{Lifetime: time.Hour}, Key{CreatedAt: made, ExpiresAt: made.Add(time.Hour)}, ""},
		"keeps more of calls":           {Policy{Privacy: PrivacyMetadata}, Key{Privacy: Privacies[len(Privacies)-1]}, "privacy"},
		"keeps as much":                 {Policy{Privacy: PrivacyMetadata}, Key{Privacy: PrivacyMetadata}, ""},
		"any network":                   {Policy{Networks: nets("10.0.0.0/8")}, Key{}, "networks"},
		"a wider network":               {Policy{Networks: nets("10.1.0.0/16")}, Key{Networks: nets("10.1.0.0/8")}, "networks"},
		"a network within":              {Policy{Networks: nets("10.0.0.0/8")}, Key{Networks: nets("10.1.0.0/16")}, ""},
		"one within and one beside":     {Policy{Networks: nets("10.0.0.0/8")}, Key{Networks: nets("10.1.0.0/16", "11.0.0.0/8")}, "networks"},
		"another workflow":              {Policy{Workflow: "a"}, Key{Workflow: "b"}, "workflow"},
		"no scope":                      {Policy{Aliases: []string{"a"}}, Key{}, "aliases"},
		"another alias":                 {Policy{Aliases: []string{"a"}}, Key{Aliases: []string{"a", "b"}}, "aliases"},
		"a model beside the aliases":    {Policy{Aliases: []string{"a"}}, Key{Aliases: []string{"a"}, Models: []string{"openai/gpt-4o"}}, "models"},
		"a narrower pattern of a model": {Policy{Models: []string{"openai/*"}}, Key{Models: []string{"openai/gpt-4o*"}}, ""},
		"a wider pattern of a model":    {Policy{Models: []string{"openai/gpt-4o*"}}, Key{Models: []string{"openai/*"}}, "models"},
	} {
		beyondAt(t, name, tt.p.within(&tt.k), tt.at)
	}
}

func TestAKeysMoneyStaysWithinItsTemplate(t *testing.T) {
	t.Parallel()
	p := Policy{Budget: &Allowance{Amount: 100, Period: "day"}, Limits: Pace{RPM: 60, Concurrency: 4}}
	good := New{Budget: &Allowance{Amount: 100, Period: "day"}, Limits: Pace{RPM: 60, Concurrency: 1, TPM: 1 << 40}}
	for name, tt := range map[string]struct {
		change func(*New)
		at     string
	}{
		"as it may be":     {func(*New) {}, ""},
		"no budget":        {func(n *New) { n.Budget = nil }, "budget"},
		"another period":   {func(n *New) { n.Budget = &Allowance{Amount: 1, Period: "hour"} }, "budget"},
		"more money":       {func(n *New) { n.Budget = &Allowance{Amount: 101, Period: "day"} }, "budget.amount"},
		"no limit at all":  {func(n *New) { n.Limits.RPM = 0 }, "limits.rpm"},
		"a higher limit":   {func(n *New) { n.Limits.RPM = 61 }, "limits.rpm"},
		"more at a time":   {func(n *New) { n.Limits.Concurrency = 5 }, "limits.concurrency"},
		"any number at it": {func(n *New) { n.Limits.Concurrency = 0 }, "limits.concurrency"},
	} {
		n := good
		tt.change(&n)
		beyondAt(t, name, p.purse(&n), tt.at)
	}
}

func beyondAt(t *testing.T, name string, err error, at string) {
	t.Helper()
	if at == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	f := (*fault.Error)(nil)
	if !errors.Is(err, ErrBeyond) || !errors.As(err, &f) || f.Field != at {
		t.Errorf("%s: %v, want it at %s", name, err, at)
	}
}

// TestAKeyEndsAtItsInstant, and its secrets with it.
func TestAKeyEndsAtItsInstant(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k := Key{ExpiresAt: end, Secrets: []Stored{{ID: id.Secret("sec_1"), NotAfter: end}}}
	for at, usable := range map[time.Time]bool{end.Add(-1): true, end: false, end.Add(1): false} {
		if got := k.State(at) == Usable; got != usable {
			t.Errorf("at %s the key is %v", at, k.State(at))
		}
		if got := k.Secrets[0].Live(at); got != usable {
			t.Errorf("at %s the secret is live: %v", at, got)
		}
	}
}
