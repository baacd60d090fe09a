package budgetpg_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/notice"
)

// board keeps notices; it tells the same once, as the real one does.
type board struct {
	posted   []notice.New
	once     map[string]bool
	repeated []string
}

func (b *board) Post(_ context.Context, org id.Org, n notice.New) (bool, error) {
	key := string(org) + string(n.Kind) + n.About + n.Once
	if b.once == nil {
		b.once = map[string]bool{}
	}
	if b.once[key] {
		b.repeated = append(b.repeated, n.Title)
		return false, nil
	}
	b.once[key] = true
	b.posted = append(b.posted, n)
	return true, nil
}

// turn gives the titles of what a new alerter tells.
func (o *office) turn(b *board) (titles []string) {
	o.Helper()
	before := len(b.posted)
	a := budget.NewAlerter(budgetpg.NewAlerts(o.db), b, func() time.Time { return o.now }, slog.New(slog.DiscardHandler))
	if err := a.Turn(o.Context()); err != nil {
		o.Fatal(err)
	}
	for _, n := range b.posted[before:] {
		titles = append(titles, n.Title)
		if n.Kind == "" || n.About == "" || n.Once == "" || n.Text == "" || n.Path != "/budgets/"+n.About || strings.Contains(n.Text, "%!") {
			o.Errorf("%+v", n)
		}
	}
	if len(b.repeated) > 0 { // the board would not tell them, but each turn would ask it to
		o.Errorf("posted again: %q", b.repeated)
	}
	slices.Sort(titles)
	return titles
}

func (o *office) tells(b *board, want ...string) {
	o.Helper()
	if got := o.turn(b); !slices.Equal(got, want) {
		o.Errorf("told %q, want %q", got, want)
	}
}

func TestAMarkIsToldOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.home.TimeZone = "UTC"
	draft := o.draft("Support")
	draft.Limits = []budget.Limit{{Period: budget.Total, Amount: 100 * dollar}}
	b := o.made(draft)
	h := holder("p")
	k := o.asks(b, "", budget.Calendar{}, 0)[0]
	lend := func(amount money.NanoUSD) {
		k.Need, k.Want = amount, amount
		o.exchange(h, k)
	}
	var told board
	lend(49 * dollar)
	o.tells(&told)
	lend(30 * dollar) // 79: passed 50 and 75; the higher one is told
	o.settle(o.charge(k, h, 60*dollar))
	o.tells(&told, "Budget Support has reached 75 %")
	if n := told.posted[0]; n.Text != "$60.00 of $100.00 in total is spent, and $19.00 is reserved for calls. $21.00 is left." || n.Data["percent"] != 75 {
		t.Errorf("%+v", n)
	}
	o.tells(&told)
	lend(11 * dollar)
	o.tells(&told, "Budget Support has reached 90 %")
	lend(10 * dollar)
	o.tells(&told, "Budget Support has reached 100 %")
	o.tells(&told)
	for name, out := range map[string]func(budget.Budget) (budget.Budget, error){
		"archived": func(b budget.Budget) (budget.Budget, error) { return o.Archive(t.Context(), o.in, b.ID, nil) },
		"off": func(b budget.Budget) (budget.Budget, error) {
			b.Off = true
			return o.Update(t.Context(), o.in, b.ID, b, nil)
		},
	} {
		draft.Name = name
		b := o.made(draft)
		k := o.asks(b, "", budget.Calendar{}, 60*dollar)[0]
		o.exchange(h, k)
		if _, err := out(b); err != nil {
			t.Fatal(err)
		}
	}
	o.tells(&told)
}

func TestNobodyIsToldOfWhatNobodyWantsToKnow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	quiet := o.draft("quiet")
	quiet.AlertAt, quiet.Limits = []int{}, []budget.Limit{{Period: budget.Total, Amount: 10 * dollar}}
	late := o.draft("late")
	late.AlertAt, late.Mode, late.Limits = []int{200}, budget.Watch, []budget.Limit{{Period: budget.Total, Amount: 10 * dollar}}
	h := holder("p")
	var asks []lease.Ask
	for _, b := range []budget.Budget{o.made(quiet), o.made(late)} {
		k := o.asks(b, "", budget.Calendar{}, 10*dollar)[0]
		asks = append(asks, k)
		o.exchange(h, k)
	}
	var told board
	o.tells(&told)
	o.settle(o.charge(asks[1], h, 21*dollar)) // a budget that watches is overdrawn
	o.tells(&told, "Budget late has reached 200 %")
}

