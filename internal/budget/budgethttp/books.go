package budgethttp

import (
	"context"
	"strconv"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// errEvidence is for evidence that names no call, or two.
var errEvidence = fault.New(fault.Invalid, "budget.bad_evidence", "Evidence names either a call_id or an upstream_id, and what it cost: 0 or more.")

// BooksCheck is the last verification of the books.
type BooksCheck struct {
	At          *time.Time `json:"at,omitempty" doc:"Absent: there was none yet"`
	Balance     bool       `json:"balance"`
	Differences int        `json:"differences"`
	Says        string     `json:"says,omitempty" doc:"The first difference, in words"`
}

// Checked reads the last verification.
func Checked(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read when the books of budgets were last verified", Description: "They are every few minutes."},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (BooksCheck, error) {
			c, err := s.Checked(ctx, in)
			return BooksCheck{moment(c.At), !c.At.IsZero() && c.Differences == 0, c.Differences, c.Says}, err
		})
}

// BooksDifference is an equation of the books that does not hold.
type BooksDifference struct {
	Rule     string `json:"rule"`
	BudgetID string `json:"budget_id,omitempty"`
	Pot      string `json:"pot"`
	Should   string `json:"should_nano_usd"`
	Is       string `json:"is_nano_usd"`
	Says     string `json:"says"`
}

// BooksAudit is what going over the books found.
type BooksAudit struct {
	At          time.Time         `json:"at"`
	Balance     bool              `json:"balance"`
	Pots        int               `json:"pots" doc:"Gone over: one for each budget, window and value"`
	Calls       int               `json:"calls" doc:"Whose charges were compared with what was settled"`
	Astray      string            `json:"astray_nano_usd" doc:"Settled on windows that were never lent from"`
	Differences []BooksDifference `json:"differences" doc:"The first of them"`
	Count       int               `json:"difference_count"`
}

// Verify goes over the books now.
func Verify(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Verify the books of budgets", Description: "Computes every amount again from the ledger's entries, and compares what was settled with the calls in the log.",
	},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (BooksAudit, error) {
			a, err := s.Verify(ctx, in)
			if err != nil {
				return BooksAudit{}, err
			}
			return BooksAudit{
				a.At, a.Count == 0, a.Pots, a.Calls, nano(a.Astray), each(a.Differences, func(d budget.Difference) BooksDifference {
					return BooksDifference{string(d.Rule), string(d.Budget), d.Pot.String(), nano(d.Should), nano(d.Is), d.Text()}
				}), a.Count,
			}, nil
		})
}

// CostEvidence is what a provider says that a call cost.
type CostEvidence struct {
	CallID      string `json:"call_id,omitempty" maxLength:"64" doc:"All attempts of the call together"`
	UpstreamID  string `json:"upstream_id,omitempty" maxLength:"256" doc:"Or: the provider's id of one answer"`
	CostUSD     string `json:"cost_usd,omitempty" maxLength:"32"`
	CostNanoUSD string `json:"cost_nano_usd,omitempty" maxLength:"20"`
}

type reconcileRequest struct {
	Body struct {
		Evidence []CostEvidence `json:"evidence" minItems:"1" maxItems:"10000"`
		From     *time.Time     `json:"from,omitempty" doc:"Upstream ids are looked for among the calls that began from here; left out: 30 days before to"`
		To       *time.Time     `json:"to,omitempty" doc:"… until here; left out: now"`
	}
}

// EvidenceProblem is evidence that could not be used.
type EvidenceProblem struct {
	Line int    `json:"line" doc:"Of the evidence, from 1"`
	Text string `json:"text"`
}

// BudgetsReconciled is what evidence changed.
type BudgetsReconciled struct {
	Calls    int               `json:"calls" doc:"That were found"`
	Adjusted int               `json:"adjusted" doc:"Entries made: one for each call and window whose charge was not what it cost"`
	Net      string            `json:"net_nano_usd" doc:"Of those; negative where less was spent than charged"`
	Problems []EvidenceProblem `json:"problems"`
}

// Reconcile corrects charges by what providers say.
func Reconcile(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Reconcile budgets with a provider's figures",
		Description: "A call whose use is not known stays charged with the most that it can have cost, until evidence says what it did cost. The same evidence again changes nothing.",
		Errors:      []*fault.Error{errEvidence, errMoney, budget.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req reconcileRequest) (BudgetsReconciled, error) {
			evidence, err := fromEvidence(req.Body.Evidence)
			if err != nil {
				return BudgetsReconciled{}, err
			}
			r, err := s.Reconcile(ctx, in, evidence, at(req.Body.From), at(req.Body.To))
			return BudgetsReconciled{r.Calls, r.Adjusted, nano(r.Net), each(r.Problems, func(p budget.Problem) EvidenceProblem { return EvidenceProblem(p) })}, err
		})
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func fromEvidence(list []CostEvidence) ([]budget.Evidence, error) {
	out := make([]budget.Evidence, len(list))
	for i, e := range list {
		field := "evidence." + strconv.Itoa(i)
		cost, err := amount(e.CostUSD, e.CostNanoUSD, field+".cost")
		if err != nil {
			return nil, err
		}
		if (e.CallID == "") == (e.UpstreamID == "") || cost < 0 {
			return nil, errEvidence.At(field)
		}
		out[i] = budget.Evidence{Line: i + 1, Upstream: e.UpstreamID, Cost: cost}
		if e.CallID != "" {
			if out[i].Call, err = id.ParseCall(e.CallID); err != nil {
				return nil, errEvidence.Because(err).At(field + ".call_id")
			}
		}
	}
	return out, nil
}
