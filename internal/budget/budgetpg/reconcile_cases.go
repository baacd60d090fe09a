package budgetpg

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// evidenceCase is a call, and what its provider says that it cost.
type evidenceCase struct {
	line     int // of the file, the first that speaks of the call
	call     id.Call
	total    *money.NanoUSD // of all attempts together; nil: only of some, each by itself
	attempts []evidenceAttempt
	charges  []calllog.Charge
}

// evidenceAttempt is one attempt as calllogpg writes it.
type evidenceAttempt struct {
	Number   int           `json:"n"`
	Provider string        `json:"provider"`
	Model    string        `json:"model"`
	Status   int           `json:"status"`
	Upstream string        `json:"up_id"`
	Source   uint8         `json:"src"` // a chat.Source
	Cost     money.NanoUSD `json:"cost"`
	Price    string        `json:"price"`

	told *money.NanoUSD // by evidence
}

// known is what an attempt cost, where that needs no evidence or has it.
func (a *evidenceAttempt) known() (money.NanoUSD, bool) {
	switch {
	case a.told != nil:
		return *a.told, true
	case a.Source == uint8(chat.Reported) && a.Price != "unpriced":
		return a.Cost, true
	case a.Status >= 400 && a.Source == uint8(chat.Unknown):
		return 0, true // the provider refused it, and used nothing
	}
	return 0, false
}

// cost is what the attempts that weigh on a pot cost; or why that is not known.
func (c *evidenceCase) cost(pot selected) (cost money.NanoUSD, trouble string) {
	if c.total == nil {
		return c.sum(func(a *evidenceAttempt) bool { return pot.selects(a) })
	}
	others, trouble := c.sum(func(a *evidenceAttempt) bool { return !pot.selects(a) })
	if trouble == "" && others > *c.total {
		trouble = fmt.Sprintf("%s cost less by the file than some of its attempts by their own usage.", c.call)
	}
	return *c.total - others, trouble
}

// sum is what some of the attempts cost.
func (c *evidenceCase) sum(which func(*evidenceAttempt) bool) (cost money.NanoUSD, trouble string) {
	for i := range c.attempts {
		a := &c.attempts[i]
		if !which(a) {
			continue
		}
		amount, ok := a.known()
		if !ok {
			return 0, fmt.Sprintf("Nothing is known of attempt %d of %s: name it by its upstream_id.", a.Number, c.call)
		}
		cost += amount
	}
	return cost, ""
}

// gather finds the calls that evidence speaks of.
func gather(ctx context.Context, evidence []budget.Evidence, from, to time.Time, door func(func(pgx.Tx) error) error, org id.Org, r *budget.Reconciled) ([]*evidenceCase, error) {
	g := gathering{byCall: map[id.Call]*evidenceCase{}, byUpstream: map[string]*budget.Evidence{}}
	for i := range evidence {
		if e := &evidence[i]; e.Upstream != "" {
			g.byUpstream[e.Upstream] = e
		} else {
			g.calls = append(g.calls, e)
		}
	}
	err := door(func(tx pgx.Tx) error {
		for part := range slices.Chunk(g.calls, reconcileMax) {
			if err := g.readCalls(ctx, tx, org, part); err != nil {
				return err
			}
		}
		if len(g.byUpstream) == 0 {
			return nil
		}
		return g.readUpstream(ctx, tx, org, from, to)
	})
	if err != nil {
		return nil, err
	}
	return g.cases(r), nil
}

type gathering struct {
	calls      []*budget.Evidence
	byUpstream map[string]*budget.Evidence
	byCall     map[id.Call]*evidenceCase
	seen       map[string]int // how many attempts have an upstream id
}

const caseColumns = `SELECT c.call_id, c.attempts, c.charges FROM calls c `

func (g *gathering) readCalls(ctx context.Context, tx pgx.Tx, org id.Org, part []*budget.Evidence) error {
	calls, began := make([][16]byte, len(part)), make([]time.Time, len(part))
	for i, e := range part {
		calls[i], began[i] = e.Call, e.Call.Time()
	}
	return g.read(ctx, tx, caseColumns+`JOIN unnest($2::uuid[], $3::timestamptz[]) AS e (call_id, started_at) USING (call_id, started_at)
		WHERE c.org_id = $1`, string(org), calls, began)
}

func (g *gathering) readUpstream(ctx context.Context, tx pgx.Tx, org id.Org, from, to time.Time) error {
	names := make([]string, 0, len(g.byUpstream))
	for name := range g.byUpstream {
		names = append(names, name)
	}
	return g.read(ctx, tx, caseColumns+`WHERE c.org_id = $1 AND c.started_at >= $3 AND c.started_at < $4 AND c.charges IS NOT NULL
		AND EXISTS (SELECT FROM jsonb_array_elements(c.attempts) AS a WHERE a ->> 'up_id' = ANY ($2))`, string(org), names, from, to)
}

func (g *gathering) read(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var call [16]byte
	var attempts, charges []byte
	_, err = pgx.ForEachRow(rows, []any{&call, &attempts, &charges}, func() error {
		c := &evidenceCase{call: call}
		g.byCall[call] = c
		if err := json.Unmarshal(attempts, &c.attempts); err != nil {
			return err
		}
		if charges == nil {
			return nil
		}
		return json.Unmarshal(charges, &c.charges)
	})
	return err
}

// cases joins evidence with the calls that were found, in the order of the file, and lists what belongs to none.
func (g *gathering) cases(r *budget.Reconciled) []*evidenceCase {
	for _, e := range g.calls {
		if c := g.byCall[e.Call]; c != nil {
			c.total, c.line = &e.Cost, e.Line
			continue
		}
		problem(r, e.Line, fmt.Sprintf("%s is not in the call log.", e.Call))
	}
	g.seen = map[string]int{}
	for _, c := range g.byCall {
		for i := range c.attempts {
			if a := &c.attempts[i]; g.byUpstream[a.Upstream] != nil {
				e := g.byUpstream[a.Upstream]
				g.seen[a.Upstream]++
				a.told = &e.Cost
				if c.line == 0 || e.Line < c.line {
					c.line = e.Line
				}
			}
		}
	}
	for name, e := range g.byUpstream {
		if n := g.seen[name]; n != 1 {
			problem(r, e.Line, fmt.Sprintf("%d attempts of the time have the upstream id %s; one is needed.", n, fault.Clip(name)))
		}
	}
	out := make([]*evidenceCase, 0, len(g.byCall))
	for _, c := range g.byCall {
		if !slices.ContainsFunc(c.attempts, func(a evidenceAttempt) bool { return a.told != nil && g.seen[a.Upstream] > 1 }) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *evidenceCase) int { return a.line - b.line })
	slices.SortStableFunc(r.Problems, func(a, b budget.Problem) int { return a.Line - b.Line })
	return out
}
