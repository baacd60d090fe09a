package budgetpg_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/account"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

const dollar = money.NanoUSD(1_000_000_000)

// office is an organization with the service over real tables. Its clock is the test's.
type office struct {
	*desk
	team  id.Team
	store *budgetpg.Store
	*budget.Service
	now  time.Time
	home account.Organization
}

func (o *office) Organization(context.Context, tenant.Scope) (account.Organization, error) {
	return o.home, nil
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "Acme")
	log := slog.New(slog.DiscardHandler)
	o := &office{
		desk: &desk{t, db, budgetpg.NewAuthority(db), budgetpg.NewLedger(db, log), in}, team: team, store: budgetpg.NewStore(db),
		now: time.Now().UTC().Truncate(time.Microsecond), home: account.Organization{TimeZone: "Europe/Berlin", FiscalDay: 15},
	}
	o.Service = budget.NewService(budget.Deps{
		Store: o.store, Organizations: o, Costs: usage.NewService(usagepg.New(db)), Books: o.ledger, Vendors: catalog.Vendor, Now: func() time.Time { return o.now },
	})
	return o
}

// draft is a budget that holds for the office's team.
func (o *office) draft(name string) budget.Budget {
	return budget.Budget{
		Name: name, Selector: dimension.Selector{{Dimension: dimension.Team, Value: string(o.team)}},
		Limits: []budget.Limit{{Period: budget.Month, Amount: 500 * dollar}, {Period: budget.Day, Amount: 50 * dollar}}, Mode: budget.Block,
	}
}

func (o *office) made(b budget.Budget) budget.Budget {
	o.Helper()
	got, err := o.Create(o.Context(), o.in, b)
	if err != nil {
		o.Fatalf("Create: %v", err)
	}
	return got
}

func TestABudgetIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	full := budget.Budget{
		Name: " Support ", Selector: dimension.Selector{{Dimension: dimension.Tag("cost center"), Value: "a b"}, {Dimension: dimension.Environment, Value: "prod"}},
		Each:   dimension.EndUser,
		Limits: []budget.Limit{{Period: budget.Total, Amount: 9 * dollar}, {Period: budget.Hour, Amount: 1}, {Period: budget.FiscalMonth, Amount: 3 * dollar}},
		Mode:   budget.Block, Action: budget.Clamp, Wait: -5, Offline: budget.Standby, Standby: 0, AlertAt: []int{10, 200}, Off: true,
	}
	full.Limits[1].Amount, full.Standby = 2*dollar, dollar
	made := o.made(full)
	got, err := o.Budget(t.Context(), o.in, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-made +read):\n%s", diff)
	}
	if got.Name != "Support" || got.Limits[0].Period != budget.Hour || got.Limits[2].Period != budget.Total || got.Floor != 256 || got.Wait != -1 ||
		got.Selector[0].Dimension != dimension.Environment || got.Revision != 1 || got.CreatedBy != o.in.Actor().ID() {
		t.Errorf("%+v", got)
	}
}

func TestAChangeIsAsWhole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("a"))
	o.now = o.now.Add(time.Hour)
	next := b
	next.Limits = []budget.Limit{{Period: budget.Month, Amount: 700 * dollar}, {Period: budget.Week, Amount: 100 * dollar}}
	next.AlertAt = []int{}
	got, err := o.Update(t.Context(), o.in, b.ID, next, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []budget.Limit{{Period: budget.Week, Amount: 100 * dollar}, {Period: budget.Month, Amount: 700 * dollar}}
	read, err := o.Budget(t.Context(), o.in, b.ID)
	if err != nil || cmp.Diff(want, read.Limits) != "" || got.Revision != 2 || read.Revision != 2 || !read.UpdatedAt.Equal(o.now) || read.AlertAt == nil || len(read.AlertAt) != 0 {
		t.Errorf("%+v, %v", read, err)
	}
	stale := errors.New("stale")
	if _, err := o.Update(t.Context(), o.in, b.ID, b, func(budget.Budget) error { return stale }); !errors.Is(err, stale) {
		t.Errorf("refused by the check: %v", err)
	}
	split := read
	split.Each = dimension.Key
	if _, err := o.Update(t.Context(), o.in, b.ID, split, nil); !errors.Is(err, budget.ErrInvalid) {
		t.Errorf("split later: %v", err)
	}
	if again, _ := o.Budget(t.Context(), o.in, b.ID); again.Revision != 2 {
		t.Errorf("a refused change was stored: %+v", again)
	}
}

func TestAnArchivedBudgetGivesItsNameAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.made(o.draft("a"))
	if _, err := o.Create(t.Context(), o.in, o.draft("a")); !errors.Is(err, budget.ErrTaken) {
		t.Fatalf("the same name: %v", err)
	}
	gone, err := o.Archive(t.Context(), o.in, first.ID, nil)
	if err != nil || gone.ArchivedAt.IsZero() {
		t.Fatalf("%+v, %v", gone, err)
	}
	if _, err := o.Update(t.Context(), o.in, first.ID, first, nil); !errors.Is(err, budget.ErrArchived) {
		t.Errorf("an archived one was changed: %v", err)
	}
	if _, err := o.Raise(t.Context(), o.in, first.ID, budget.NewRaise{Period: budget.Day, Amount: dollar, Reason: "r"}); !errors.Is(err, budget.ErrArchived) {
		t.Errorf("an archived one was raised: %v", err)
	}
	second := o.made(o.draft("a"))
	if _, err := o.Restore(t.Context(), o.in, first.ID, nil); !errors.Is(err, budget.ErrTaken) {
		t.Errorf("restored over another: %v", err)
	}
	live, _, err := o.List(t.Context(), o.in, budget.Filter{}, "", 10)
	if err != nil || len(live) != 1 || live[0].ID != second.ID {
		t.Errorf("%v, %v", live, err)
	}
	old, _, err := o.List(t.Context(), o.in, budget.Filter{Archived: true}, "", 10)
	if err != nil || len(old) != 1 || old[0].ID != first.ID {
		t.Errorf("%v, %v", old, err)
	}
	if _, err := o.Archive(t.Context(), o.in, second.ID, nil); err != nil {
		t.Fatal(err)
	}
	if back, err := o.Restore(t.Context(), o.in, first.ID, nil); err != nil || !back.ArchivedAt.IsZero() {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestListsGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, name := range []string{"b", "a", "Z", "c", "é"} {
		o.made(o.draft(name))
	}
	var got []string
	for after := ""; ; {
		page, more, err := o.List(t.Context(), o.in, budget.Filter{}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page {
			got = append(got, b.Name)
		}
		if !more {
			break
		}
		after = budget.After(page[len(page)-1])
	}
	if diff := cmp.Diff([]string{"Z", "a", "b", "c", "é"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatABudgetSpeaksOfMustBeThere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	other, theirs := pgtest.Org(t, o.db, "Other")
	for name, tt := range map[string]struct {
		change func(*budget.Budget)
		field  string
	}{
		"another organization's team": {func(b *budget.Budget) { b.Selector[0].Value = string(theirs) }, "selector.0"},
		"no such key":                 {func(b *budget.Budget) { b.Selector[0] = dimension.Match{Dimension: dimension.Key, Value: "key_none"} }, "selector.0"},
		"no such alias":               {func(b *budget.Budget) { b.Action, b.MoveTo = budget.Move, "cheap" }, "move_to"},
		"no such provider":            {func(b *budget.Budget) { b.Selector[0] = dimension.Match{Dimension: dimension.Provider, Value: "opnai"} }, "selector.0"},
		"it moves calls to itself": {func(b *budget.Budget) {
			b.Selector[0] = dimension.Match{Dimension: dimension.Alias, Value: "fast"}
			b.Action, b.MoveTo = budget.Move, "fast"
		}, "move_to"},
		"a model without provider": {func(b *budget.Budget) { b.Selector[0] = dimension.Match{Dimension: dimension.Model, Value: "gpt-4o"} }, "selector.0"},
	} {
		b := o.draft("x")
		tt.change(&b)
		_, err := o.Create(t.Context(), o.in, b)
		if !errors.Is(err, budget.ErrInvalid) || fieldOf(err) != tt.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	mine := o.made(o.draft("mine"))
	if _, err := o.Budget(t.Context(), other, mine.ID); !errors.Is(err, budget.ErrNotFound) {
		t.Errorf("read by another organization: %v", err)
	}
	if _, err := o.Archive(t.Context(), other, mine.ID, nil); !errors.Is(err, budget.ErrNotFound) {
		t.Errorf("archived by another organization: %v", err)
	}
	if _, err := o.Raise(t.Context(), other, mine.ID, budget.NewRaise{Amount: dollar, Reason: "r"}); !errors.Is(err, budget.ErrNotFound) {
		t.Errorf("raised by another organization: %v", err)
	}
}

func TestMetersTellWhatIsSpentReservedAndLeft(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("a"))
	calendar := budget.Calendar{Zone: o.home.Zone(), FiscalDay: 15}
	h := holder("p1")
	asks := o.asks(b, "", calendar, 20*dollar)
	o.exchange(h, asks...)
	for _, k := range asks {
		o.settle(o.charge(k, h, 7*dollar))
	}
	st, err := o.Standing(t.Context(), o.in, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Meters) != 2 || st.Meters[0].Period != budget.Day {
		t.Fatalf("%+v", st.Meters)
	}
	day := st.Meters[0]
	if day.Spent != 7*dollar || day.Held != 13*dollar || day.Left() != 30*dollar || day.Percent() != 40 || day.Exhausted() || day.Holders != 1 {
		t.Errorf("%+v", day)
	}
	if w := calendar.Window(budget.Day, o.now); day.Window != w {
		t.Errorf("window %v, want %v", day.Window, w)
	}
	if _, err := o.Raise(t.Context(), o.in, b.ID, budget.NewRaise{Period: budget.Day, Amount: 50 * dollar, Reason: "launch"}); err != nil {
		t.Fatal(err)
	}
	st, err = o.Standing(t.Context(), o.in, b.ID)
	if day = st.Meters[0]; err != nil || day.Limit != 100*dollar || day.Raised != 50*dollar || day.Percent() != 20 || st.Meters[1].Raised != 0 {
		t.Errorf("raised: %+v, %v", st.Meters, err)
	}
	if st.Names[b.Selector[0]] != "First team" {
		t.Errorf("names %v", st.Names)
	}
}

// asks are what a proxy asks for each limit of a budget.
func (o *office) asks(b budget.Budget, subject string, c budget.Calendar, need money.NanoUSD) (list []lease.Ask) {
	for _, l := range b.Limits {
		w := c.Window(l.Period, o.now)
		list = append(list, lease.Ask{Org: o.in.Org(), Budget: b.ID, Subject: subject, Window: w, Pot: budget.Pot(o.in.Org(), b.ID, subject, w), Need: need, Want: need})
	}
	return list
}

func TestRaisesCountWhileTheyLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("a"))
	start := o.now
	r, err := o.Raise(t.Context(), o.in, b.ID, budget.NewRaise{Period: budget.Day, Amount: dollar, From: start.Add(time.Hour), Reason: " later "})
	if err != nil || !r.From.Equal(start.Add(time.Hour)) || !r.To.Equal(start.Add(25*time.Hour)) || r.Reason != "later" {
		t.Fatalf("%+v, %v", r, err)
	}
	raised := func(after time.Duration) money.NanoUSD {
		t.Helper()
		o.now = start.Add(after)
		st, err := o.Standing(t.Context(), o.in, b.ID)
		if err != nil {
			t.Fatal(err)
		}
		return st.Meters[0].Raised
	}
	for after, want := range map[time.Duration]money.NanoUSD{0: 0, time.Hour: dollar, 25*time.Hour - 1: dollar, 25 * time.Hour: 0} {
		if got := raised(after); got != want {
			t.Errorf("after %s: %d, want %d", after, got, want)
		}
	}
	o.now = start.Add(2 * time.Hour)
	if _, err := o.EndRaise(t.Context(), o.in, b.ID, r.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.EndRaise(t.Context(), o.in, b.ID, r.ID); !errors.Is(err, budget.ErrNoRaise) {
		t.Errorf("ended twice: %v", err)
	}
	if got := raised(3 * time.Hour); got != 0 {
		t.Errorf("ended early, and still %d", got)
	}
	for name, n := range map[string]budget.NewRaise{
		"eight days": {Period: budget.Day, Amount: dollar, For: 8 * 24 * time.Hour, Reason: "r"},
		"a second":   {Period: budget.Day, Amount: dollar, For: time.Second, Reason: "r"},
	} {
		if _, err := o.Raise(t.Context(), o.in, b.ID, n); fieldOf(err) != "hours" {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := o.Raises(t.Context(), o.in, b.ID)
	if err != nil || len(list) != 1 || !list[0].Ends().Equal(start.Add(2*time.Hour)) || list[0].CreatedBy != o.in.Actor().ID() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestABudgetForEachValueTellsTheFullestFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	draft := o.draft("each")
	draft.Each, draft.Limits = dimension.EndUser, []budget.Limit{{Period: budget.Month, Amount: 10 * dollar}}
	b := o.made(draft)
	calendar := budget.Calendar{Zone: o.home.Zone(), FiscalDay: 15}
	h := holder("p1")
	for subject, amount := range map[string]money.NanoUSD{"ann": 3, "bob": 10, "cem": 7, "dan": 7} {
		k := o.asks(b, subject, calendar, amount*dollar)[0]
		o.exchange(h, k)
		o.settle(o.charge(k, h, amount*dollar))
	}
	st, err := o.Standing(t.Context(), o.in, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	m := st.Meters[0]
	if m.Subject != "bob" || m.Spent != 10*dollar || !m.Exhausted() || m.Subjects != 4 || m.Full != 1 || m.SpentAll != 27*dollar {
		t.Errorf("%+v", m)
	}
	var got []string
	for after := (*budget.Place)(nil); ; {
		page, names, more, err := o.Subjects(t.Context(), o.in, b.ID, "", "", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			got = append(got, m.Subject)
			if names[dimension.Match{Dimension: dimension.EndUser, Value: m.Subject}] != m.Subject || m.Limit != 10*dollar {
				t.Errorf("%+v, %v", m, names)
			}
		}
		if !more {
			break
		}
		last := page[len(page)-1]
		after = &budget.Place{Used: last.Spent + last.Held, Subject: last.Subject}
	}
	if diff := cmp.Diff([]string{"bob", "cem", "dan", "ann"}, got); diff != "" {
		t.Error(diff)
	}
	found, _, _, err := o.Subjects(t.Context(), o.in, b.ID, budget.Month, "AN", nil, 10)
	if err != nil || len(found) != 2 {
		t.Errorf("search: %+v, %v", found, err)
	}
}

func TestAnOrganizationHasSoManyBudgetsAtMost(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.made(o.draft("a"))
	second := first
	second.ID, second.Name = id.Budget(id.New("bud")), "b"
	if err := o.store.Insert(t.Context(), o.in, second, 1); !errors.Is(err, budget.ErrTooMany) {
		t.Errorf("a second of one: %v", err)
	}
	if _, err := o.Archive(t.Context(), o.in, first.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := o.store.Insert(t.Context(), o.in, second, 1); err != nil {
		t.Errorf("archived ones do not count: %v", err)
	}
}

func TestChangesAtOnceAreMadeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("a"))
	const writers = 8
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			if _, err := o.store.Change(t.Context(), o.in, b.ID, func(b *budget.Budget) error { b.Limits[0].Amount += dollar; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := o.Budget(t.Context(), o.in, b.ID)
	if err != nil || got.Revision != 1+writers || got.Limits[0].Amount != b.Limits[0].Amount+writers*dollar {
		t.Errorf("%+v, %v", got, err)
	}
}

// fieldOf is the field that a refusal names.
func fieldOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Field
	}
	return ""
}
