package usage

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"slices"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Failures of the queries.
var (
	ErrRange     = fault.New(fault.Invalid, "usage.bad_range", "The range must end after it begins.").At("to")
	ErrLongRange = fault.New(fault.Invalid, "usage.range_too_long", "The range is too long: at most 400 days, or 31 days by the hour.").At("from")
	ErrDimension = fault.New(fault.Invalid, "usage.bad_dimension", "That is no dimension of costs.").At("group_by")
	ErrBucket    = fault.New(fault.Invalid, "usage.bad_bucket", "A bucket is an hour, a day or the whole range.").At("bucket")
	ErrTooMany   = fault.New(fault.Invalid, "usage.too_many_rows", "The answer would have more than 50,000 rows. Group by fewer dimensions, or filter.").At("group_by")
)

// RowsMax bounds an answer.
const RowsMax = 50_000

const (
	daysMax  = 400 * 24 * time.Hour
	hoursMax = 31 * 24 * time.Hour
)

// Asked is a Query as a Store gets it: checked, in whole hours, with the starts of its buckets.
type Asked struct {
	Query
	Starts []time.Time // ascending; the first is From or earlier; empty for Whole
}

// Store is what Service needs from storage; package usagepg provides it.
type Store interface {
	// Costs gives a row for each bucket and combination of values that has any call or cost, at most limit, in any order.
	Costs(ctx context.Context, in tenant.Scope, q Asked, limit int) ([]Row, error)
	// UpTo is an instant before which every call that ended is in the figures of Costs calls that begin after UpTo returned.
	UpTo(ctx context.Context, in tenant.Scope) (time.Time, error)
	// Latency looks at the newest calls of a range, at most sample of them.
	Latency(ctx context.Context, in tenant.Scope, q Query, sample int) (Latency, error)
	// LastHour is the newest hour before the instant that has any row; zero: none has.
	LastHour(ctx context.Context, in tenant.Scope, before time.Time) (time.Time, error)
}

// Service answers questions about usage.
type Service struct{ store Store }

// NewService makes a Service.
func NewService(store Store) *Service { return &Service{store: store} }

// Costs answers a query. Figures are kept by the hour of UTC in which a call started: From is taken back to the start of its hour
// and To forward to the end of its hour. A day is a day of the zone; where a zone is off by half an hour, an hour belongs to the
// day in which it starts.
func (s *Service) Costs(ctx context.Context, in tenant.Scope, q Query) (Costs, error) {
	asked, err := ask(q)
	if err != nil {
		return Costs{}, err
	}
	upTo, err := s.store.UpTo(ctx, in) // before the rows, so that it promises no more than they hold
	if err != nil {
		return Costs{}, err
	}
	rows, err := s.store.Costs(ctx, in, asked, RowsMax+1)
	if err != nil {
		return Costs{}, err
	}
	if len(rows) > RowsMax {
		return Costs{}, ErrTooMany
	}
	c := Costs{Rows: rows, UpTo: upTo}
	for i := range rows {
		c.Total.add(&rows[i])
	}
	slices.SortFunc(c.Rows, byTimeThenCost(q.GroupBy))
	return c, nil
}

// LastData is the newest hour before q.To that has any figures, for pages with an empty range; zero: there are none.
func (s *Service) LastData(ctx context.Context, in tenant.Scope, before time.Time) (time.Time, error) {
	return s.store.LastHour(ctx, in, before)
}

// add sums the figures of a row.
func (r *Row) add(o *Row) {
	r.Calls += o.Calls
	r.Errors += o.Errors
	for class, n := range o.Units {
		r.Units[class] = plus(r.Units[class], n)
	}
	r.Cost = money.NanoUSD(plus(int64(r.Cost), int64(o.Cost)))
	r.Unpriced += o.Unpriced
	r.Estimated += o.Estimated
}

// plus adds what is not negative, and stays at the largest value.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// byTimeThenCost orders rows by bucket, then the dearest first, then by values, so that the order is the same every time.
func byTimeThenCost(group []Dimension) func(a, b Row) int {
	return func(a, b Row) int {
		if c := cmp.Or(a.At.Compare(b.At), cmp.Compare(b.Cost, a.Cost), cmp.Compare(b.Calls, a.Calls)); c != 0 {
			return c
		}
		for _, d := range group {
			if c := cmp.Compare(a.Values[d], b.Values[d]); c != 0 {
				return c
			}
		}
		return 0
	}
}

// ask checks a query and completes it.
func ask(q Query) (Asked, error) {
	if !q.From.Before(q.To) {
		return Asked{}, ErrRange
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	q.From = q.From.UTC().Truncate(time.Hour)
	if to := q.To.UTC().Truncate(time.Hour); to.Before(q.To) {
		q.To = to.Add(time.Hour)
	}
	for _, d := range q.GroupBy {
		if !slices.Contains(Dimensions, d) {
			return Asked{}, ErrDimension
		}
	}
	for d := range q.Filter {
		if !slices.Contains(Dimensions, d) {
			return Asked{}, ErrDimension.At(string(d))
		}
	}
	longest := daysMax
	a := Asked{Query: q}
	switch q.Bucket {
	case Whole:
	case Hourly:
		longest = hoursMax
	case Daily:
	default:
		return Asked{}, ErrBucket
	}
	if q.To.Sub(q.From) > longest {
		return Asked{}, ErrLongRange
	}
	switch q.Bucket {
	case Whole:
	case Hourly:
		for at := q.From; at.Before(q.To); at = at.Add(time.Hour) {
			a.Starts = append(a.Starts, at)
		}
	case Daily:
		local := q.From.In(q.Zone)
		for i := 0; ; i++ {
			at := time.Date(local.Year(), local.Month(), local.Day()+i, 0, 0, 0, 0, q.Zone)
			if !at.Before(q.To) {
				break
			}
			a.Starts = append(a.Starts, at)
		}
	}
	return a, nil
}

// Latency is how long calls took. Zero durations: no call.
type Latency struct {
	P50, P95     time.Duration
	FirstByteP50 time.Duration // of streamed calls that sent something
	FirstByteP95 time.Duration
	Calls        int64 // looked at
	Sampled      bool  // the range has more calls than were looked at: these are its newest
}

// latencySample bounds what Latency looks at; at this size a p95 is off by less than a tenth of a per cent of the ranks.
const latencySample = 50_000

// Latency tells how long the calls of q's range took, by its filter; Bucket and GroupBy mean nothing. Latencies are kept with calls
// and not by the hour, so the range is taken exactly.
func (s *Service) Latency(ctx context.Context, in tenant.Scope, q Query) (Latency, error) {
	if _, err := ask(Query{From: q.From, To: q.To, Filter: q.Filter}); err != nil {
		return Latency{}, err
	}
	return s.store.Latency(ctx, in, q, latencySample)
}

// Forecast is what q's figures come to at the end of a period [from, to) when spending goes on as it did until now: exact integer
// arithmetic, rounded down. Before a period has begun, and after its end, it is what was spent.
func Forecast(spent money.NanoUSD, from, now, to time.Time) money.NanoUSD {
	passed, whole := now.Sub(from), to.Sub(from)
	if passed <= 0 || passed >= whole || spent <= 0 {
		return spent
	}
	hi, lo := bits.Mul64(uint64(spent), uint64(whole))
	if hi >= uint64(passed) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(passed))
	return money.NanoUSD(min(q, math.MaxInt64))
}
