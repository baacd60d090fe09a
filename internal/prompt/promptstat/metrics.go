package promptstat

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Metrics answers a query. prompt.ErrNotFound, ErrRange, ErrBy.
func (s *Service) Metrics(ctx context.Context, in tenant.Scope, q Query) (Metrics, error) {
	if q.By != ByVersion && q.By != ByLabel {
		return Metrics{}, ErrBy
	}
	from, to, err := hours(q.From, q.To)
	if err != nil {
		return Metrics{}, err
	}
	if err := s.known(ctx, in, q.Prompt); err != nil {
		return Metrics{}, err
	}
	m := Metrics{From: from, To: to}
	at := map[any]*sheet{}
	err = s.store.Hours(ctx, in, q.Prompt, from, to, func(h Hourly) {
		key, row := any(h.Version), Row{Version: h.Version}
		if q.By == ByLabel {
			key, row = h.Label, Row{Label: h.Label}
		}
		if at[key] == nil {
			at[key] = &sheet{Row: row}
		}
		at[key].add(&h, q.By)
	})
	for _, sh := range at {
		m.Rows = append(m.Rows, sh.row())
		m.All.add(&m.Rows[len(m.Rows)-1].Figures)
	}
	slices.SortFunc(m.Rows, func(a, b Row) int { return cmp.Or(cmp.Compare(b.Version, a.Version), cmp.Compare(a.Label, b.Label)) })
	return m, err
}

// known refuses a prompt that the organization does not have.
func (s *Service) known(ctx context.Context, in tenant.Scope, which id.Prompt) error {
	ok, err := s.store.Exists(ctx, in, which)
	if err == nil && !ok {
		err = prompt.ErrNotFound
	}
	return err
}

// hours takes a range outward to full hours.
func hours(from, to time.Time) (time.Time, time.Time, error) {
	if !from.Before(to) || to.Sub(from) > daysMax*24*time.Hour {
		return from, to, ErrRange
	}
	return from.UTC().Truncate(time.Hour), to.UTC().Add(time.Hour - 1).Truncate(time.Hour), nil
}

// sheet is a row as it is summed up: a page reads thousands of hours, and maps would be most of its time.
type sheet struct {
	Row
	ended, began [stat.Buckets]int64
}

func count(into *[stat.Buckets]int64, t Times) {
	for i := range min(len(t.At), len(t.N)) {
		if b := t.At[i]; b >= 0 && int(b) < len(into) {
			into[b] += t.N[i]
		}
	}
}

// row is what was summed up.
func (s *sheet) row() Row {
	s.Total, s.FirstByte = histogram(&s.ended), histogram(&s.began)
	return s.Row
}

func histogram(counts *[stat.Buckets]int64) stat.Histogram {
	h := stat.Histogram{}
	for b, n := range counts {
		if n > 0 {
			h[b] = n
		}
	}
	return h
}

// add puts an hour on top; hours come in order.
func (s *sheet) add(h *Hourly, by By) {
	r := &s.Row
	count(&s.ended, h.Ended)
	count(&s.began, h.Began)
	r.add(&h.Figures)
	if by == ByLabel {
		if i, found := slices.BinarySearch(r.Versions, h.Version); !found {
			r.Versions = slices.Insert(r.Versions, i, h.Version)
		}
	}
	day := h.Hour.UTC().Truncate(24 * time.Hour)
	if n := len(r.Days); n == 0 || !r.Days[n-1].At.Equal(day) {
		r.Days = append(r.Days, Day{At: day})
	}
	d := &r.Days[len(r.Days)-1]
	d.Calls, d.Errors, d.Cost = d.Calls+h.Calls, d.Errors+h.Errors, sum(d.Cost, h.Cost)
}

// add sums figures.
func (f *Figures) add(o *Figures) {
	f.Calls, f.Errors, f.Unpriced = f.Calls+o.Calls, f.Errors+o.Errors, f.Unpriced+o.Unpriced
	f.Cost = sum(f.Cost, o.Cost)
	f.Input, f.Output, f.Cached = sum(f.Input, o.Input), sum(f.Output, o.Output), sum(f.Cached, o.Cached)
	if f.Total == nil {
		f.Total, f.FirstByte, f.Scores = stat.Histogram{}, stat.Histogram{}, map[string]Score{}
	}
	f.Total.Merge(o.Total)
	f.FirstByte.Merge(o.FirstByte)
	for name, s := range o.Scores {
		had := f.Scores[name]
		f.Scores[name] = Score{N: had.N + s.N, Sum: had.Sum + s.Sum}
	}
	if f.FirstAt.IsZero() || o.FirstAt.Before(f.FirstAt) {
		f.FirstAt = o.FirstAt
	}
	if o.LastAt.After(f.LastAt) {
		f.LastAt = o.LastAt
	}
}

// sum adds what is not negative, and stays at the largest value.
func sum[T ~int64](a, b T) T {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
