package budget

import (
	"context"
	"math/bits"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Meter is how one limit of a budget stands in the window of now.
type Meter struct {
	Period  Period
	Window  Window
	Subject string // of a budget for each value: the one whose meter this is; "" where nobody has spent anything yet
	Limit   money.NanoUSD
	Raised  money.NanoUSD // of Limit
	Spent   money.NanoUSD // settled
	Held    money.NanoUSD // reserved: by calls under way, and by proxies for the next ones
	Holders int           // that hold it

	// Of a budget for each value of a dimension. The meter is the fullest one's.
	Subjects int           // that have spent anything
	Full     int           // of them, at the limit
	SpentAll money.NanoUSD // by all of them
}

// Left is what may still be spent; less than 0 where more was spent than the limit is now.
func (m *Meter) Left() money.NanoUSD { return m.Limit - m.Spent - m.Held }

// Percent is what is spent and reserved, in whole per cent of the limit, rounded down. A limit of 0 is full.
func (m *Meter) Percent() int { return percent(m.Spent+m.Held, m.Limit) }

// Exhausted reports that nothing is left that proxies do not hold.
func (m *Meter) Exhausted() bool { return m.Left() <= 0 }

// percent is part of whole in per cent, rounded down, at most 9,999.
func percent(part, whole money.NanoUSD) int {
	const most = 9999
	switch {
	case whole <= 0:
		return 100
	case part <= 0:
		return 0
	}
	hi, lo := bits.Mul64(uint64(part), 100)
	if hi >= uint64(whole) {
		return most
	}
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return int(min(q, most))
}

// Standing is how a budget stands.
type Standing struct {
	Budget Budget
	At     time.Time
	Meters []Meter // one for each limit, shortest period first
	// Refused and WouldRefuse count calls since the start of the longest window but "total", or the last 30 days.
	Refusals
	Names map[dimension.Match]string // of what the selector speaks of, and of the meters' subjects
}

// Refusals counts calls that a budget refused, or would have if it were to block.
type Refusals struct {
	Refused     int64
	WouldRefuse int64
	Short       money.NanoUSD // what all of them lacked
	LastAt      time.Time     // zero: none
}

// Tightest is the meter with the least left in per cent.
func (st *Standing) Tightest() *Meter {
	best := &st.Meters[0]
	for i := range st.Meters[1:] {
		if m := &st.Meters[i+1]; m.Percent() > best.Percent() {
			best = m
		}
	}
	return best
}

// Standing reads how a budget stands now.
func (s *Service) Standing(ctx context.Context, in tenant.Scope, which id.Budget) (Standing, error) {
	b, err := s.Store.Budget(ctx, in, which)
	if err != nil {
		return Standing{}, err
	}
	all, err := s.standings(ctx, in, []Budget{b})
	if err != nil {
		return Standing{}, err
	}
	return all[0], nil
}

// standings reads several at one time.
func (s *Service) standings(ctx context.Context, in tenant.Scope, list []Budget) ([]Standing, error) {
	calendar, err := s.Calendar(ctx, in)
	if err != nil {
		return nil, err
	}
	now := instant(s.Now())
	lifts, err := s.Store.Lifts(ctx, in, one(list), now)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, len(list))
	for i, b := range list {
		out[i] = Standing{Budget: b, At: now, Meters: meters(b, calendar, lifts, now)}
	}
	if err := s.fill(ctx, in, out); err != nil {
		return nil, err
	}
	if err := s.count(ctx, in, out); err != nil {
		return nil, err
	}
	return out, s.name(ctx, in, out)
}

// one is the only budget's id, or none for all.
func one(list []Budget) id.Budget {
	if len(list) == 1 {
		return list[0].ID
	}
	return ""
}

// meters are a budget's windows and limits at an instant, with nothing in them.
func meters(b Budget, c Calendar, lifts []Raise, now time.Time) []Meter {
	out := make([]Meter, len(b.Limits))
	for i, l := range b.Limits {
		raised := lifted(lifts, b.ID, l.Period)
		out[i] = Meter{Period: l.Period, Window: c.Window(l.Period, now), Limit: l.Amount + raised, Raised: raised}
	}
	return out
}

// lifted is by how much raises that count lift a limit.
func lifted(lifts []Raise, which id.Budget, p Period) (sum money.NanoUSD) {
	for i := range lifts {
		if r := &lifts[i]; r.Budget == which && r.Period == p {
			sum += r.Amount
		}
	}
	return sum
}

