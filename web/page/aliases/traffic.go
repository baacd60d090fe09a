package aliases

import (
	"context"
	"time"

	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/ui"
)

// traffic is what an alias carried: this week and the one before, the last day by place, and who called.
type traffic struct {
	Week, Before usage.Row
	Calls, Costs []int64 // day by day, oldest first
	Errors       []int64
	FirstToken   usage.Latency // of the week
	Was          usage.Latency // of the week before
	Day          map[place]placeDay
	DayCalls     int64
	Callers      []caller
	UpTo         time.Time
}

type caller struct {
	Name, Href string
	Row        usage.Row
}

// stripHours is how much a health strip shows.
const stripHours = 24

// callersMost is how many callers are listed.
const callersMost = 8

// traffic reads what an alias carried.
func (p Aliases) traffic(ctx context.Context, in tenant.Scope, name string, now time.Time) (traffic, error) {
	var out traffic
	mine := map[usage.Dimension][]string{usage.Alias: {name}}
	week := now.AddDate(0, 0, -7)
	days, err := p.Usage.Costs(ctx, in, usage.Query{From: now.AddDate(0, 0, -14), To: now, Bucket: usage.Hourly, Filter: mine})
	if err != nil {
		return out, err
	}
	out.fold(days, week, now)
	hours, err := p.Usage.Costs(ctx, in, usage.Query{
		From: now.Add(-(stripHours - 1) * time.Hour), To: now, Bucket: usage.Hourly, Filter: mine, GroupBy: []usage.Dimension{usage.Provider, usage.Model},
	})
	if err != nil {
		return out, err
	}
	out.places(hours, now)
	if out.FirstToken, err = p.Usage.Latency(ctx, in, usage.Query{From: week, To: now, Filter: mine}); err != nil {
		return out, err
	}
	if out.Was, err = p.Usage.Latency(ctx, in, usage.Query{From: now.AddDate(0, 0, -14), To: week, Filter: mine}); err != nil {
		return out, err
	}
	keys, err := p.Usage.Costs(ctx, in, usage.Query{From: week, To: now, Filter: mine, GroupBy: []usage.Dimension{usage.Key}})
	if err != nil {
		return out, err
	}
	out.Callers = callers(keys)
	return out, nil
}

// fold sums hours up to two weeks and to days of 24 hours that end now.
func (t *traffic) fold(c usage.Costs, week, now time.Time) {
	t.UpTo = c.UpTo
	t.Calls, t.Costs, t.Errors = make([]int64, 7), make([]int64, 7), make([]int64, 7)
	for _, r := range c.Rows {
		sum := &t.Before
		if !r.At.Before(week.Truncate(time.Hour)) {
			sum = &t.Week
			day := min(max(6-int(now.Sub(r.At)/(24*time.Hour)), 0), 6)
			t.Calls[day] += r.Calls
			t.Costs[day] += int64(r.Cost)
			t.Errors[day] += r.Errors
		}
		sum.Calls += r.Calls
		sum.Errors += r.Errors
		sum.Cost += r.Cost
		sum.Unpriced += r.Unpriced
		sum.Estimated += r.Estimated
	}
}

// places tells hours apart by where the calls went.
func (t *traffic) places(c usage.Costs, now time.Time) {
	t.Day, t.DayCalls = map[place]placeDay{}, c.Total.Calls
	first := now.UTC().Truncate(time.Hour).Add(-(stripHours - 1) * time.Hour)
	for _, r := range c.Rows {
		at := place{r.Values[usage.Provider], r.Values[usage.Model]}
		day, ok := t.Day[at]
		if !ok {
			day.Strip = make([]ui.Health, stripHours)
		}
		i := int(r.At.Sub(first) / time.Hour)
		if i < 0 || i >= stripHours {
			continue
		}
		day.Strip[i] = health(r)
		switch day.Strip[i] {
		case ui.Failing:
			day.bad++
		case ui.Slow:
			day.slow++
		case ui.Unknown, ui.Healthy:
		}
		day.Row.Calls += r.Calls
		day.Row.Errors += r.Errors
		day.Row.Cost += r.Cost
		day.Row.Unpriced += r.Unpriced
		t.Day[at] = day
	}
}

func callers(c usage.Costs) []caller {
	var out []caller
	for _, r := range c.Rows {
		which := r.Values[usage.Key]
		name := r.Names[usage.Key]
		if name == "" {
			name = which
		}
		out = append(out, caller{name, "/keys/" + which, r})
		if len(out) == callersMost {
			break
		}
	}
	return out
}

// eachDay is the cost per priced call, in nano-USD, day by day.
func (t traffic) eachDay() []int64 {
	out := make([]int64, len(t.Costs))
	for i := range t.Costs {
		if t.Calls[i] > 0 {
			out[i] = t.Costs[i] / t.Calls[i]
		}
	}
	return out
}
