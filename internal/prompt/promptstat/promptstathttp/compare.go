package promptstathttp

import (
	"context"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// PromptSide is one of two versions.
type PromptSide struct {
	Version int   `json:"version"`
	Calls   int64 `json:"calls" doc:"Looked at"`
	Units   int64 `json:"units" doc:"Conversations or people where the calls say so, otherwise calls: what counts as evidence"`
	Sampled bool  `json:"sampled" doc:"There are more calls; these are the newest"`
}

// PromptDifference is one metric of two versions.
type PromptDifference struct {
	Metric   string   `json:"metric" doc:"cost_per_call, latency, ttft, error_rate, input_tokens, output_tokens, cache_share, or score: and a name"`
	Unit     string   `json:"unit" enum:"usd,ms,share,tokens,score"`
	A        float64  `json:"a"`
	B        float64  `json:"b"`
	UnitsA   int64    `json:"units_a" doc:"That have the metric"`
	UnitsB   int64    `json:"units_b"`
	Relative bool     `json:"relative" doc:"The difference is a share of a: -0.4 is 40 % less; otherwise it is in unit"`
	Mean     *float64 `json:"difference,omitempty" doc:"Of b from a; left out where there is too little to say"`
	Low      *float64 `json:"low,omitempty" doc:"Bounds that hold with 95 %"`
	High     *float64 `json:"high,omitempty"`
	Verdict  string   `json:"verdict" enum:"higher,lower,no_difference,too_few"`
	Sentence string   `json:"sentence"`
}

// PromptComparison is how two versions differ.
type PromptComparison struct {
	A            PromptSide         `json:"a"`
	B            PromptSide         `json:"b"`
	Differences  []PromptDifference `json:"differences"`
	Randomised   bool               `json:"randomised" doc:"An experiment dealt all of these calls"`
	ExperimentID string             `json:"experiment_id,omitempty"`
	Sentence     string             `json:"sentence" doc:"How far it can be trusted"`
}

type compareRequest struct {
	ID string `path:"id" maxLength:"64"`
	A  int    `query:"a" default:"1" minimum:"1" doc:"Number of a version"`
	B  int    `query:"b" default:"2" minimum:"1" doc:"Number of the version that is compared with it"`
	rangeQuery
}

// Compare is how two versions differ.
func Compare(s *promptstat.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Compare two versions of a prompt",
		Description: "By the newest 5,000 calls of each in the range. An interval holds with 95 %, with the calls of a conversation or a person counted together. " +
			"It is an observation: only an experiment deals calls at random.",
		Errors: []*fault.Error{prompt.ErrNotFound, promptstat.ErrRange, promptstat.ErrPair},
	}, func(ctx context.Context, in tenant.Scope, req compareRequest) (PromptComparison, error) {
		q := promptstat.Pair{Prompt: id.Prompt(req.ID), A: req.A, B: req.B}
		q.From, q.To = req.within(now())
		c, err := s.Compare(ctx, in, q)
		if err != nil {
			return PromptComparison{}, err
		}
		out := PromptComparison{
			A: PromptSide(c.A), B: PromptSide(c.B), Differences: []PromptDifference{}, Randomised: c.Experiment != "", ExperimentID: string(c.Experiment), Sentence: c.Words,
		}
		for _, l := range c.Lines {
			d := PromptDifference{
				Metric: l.Metric, Unit: l.Unit, A: l.A, B: l.B, UnitsA: l.UnitsA, UnitsB: l.UnitsB, Relative: l.Relative, Verdict: l.Verdict, Sentence: l.Words,
			}
			if l.Known {
				d.Mean, d.Low, d.High = &l.Mean, &l.Low, &l.High
			}
			out.Differences = append(out.Differences, d)
		}
		return out, nil
	})
}