// fill puts what was spent into the meters: pots of one in one question, crowds one by one.
func (s *Service) fill(ctx context.Context, in tenant.Scope, list []Standing) error {
	at := map[id.Pot]*Meter{}
	var pots []id.Pot
	for i := range list {
		for j := range list[i].Meters {
			m := &list[i].Meters[j]
			if list[i].Budget.Each != "" {
				if err := s.crowd(ctx, in, list[i].Budget.ID, m); err != nil {
					return err
				}
				continue
			}
			p := Pot(in.Org(), list[i].Budget.ID, "", m.Window)
			at[p], pots = m, append(pots, p)
		}
	}
	if len(pots) == 0 {
		return nil
	}
	states, err := s.Store.Pots(ctx, in, pots)
	for p, state := range states {
		at[p].set(state)
	}
	return err
}

func (s *Service) crowd(ctx context.Context, in tenant.Scope, which id.Budget, m *Meter) error {
	c, err := s.Store.Crowd(ctx, in, which, m.Window, m.Limit)
	m.Subjects, m.Full, m.SpentAll, m.Subject = c.Subjects, c.Full, c.Sum.Posted, c.Fullest.Subject
	m.set(c.Fullest.State)
	return err
}

func (m *Meter) set(s State) { m.Spent, m.Held, m.Holders = s.Posted, s.Held, s.Holders }

// countedFor is how far back refusals are counted where no window says it.
const countedFor = 30 * 24 * time.Hour

func (s *Service) count(ctx context.Context, in tenant.Scope, list []Standing) error {
	since := make(map[id.Budget]time.Time, len(list))
	for _, st := range list {
		since[st.Budget.ID] = st.countFrom()
	}
	got, err := s.Store.Refusals(ctx, in, since)
	for i := range list {
		list[i].Refusals = got[list[i].Budget.ID]
	}
	return err
}

func (st *Standing) countFrom() time.Time {
	if from := st.Meters[len(st.Meters)-1].Window.From; !from.IsZero() {
		return from
	}
	return st.At.Add(-countedFor)
}

func (s *Service) name(ctx context.Context, in tenant.Scope, list []Standing) error {
	var want []dimension.Match
	for _, st := range list {
		want = append(want, st.Budget.Selector...)
		for _, m := range st.Meters {
			if m.Subject != "" {
				want = append(want, dimension.Match{Dimension: st.Budget.Each, Value: m.Subject})
			}
		}
	}
	names, err := s.Store.Names(ctx, in, want)
	for i := range list {
		list[i].Names = names
	}
	return err
}

// Subjects lists how the values of a budget for each value stand in the window of now, the fullest first, from behind a place
// (nil: from the first), at most limit, and whether there are more. period "": the first limit's. ErrNoPeriod; a budget with one pot
// has no subjects.
func (s *Service) Subjects(ctx context.Context, in tenant.Scope, which id.Budget, period Period, search string, after *Place, limit int) ([]Meter, map[dimension.Match]string, bool, error) {
	b, err := s.Store.Budget(ctx, in, which)
	if err != nil || b.Each == "" {
		return nil, nil, false, err
	}
	m, err := s.meter(ctx, in, b, period)
	if err != nil {
		return nil, nil, false, err
	}
	found, err := s.Store.Subjects(ctx, in, SubjectQuery{Budget: which, Window: m.Window, Search: search, Names: b.Each}, after, limit+1)
	if err != nil {
		return nil, nil, false, err
	}
	more := len(found) > limit
	found = found[:min(len(found), limit)]
	out := make([]Meter, len(found))
	var want []dimension.Match
	for i, f := range found {
		out[i] = m
		out[i].Subject = f.Subject
		out[i].set(f.State)
		want = append(want, dimension.Match{Dimension: b.Each, Value: f.Subject})
	}
	names, err := s.Store.Names(ctx, in, want)
	return out, names, more, err
}

// meter is the empty meter of one period at now.
func (s *Service) meter(ctx context.Context, in tenant.Scope, b Budget, period Period) (Meter, error) {
	if period == "" {
		period = b.Limits[0].Period
	}
	l, ok := b.limit(period)
	if !ok {
		return Meter{}, ErrNoPeriod.At("period")
	}
	calendar, err := s.Calendar(ctx, in)
	if err != nil {
		return Meter{}, err
	}
	now := instant(s.Now())
	lifts, err := s.Store.Lifts(ctx, in, b.ID, now)
	b.Limits = []Limit{l}
	return meters(b, calendar, lifts, now)[0], err
}
