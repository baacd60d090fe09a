package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/fault"
	"tollgate/internal/httperr"
)

// The response headers that tell what budgets did to a call.
const (
	budgetHeader  = "X-Tollgate-Budget-Warning"
	clampedHeader = "X-Tollgate-Clamped" // the output cap that a budget put in
	movedHeader   = "X-Tollgate-Moved"   // the alias that a budget moved the call to
)

// overBudget is a refusal by a budget.
type overBudget struct {
	refusal *lease.Refusal // nil: what the call could cost has no bound
	err     *fault.Error
	after   time.Duration // until waiting may help; 0: it does not
}

// Error implements error.
func (o *overBudget) Error() string { return o.err.Error() }

// Unwrap is the declared failure, with a sentence of its own.
func (o *overBudget) Unwrap() error { return o.err }

// exhausted says which budget has no room, how much is left, what the call could cost, when the budget starts anew and what to do.
func (c *Call) exhausted(r *lease.Refusal, dashboard string) *fault.Error {
	b := r.Budget
	page := dashboard + "/budgets/" + string(b.ID)
	what := fmt.Sprintf("The budget %q", b.Name)
	if b.Each != "" {
		what += " for each " + lineName(b.Each)
	}
	switch r.Verdict {
	case lease.Unreachable:
		return budget.ErrUnreachable.Say("What is left of %s cannot be found out now, so the call was not made. Try again soon. Its page: %s.",
			strings.Replace(what, "The", "the", 1), page)
	case lease.Crowded:
		return budget.ErrExceeded.Say("%s has no room for this call, and too many calls are waiting for some. Try again in a moment. Its page: %s.", what, page)
	case lease.Exceeded:
	}
	text := fmt.Sprintf("%s has no room for this call. It allows $%s%s; $%s is left", what, r.Limit.USD(), periodWords(r.Window.Period), max(r.Left, 0).USD())
	if r.Held > 0 {
		text += fmt.Sprintf(" and $%s is held by calls under way", r.Held.USD())
	}
	text += fmt.Sprintf("; this call could cost up to $%s.", r.Needed.USD())
	if to := r.Window.To; !to.IsZero() {
		if z := c.Caller.key.Org.Calendar.Zone; z != nil {
			to = to.In(z)
		}
		text += " It starts anew on " + to.Format("2006-01-02 at 15:04 MST") + "."
	}
	return budget.ErrExceeded.Say("%s Lower the cap on the output (max_tokens), name a cheaper model, or ask an admin to raise it: %s.", text, page)
}

// periodWords is how often a limit starts anew.
func periodWords(p budget.Period) string {
	switch p {
	case budget.Hour, budget.Day, budget.Week, budget.Month:
		return " a " + string(p)
	case budget.FiscalMonth:
		return " a fiscal month"
	case budget.Total:
	}
	return " in all"
}

// unbounded says that a budget covers a call whose cost has no bound.
func unbounded(b *budget.Budget, err error) *fault.Error {
	_, f := httperr.Of(err)
	if !errors.Is(err, budget.ErrUnbounded) && !errors.Is(err, budget.ErrUnpriced) {
		return f
	}
	return f.Say("%s The budget %q (%s) covers this call and must hold.", strings.TrimSpace(f.Message), b.Name, b.ID)
}

// soon is when calls under way may have given something back.
const soon = 2 * time.Second

// waitFor is when waiting may help: calls under way give back what they do not use, and a window ends.
func waitFor(r *lease.Refusal, now time.Time) time.Duration {
	switch {
	case r.Verdict != lease.Exceeded:
		return time.Second
	case r.Needed <= r.Left+r.Held:
		return soon
	case !r.Window.To.IsZero():
		return max(r.Window.To.Sub(now), time.Second)
	}
	return 0
}

// warning is what a client is told of a budget that only warns.
func warning(w lease.Would) string {
	return ascii(clean(fmt.Sprintf("the budget %q has no room for this call (%s): $%s is lacking%s", w.Budget.Name, w.Budget.ID, w.Short.USD(), periodOf(w.Period)), 300))
}

func periodOf(p budget.Period) string {
	if p == budget.Total {
		return ""
	}
	return " in this " + strings.ReplaceAll(string(p), "_", " ")
}

// budgeted sets the headers that tell what budgets did.
func (c *Call) budgeted(h map[string][]string) {
	b := &c.budgets
	if len(b.warned) > 0 {
		h[budgetHeader] = b.warned
	}
	if b.clamped > 0 {
		h[clampedHeader] = []string{strconv.FormatInt(b.clamped, 10)}
	}
	if b.moved != "" {
		h[movedHeader] = []string{ascii(clip(b.moved))}
	}
}

// broke makes a budget's refusal the answer that the key's clients understand.
func (c *Call) broke(o *overBudget) {
	a := &c.Answer
	a.after = o.after
	if a.problem.Kind == fault.PaymentRequired && c.Caller.key.BudgetStatus == http.StatusTooManyRequests {
		a.status, a.problem.Status = http.StatusTooManyRequests, http.StatusTooManyRequests
		a.settled = true
	}
}