func TestManyValuesAreToldOfTogether(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	draft := o.draft("each")
	draft.Each, draft.Limits = dimension.EndUser, []budget.Limit{{Period: budget.Total, Amount: 10 * dollar}}
	b := o.made(draft)
	h := holder("p")
	fill := func(from, to int, amount money.NanoUSD) {
		for i := from; i < to; i++ {
			o.exchange(h, o.asks(b, fmt.Sprintf("user %d", i), budget.Calendar{}, amount)...)
		}
	}
	var told board
	fill(0, 3, 9*dollar) // by default a value's half is no news
	o.tells(&told)
	fill(3, 5, 10*dollar)
	o.tells(&told, "Budget each (user 3) has reached 100 %", "Budget each (user 4) has reached 100 %")
	fill(5, 30, 10*dollar)
	o.tells(&told, "Budget each: 25 values have reached 100 %")
	o.tells(&told)
}

func TestARaiseIsToldWhenItBeginsAndEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("Support"))
	r, err := o.Raise(t.Context(), o.in, b.ID, budget.NewRaise{Period: budget.Day, Amount: 5 * dollar, From: o.now.Add(time.Hour), Reason: "launch day"})
	if err != nil {
		t.Fatal(err)
	}
	never, err := o.Raise(t.Context(), o.in, b.ID, budget.NewRaise{Period: budget.Day, Amount: 7 * dollar, From: o.now.Add(time.Hour), Reason: "no"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.EndRaise(t.Context(), o.in, b.ID, never.ID); err != nil {
		t.Fatal(err)
	}
	var told board
	o.tells(&told)
	o.now = r.From
	o.tells(&told, "Budget Support is raised by $5.00")
	if !strings.Contains(told.posted[0].Text, "launch day") {
		t.Errorf("%+v", told.posted[0])
	}
	o.now = r.To.Add(-1)
	o.tells(&told)
	o.now = r.To
	o.tells(&told, "The raise of budget Support has ended")
	o.tells(&told)
}

func TestAForecastIsToldOnceAWindow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	w := budget.Calendar{}.Window(budget.Day, o.now)
	o.now = w.From.Add(12 * time.Hour)
	draft := o.draft("Support")
	draft.Limits = []budget.Limit{{Period: budget.Day, Amount: 100 * dollar}}
	slow := o.draft("slow")
	slow.Limits = draft.Limits
	h := holder("p")
	for spent, b := range map[money.NanoUSD]budget.Budget{60: o.made(draft), 40: o.made(slow)} {
		// The pot is lent from at the database's now, which is of the same day.
		k := o.asks(b, "", budget.Calendar{}, spent*dollar)[0]
		o.exchange(h, k)
		o.settle(o.charge(k, h, spent*dollar))
	}
	var told board
	titles := o.turn(&told)
	want := "Budget Support will be used up on " + w.From.Format("Mon 2 Jan")
	if !slices.Contains(titles, want) || len(titles) != 2 { // and that it has reached 50 %
		t.Errorf("told %q, want %q", titles, want)
	}
	o.tells(&told)
}

func TestAnOverrunIsADefectAndTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	hard, soft := o.draft("hard"), o.draft("soft")
	soft.Mode = budget.Watch
	h := holder("p")
	for _, d := range []budget.Budget{hard, soft} {
		d.Limits, d.AlertAt = []budget.Limit{{Period: budget.Total, Amount: 100 * dollar}}, []int{}
		k := o.asks(o.made(d), "", budget.Calendar{}, 5*dollar)[0]
		o.exchange(h, k)
		o.settle(o.charge(k, h, 6*dollar))
	}
	var told board
	o.tells(&told, "Budget hard was overrun")
	if told.posted[0].Data["over_nano_usd"] != "1000000000" {
		t.Errorf("%+v", told.posted[0])
	}
	o.tells(&told)
}
