package usage_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// store answers nothing and remembers what it was asked.
type store struct {
	rows  int
	asked usage.Asked
}

func (s *store) Costs(_ context.Context, _ tenant.Scope, q usage.Asked, limit int) ([]usage.Row, error) {
	s.asked = q
	return make([]usage.Row, min(s.rows, limit)), nil
}
func (s *store) UpTo(context.Context, tenant.Scope) (time.Time, error) { return noon, nil }
func (s *store) Latency(context.Context, tenant.Scope, usage.Query, int) (usage.Latency, error) {
	return usage.Latency{}, nil
}

func (s *store) LastHour(context.Context, tenant.Scope, time.Time) (time.Time, error) {
	return noon, nil
}

func TestQueriesThatCannotBeAnsweredAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		q    usage.Query
		rows int
		want error
	}{
		{"an empty range", usage.Query{From: noon, To: noon}, 0, usage.ErrRange},
		{"a range that ends before it begins", usage.Query{From: noon, To: noon.Add(-1)}, 0, usage.ErrRange},
		{"more than 400 days", usage.Query{From: noon, To: noon.AddDate(2, 0, 0)}, 0, usage.ErrLongRange},
		{"two months by the hour", usage.Query{From: noon, To: noon.AddDate(0, 2, 0), Bucket: usage.Hourly}, 0, usage.ErrLongRange},
		{"an unknown dimension", usage.Query{From: noon, To: noon.Add(1), GroupBy: []usage.Dimension{"org_id"}}, 0, usage.ErrDimension},
		{"an unknown filter", usage.Query{From: noon, To: noon.Add(1), Filter: map[usage.Dimension][]string{"1=1": {"x"}}}, 0, usage.ErrDimension},
		{"an unknown bucket", usage.Query{From: noon, To: noon.Add(1), Bucket: "week"}, 0, usage.ErrBucket},
		{"too many rows", usage.Query{From: noon, To: noon.Add(1)}, usage.RowsMax + 1, usage.ErrTooMany},
		{"just as many as allowed", usage.Query{From: noon, To: noon.Add(1)}, usage.RowsMax, nil},
		{"400 days by the day", usage.Query{From: noon, To: noon.AddDate(0, 0, 400), Bucket: usage.Daily}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := usage.NewService(&store{rows: tt.rows}).Costs(t.Context(), tenant.Scope{}, tt.q)
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestRangesAreTakenToWholeHours(t *testing.T) {
	t.Parallel()
	s := &store{}
	q := usage.Query{From: noon.Add(59 * time.Minute), To: noon.Add(61 * time.Minute), Bucket: usage.Hourly}
	if _, err := usage.NewService(s).Costs(t.Context(), tenant.Scope{}, q); err != nil {
		t.Fatal(err)
	}
	if !s.asked.From.Equal(noon) || !s.asked.To.Equal(noon.Add(2*time.Hour)) || len(s.asked.Starts) != 2 {
		t.Errorf("asked %v to %v in %v", s.asked.From, s.asked.To, s.asked.Starts)
	}
}

func TestLatencyRefusesWhatCostsRefuse(t *testing.T) {
	t.Parallel()
	s := usage.NewService(&store{})
	for name, tt := range map[string]struct {
		q    usage.Query
		want error
	}{
		"an empty range":    {usage.Query{From: noon, To: noon}, usage.ErrRange},
		"an unknown filter": {usage.Query{From: noon, To: noon.Add(1), Filter: map[usage.Dimension][]string{"1=1": {"x"}}}, usage.ErrDimension},
		"a good question":   {usage.Query{From: noon, To: noon.Add(1)}, nil},
	} {
		if _, err := s.Latency(t.Context(), tenant.Scope{}, tt.q); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestForecastIsExact(t *testing.T) {
	t.Parallel()
	month := noon.AddDate(0, 0, 30)
	for _, tt := range []struct {
		name  string
		spent money.NanoUSD
		now   time.Time
		want  money.NanoUSD
	}{
		{"a third of the time makes it three times", 1_000_000_001, noon.AddDate(0, 0, 10), 3_000_000_003},
		{"before the beginning it is what was spent", 5, noon, 5},
		{"after the end it is what was spent", 5, month, 5},
		{"too much to count is the most", math.MaxInt64 / 2, noon.Add(time.Hour), math.MaxInt64},
		{"nothing spent", 0, noon.AddDate(0, 0, 10), 0},
	} {
		if got := usage.Forecast(tt.spent, noon, tt.now, month); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
