package mcp

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
)

type diffArguments struct {
	Prompt string `json:"prompt"`
	From   int    `json:"from"`
	To     int    `json:"to"`
}

type difference struct {
	From     int                 `json:"from"`
	To       int                 `json:"to"`
	Same     bool                `json:"same"`
	Parts    []differentPart     `json:"parts"`
	Settings []differentSettings `json:"settings"`
}

type differentPart struct {
	Name string `json:"name"` // text, or messages.2
	Kind string `json:"kind"` // added, removed, changed
	Text string `json:"text"` // lines behind a blank, a plus or a minus
}

type differentSettings struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

func (s *server) diffVersions(ctx context.Context, in tenant.Scope, a diffArguments) (any, error) {
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	d, err := s.Prompts.Diff(ctx, in, p.ID, a.From, a.To)
	if err != nil {
		return nil, err
	}
	out := difference{From: d.From, To: d.To, Same: d.Same, Parts: []differentPart{}, Settings: []differentSettings{}}
	for _, part := range d.Parts {
		out.Parts = append(out.Parts, differentPart{part.Name, part.Kind, lines(part.Lines)})
	}
	for _, setting := range d.Settings {
		out.Settings = append(out.Settings, differentSettings(setting))
	}
	return out, nil
}

// lines are a difference as people write it: each line behind its sign.
func lines(all []prompt.DiffLine) string {
	signs := map[string]string{prompt.DiffSame: " ", prompt.DiffAdded: "+", prompt.DiffRemoved: "-"}
	var b strings.Builder
	for _, l := range all {
		b.WriteString(signs[l.Kind])
		for _, w := range l.Words {
			b.WriteString(w.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

type movesArguments struct {
	Prompt string `json:"prompt"`
	Limit  int    `json:"limit"`
}

type move struct {
	Label string    `json:"label"`
	Was   int       `json:"was"`                      // 0: nowhere
	Is    int       `json:"is"`                       // 0: it was taken off
	Share int       `json:"share_of_10000,omitempty"` // of a gradual move: who gets Is; absent: all
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	Why   string    `json:"why,omitempty"`
}

func (s *server) listMoves(ctx context.Context, in tenant.Scope, a movesArguments) (any, error) {
	limit, err := limited(a.Limit, 20, 100)
	if err != nil {
		return nil, err
	}
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	found, err := s.Prompts.Moves(ctx, in, p.ID, limit)
	out := make([]move, len(found))
	for i, m := range found {
		out[i] = move{Label: m.Label, Was: m.Was, Is: m.Is, Share: m.Share, At: m.At, By: m.By, Why: m.Why}
	}
	return map[string]any{"moves": out}, err
}

type metricsArguments struct {
	Prompt string    `json:"prompt"`
	By     string    `json:"by"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
}

// measured are the figures of one version or label.
type measured struct {
	Version   int                `json:"version,omitempty"`
	Label     string             `json:"label,omitempty"`
	Calls     int64              `json:"calls"`
	Errors    int64              `json:"errors"`
	Cost      string             `json:"cost_usd"`
	CostCall  string             `json:"cost_per_call_usd"`
	Unpriced  int64              `json:"unpriced_calls,omitempty"`
	LatencyMS int64              `json:"latency_p50_ms"`
	SlowMS    int64              `json:"latency_p95_ms"`
	Input     int64              `json:"input_tokens"`
	Output    int64              `json:"output_tokens"`
	Scores    map[string]float64 `json:"scores,omitempty"` // mean by name
}

const day = 24 * time.Hour

func (s *server) promptMetrics(ctx context.Context, in tenant.Scope, a metricsArguments) (any, error) {
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	if a.To.IsZero() {
		a.To = s.Now().UTC()
	}
	if a.From.IsZero() {
		a.From = a.To.Add(-7 * day)
	}
	if a.By == "" {
		a.By = string(promptstat.ByVersion)
	}
	m, err := s.Metrics.Metrics(ctx, in, promptstat.Query{Prompt: p.ID, By: promptstat.By(a.By), From: a.From, To: a.To})
	if err != nil {
		return nil, err
	}
	rows := make([]measured, len(m.Rows))
	for i := range m.Rows {
		rows[i] = measure(&m.Rows[i])
	}
	return map[string]any{"prompt": p.Name, "by": a.By, "from": m.From, "to": m.To, "rows": rows}, nil
}

func measure(r *promptstat.Row) measured {
	out := measured{
		Version: r.Version, Label: r.Label, Calls: r.Calls, Errors: r.Errors, Cost: r.Cost.USD(), CostCall: r.CostPerCall().USD(), Unpriced: r.Unpriced,
		LatencyMS: r.Latency(0.5).Milliseconds(), SlowMS: r.Latency(0.95).Milliseconds(), Input: r.Input, Output: r.Output,
	}
	for name, score := range r.Scores {
		if out.Scores == nil {
			out.Scores = map[string]float64{}
		}
		out.Scores[name] = score.Mean()
	}
	return out
}
