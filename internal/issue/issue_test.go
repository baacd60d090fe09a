package issue_test

import (
	"context"
	"errors"
	"testing"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/tenant"
)

// desk stands in for the three domains and keeps what is in force.
type desk struct {
	fail    string // what cannot be made: "budget", or the metric of a limit
	keys    map[id.Key]bool
	budgets map[id.Budget]budget.Budget
	limits  map[id.Limit]limit.Limit
}

func newDesk() *desk {
	return &desk{keys: map[id.Key]bool{}, budgets: map[id.Budget]budget.Budget{}, limits: map[id.Limit]limit.Limit{}}
}

var errFull = fault.New(fault.Invalid, "test.full", "Full.")

type keys struct{ *desk }

func (d keys) Prepare(_ context.Context, _ tenant.Scope, n key.New) (key.New, error) { return n, nil }

func (d keys) Issue(_ context.Context, _ tenant.Scope, n key.New) (key.Key, key.Secret, error) {
	k := key.Key{ID: id.Key(id.New("key")), Name: n.Name}
	d.keys[k.ID] = true
	return k, key.NewSecret(key.Production), nil
}

func (d keys) Revoke(_ context.Context, _ tenant.Scope, which id.Key, _ key.Streams) (key.Key, error) {
	delete(d.keys, which)
	return key.Key{}, nil
}

func (d keys) Import(_ context.Context, _ tenant.Scope, rows []key.Imported, _ key.ImportOptions) ([]key.Taken, error) {
	var out []key.Taken
	for _, r := range rows {
		out = append(out, key.Taken{Row: r.Row, Key: key.Key{ID: id.Key(id.New("key")), Name: "imported"}, New: r.New})
	}
	return out, nil
}

type budgets struct{ *desk }

func (d budgets) Create(_ context.Context, _ tenant.Scope, b budget.Budget) (budget.Budget, error) {
	if d.fail == "budget" {
		return budget.Budget{}, errFull
	}
	b.ID = id.Budget(id.New("bud"))
	d.budgets[b.ID] = b
	return b, nil
}

func (d budgets) Archive(_ context.Context, _ tenant.Scope, which id.Budget, _ func(budget.Budget) error) (budget.Budget, error) {
	delete(d.budgets, which)
	return budget.Budget{}, nil
}

type limits struct{ *desk }

func (d limits) Create(_ context.Context, _ tenant.Scope, n limit.New) (limit.Limit, error) {
	if d.fail == string(n.Metric) {
		return limit.Limit{}, errFull
	}
	l := limit.Limit{ID: id.Limit(id.New("lim")), Name: n.Name, Selector: n.Selector, Metric: n.Metric, Amount: n.Amount, Per: n.Per}
	d.limits[l.ID] = l
	return l, nil
}

func (d limits) Archive(_ context.Context, _ tenant.Scope, which id.Limit) (limit.Limit, error) {
	delete(d.limits, which)
	return limit.Limit{}, nil
}

func TestAKeyComesWithAllThatIsItsOwnOrNotAtAll(t *testing.T) {
	t.Parallel()
	n := key.New{Name: "Triage", Budget: &key.Allowance{Amount: 5, Period: "day"}, Limits: key.Pace{RPM: 60, TPM: 1000, Concurrency: 3}}
	for _, fail := range []string{"", "budget", "requests", "tokens", "concurrency"} {
		d := newDesk()
		d.fail = fail
		made, err := issue.New(keys{d}, budgets{d}, limits{d}).Issue(t.Context(), tenant.Scope{}, n)
		if fail != "" {
			if !errors.Is(err, errFull) || len(d.keys)+len(d.budgets)+len(d.limits) != 0 {
				t.Errorf("without %s: %v; left are %d keys, %d budgets, %d limits", fail, err, len(d.keys), len(d.budgets), len(d.limits))
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Field == "" {
				t.Errorf("without %s: the error names no field: %v", fail, err)
			}
			continue
		}
		if err != nil || !d.keys[made.Key.ID] || len(made.Limits) != 3 || made.Secret.Reveal() == "" {
			t.Fatalf("%+v, %v", made, err)
		}
		b := d.budgets[made.Budget]
		if of, ok := b.Selector.Of(dimension.Key); !ok || of != string(made.Key.ID) || b.Mode != budget.Block || b.Limits[0] != (budget.Limit{Period: budget.Day, Amount: 5}) {
			t.Errorf("%+v", b)
		}
		for _, which := range made.Limits {
			if of, ok := d.limits[which].Selector.Of(dimension.Key); !ok || of != string(made.Key.ID) {
				t.Errorf("%+v", d.limits[which])
			}
		}
	}
}

func TestAnImportedKeyStaysWhereItsBudgetCannotBeMade(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.fail = "budget"
	rows := []key.Imported{{Row: 1, New: key.New{Budget: &key.Allowance{Amount: 5, Period: "day"}}}, {Row: 2}}
	taken, err := issue.New(keys{d}, budgets{d}, limits{d}).Import(t.Context(), tenant.Scope{}, rows, key.ImportOptions{})
	if err != nil || taken[0].Err != nil || len(taken[0].Notes) != 1 || len(taken[1].Notes) != 0 {
		t.Errorf("%+v, %v", taken, err)
	}
}
