// Package promptstathttp is the JSON face of prompts' figures.
package promptstathttp

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// daysDefault is how far back a range reaches that does not say.
const daysDefault = 30

// PromptFigures are sums over calls. Money is exact decimal text.
type PromptFigures struct {
	Calls         int64         `json:"calls"`
	Errors        int64         `json:"errors" doc:"Of the calls: refused, failed, broken or interrupted"`
	ErrorRate     float64       `json:"error_rate" doc:"0 to 1"`
	CostNanoUSD   string        `json:"cost_nano_usd" doc:"Of the calls whose cost is known"`
	CostUSD       string        `json:"cost_usd"`
	CostPerCall   string        `json:"cost_per_call_nano_usd" doc:"Of the calls whose cost is known, rounded up"`
	UnpricedCalls int64         `json:"unpriced_calls" doc:"Calls whose cost is not known"`
	InputTokens   int64         `json:"input_tokens" doc:"However served"`
	OutputTokens  int64         `json:"output_tokens" doc:"Reasoning included"`
	CacheShare    float64       `json:"cache_share" doc:"Share of the input tokens that a provider's cache served, 0 to 1"`
	LatencyP50    int64         `json:"latency_p50_us" doc:"Of calls that ended well; to within 5 %"`
	LatencyP95    int64         `json:"latency_p95_us"`
	TTFTP50       int64         `json:"ttft_p50_us" doc:"To the first byte of content; 0: no call has one"`
	TTFTP95       int64         `json:"ttft_p95_us"`
	Scores        []PromptScore `json:"scores"`
	FirstAt       *time.Time    `json:"first_at,omitempty" doc:"Start of the first call of the range"`
	LastAt        *time.Time    `json:"last_at,omitempty"`
}

// PromptScore is the judgements of one name.
type PromptScore struct {
	Name string  `json:"name"`
	N    int64   `json:"n" doc:"Calls that have one; a call with several counts by their mean"`
	Mean float64 `json:"mean"`
}

// PromptMetricsRow is a version, or a label.
type PromptMetricsRow struct {
	Version  int    `json:"version,omitempty"`
	Label    string `json:"label,omitempty" doc:"Left out of what asked for no label: a version was named, or an experiment named one"`
	Versions []int  `json:"versions,omitempty" doc:"That the label stood on for these calls"`
	PromptFigures
	Days []PromptDay `json:"days"`
}

// PromptDay is a day of UTC.
type PromptDay struct {
	Day         string `json:"day"`
	Calls       int64  `json:"calls"`
	Errors      int64  `json:"errors"`
	CostNanoUSD string `json:"cost_nano_usd"`
}

// PromptMetrics is the answer.
type PromptMetrics struct {
	From  time.Time          `json:"from"`
	To    time.Time          `json:"to"`
	By    string             `json:"by"`
	Rows  []PromptMetricsRow `json:"rows"`
	Total PromptFigures      `json:"total"`
}

type rangeQuery struct {
	From time.Time `query:"from" doc:"Calls that started at or after (RFC 3339); default: 30 days before to"`
	To   time.Time `query:"to" doc:"Calls that started before; default: now"`
}

func (q rangeQuery) within(now time.Time) (from, to time.Time) {
	if to = q.To; to.IsZero() {
		to = now
	}
	if from = q.From; from.IsZero() {
		from = to.AddDate(0, 0, -daysDefault)
	}
	return from, to
}

type metricsRequest struct {
	ID string `path:"id" maxLength:"64"`
	By string `query:"by" enum:"version,label" default:"version"`
	rangeQuery
}

// Metrics is what a prompt's versions or labels came to.
func Metrics(s *promptstat.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Read a prompt's metrics", Description: "By version or by label, of full hours of UTC. A call counts a few seconds after it ended.",
		Errors: []*fault.Error{prompt.ErrNotFound, promptstat.ErrRange, promptstat.ErrBy},
	}, func(ctx context.Context, in tenant.Scope, req metricsRequest) (PromptMetrics, error) {
		q := promptstat.Query{Prompt: id.Prompt(req.ID), By: promptstat.By(req.By)}
		q.From, q.To = req.within(now())
		m, err := s.Metrics(ctx, in, q)
		if err != nil {
			return PromptMetrics{}, err
		}
		out := PromptMetrics{From: m.From, To: m.To, By: req.By, Rows: []PromptMetricsRow{}, Total: toFigures(&m.All)}
		for i := range m.Rows {
			r := &m.Rows[i]
			row := PromptMetricsRow{Version: r.Version, Label: r.Label, Versions: r.Versions, PromptFigures: toFigures(&r.Figures), Days: []PromptDay{}}
			for _, d := range r.Days {
				row.Days = append(row.Days, PromptDay{d.At.Format(time.DateOnly), d.Calls, d.Errors, strconv.FormatInt(int64(d.Cost), 10)})
			}
			out.Rows = append(out.Rows, row)
		}
		return out, nil
	})
}

func toFigures(f *promptstat.Figures) PromptFigures {
	out := PromptFigures{
		Calls: f.Calls, Errors: f.Errors, ErrorRate: f.ErrorRate(), CostNanoUSD: strconv.FormatInt(int64(f.Cost), 10), CostUSD: f.Cost.USD(),
		CostPerCall: strconv.FormatInt(int64(f.CostPerCall()), 10), UnpricedCalls: f.Unpriced, InputTokens: f.Input, OutputTokens: f.Output,
		CacheShare: f.CacheShare(), LatencyP50: f.Latency(0.5).Microseconds(), LatencyP95: f.Latency(0.95).Microseconds(),
		TTFTP50: f.TTFT(0.5).Microseconds(), TTFTP95: f.TTFT(0.95).Microseconds(), Scores: []PromptScore{},
	}
	for name, s := range f.Scores {
		out.Scores = append(out.Scores, PromptScore{name, s.N, s.Mean()})
	}
	slices.SortFunc(out.Scores, func(a, b PromptScore) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	if !f.FirstAt.IsZero() {
		out.FirstAt, out.LastAt = &f.FirstAt, &f.LastAt
	}
	return out
}
