package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/limit"
	"tollgate/internal/money"
	"tollgate/internal/snapshot"
)

// Spent is what a key's calls cost, by the organization's days.
type Spent struct {
	Total, Day, Week, Month money.NanoUSD
	UpTo                    time.Time // every call that ended before is in it
}

// Left is how one window of a budget stands.
type Left struct {
	Budget   *budget.Budget
	Subject  string // of a budget for each value; "": of all together
	Window   budget.Window
	Limit    money.NanoUSD // raises included
	Spent    money.NanoUSD
	Reserved money.NanoUSD // by calls under way and proxies
}

// Purse tells what a key spent and has left. It may ask the database: a key asks about itself now and then, not on every call.
type Purse interface {
	Spent(ctx context.Context, k *snapshot.Key) (Spent, error)
	// Left gives a Left for each limit of the budgets.
	Left(ctx context.Context, k *snapshot.Key, of []*budget.Budget) ([]Left, error)
}

// purseTime is how long figures may take. What takes longer is left out.
const purseTime = 2 * time.Second

// Introspect answers what a key is: GET /v1/key, in the shape that OpenRouter's users know, with more. What the key may do is told from
// the configuration that calls are held against; figures come from purse, and are null while they cannot be had.
func Introspect(purse Purse, now func() time.Time) KeyHandler {
	return func(w http.ResponseWriter, r *http.Request, k *snapshot.Key) error {
		ctx, cancel := context.WithTimeout(r.Context(), purseTime)
		defer cancel()
		out := selfOf(k, now())
		budgets := budgetsOf(k)
		out.Budgets = make([]budgetSelf, 0, len(budgets))
		if spent, err := purse.Spent(ctx, k); err == nil {
			out.spent(spent)
		}
		left, err := purse.Left(ctx, k, budgets)
		if err != nil {
			left = nil
			for _, b := range budgets { // what the limits are is known all the same
				for _, l := range b.Limits {
					out.Budgets = append(out.Budgets, budgetSelf{ID: string(b.ID), Name: b.Name, Mode: string(b.Mode), Period: string(l.Period), Limit: dollars(l.Amount)})
				}
			}
		}
		for _, l := range left {
			out.left(k, l)
		}
		body, err := json.Marshal(map[string]*self{"data": out})
		if err != nil {
			return err
		}
		w.Header()["Content-Type"] = jsonType
		w.Header()["Cache-Control"] = []string{"no-store"}
		_, _ = w.Write(append(body, '\n'))
		return nil
	}
}

// self is a key as it sees itself. The fields down to rate_limit are OpenRouter's; money is a decimal number of dollars.
type self struct {
	Label          string       `json:"label"`
	Usage          *json.Number `json:"usage"`
	UsageDaily     *json.Number `json:"usage_daily"`
	UsageWeekly    *json.Number `json:"usage_weekly"`
	UsageMonthly   *json.Number `json:"usage_monthly"`
	Limit          *json.Number `json:"limit"`           // of the tightest blocking budget of the key alone
	LimitRemaining *json.Number `json:"limit_remaining"` // of it
	LimitReset     *string      `json:"limit_reset"`     // hourly, daily, weekly, monthly; null: never
	FreeTier       bool         `json:"is_free_tier"`
	Management     bool         `json:"is_management_key"`
	Provisioning   bool         `json:"is_provisioning_key"`
	ExpiresAt      *time.Time   `json:"expires_at"`
	RateLimit      rateSelf     `json:"rate_limit"`

	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Kind         string            `json:"kind"`
	Organization string            `json:"organization"`
	TeamID       string            `json:"team_id"`
	Team         string            `json:"team"`
	Environment  string            `json:"environment"`
	Aliases      []string          `json:"aliases"`   // with models empty too: everything
	Models       []string          `json:"models"`    //
	Endpoints    []string          `json:"endpoints"` // empty: every endpoint
	Workflow     string            `json:"workflow,omitempty"`
	Tags         map[string]string `json:"tags"`
	Privacy      string            `json:"privacy"`
	SecretID     string            `json:"secret_id,omitempty"`   // that was sent
	SecretUntil  *time.Time        `json:"secret_not_after"`      // null: as long as the key
	Limits       []limitSelf       `json:"limits"`                // that its calls fall under
	Budgets      []budgetSelf      `json:"budgets"`               // that its calls fall under, or may
	UsageUpTo    *time.Time        `json:"usage_up_to,omitempty"` // absent: the figures cannot be had now
	tightest     *money.NanoUSD
}

type rateSelf struct {
	Requests int64  `json:"requests"` // -1: no limit
	Interval string `json:"interval"`
	Note     string `json:"note"`
}

type limitSelf struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Metric string `json:"metric"`
	Amount int64  `json:"amount"`
	Per    int64  `json:"per_seconds,omitempty"`
	Each   string `json:"each,omitempty"`
	Watch  bool   `json:"watch,omitempty"`
}

type budgetSelf struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Mode      string       `json:"mode"`
	Period    string       `json:"period"`
	Subject   string       `json:"subject,omitempty"`
	Limit     *json.Number `json:"limit"`
	Spent     *json.Number `json:"spent"`
	Reserved  *json.Number `json:"reserved"`
	Remaining *json.Number `json:"remaining"`
	ResetsAt  *time.Time   `json:"resets_at"` // null: never
}

func selfOf(k *snapshot.Key, now time.Time) *self {
	s := &self{
		Label: cmp.Or(k.Prefix, k.Name) + "..." + k.Last4, ID: string(k.ID), Name: k.Name, Kind: string(k.Kind), Organization: k.Org.Name, TeamID: string(k.Team), Team: k.Org.Teams[k.Team],
		Environment: k.Environment, Aliases: texts(k.Aliases), Models: texts(k.Models), Endpoints: texts(k.Endpoints), Workflow: k.Workflow, Tags: k.Tags,
		Privacy: string(k.Privacy), Limits: []limitSelf{}, RateLimit: rateSelf{-1, "60s", "Deprecated: see limits."},
	}
	if s.Tags == nil {
		s.Tags = map[string]string{}
	}
	if !k.ExpiresAt.IsZero() {
		s.ExpiresAt = &k.ExpiresAt
	}
	if k.Secret != nil {
		s.SecretID = string(k.Secret.ID)
		s.Label = k.Secret.Prefix + "..." + k.Secret.Last4
		if !k.Secret.NotAfter.IsZero() && k.Secret.NotAfter.After(now) {
			s.SecretUntil = &k.Secret.NotAfter
		}
	}
	for _, l := range k.Org.Limits {
		if l.Off || !l.ArchivedAt.IsZero() || !fits(l.Selector, k) {
			continue
		}
		s.Limits = append(s.Limits, limitSelf{string(l.ID), l.Name, string(l.Metric), l.Amount, int64(l.Per / time.Second), string(l.Each), l.Watch})
		if l.Metric == limit.Requests && !l.Watch && (s.RateLimit.Requests < 0 || l.Amount < s.RateLimit.Requests) {
			s.RateLimit.Requests, s.RateLimit.Interval = l.Amount, l.Per.String()
		}
	}
	return s
}

// budgetsOf are the budgets that the key's calls fall under, or may: of nothing that is known of every call of the key does one want
// another value.
func budgetsOf(k *snapshot.Key) []*budget.Budget {
	var out []*budget.Budget
	for i := range k.Org.Budgets {
		b := &k.Org.Budgets[i]
		if !b.Off && b.ArchivedAt.IsZero() && fits(b.Selector, k) {
			out = append(out, b)
		}
	}
	return out
}

func fits(s dimension.Selector, k *snapshot.Key) bool {
	for n, v := range map[dimension.Name]string{dimension.Key: string(k.ID), dimension.Team: string(k.Team), dimension.Environment: k.Environment} {
		if want, ok := s.Of(n); ok && want != v {
			return false
		}
	}
	return true
}

func (s *self) spent(v Spent) {
	s.Usage, s.UsageDaily, s.UsageWeekly, s.UsageMonthly = dollars(v.Total), dollars(v.Day), dollars(v.Week), dollars(v.Month)
	if !v.UpTo.IsZero() {
		s.UsageUpTo = &v.UpTo
	}
}

// left adds how a budget stands.
func (s *self) left(k *snapshot.Key, l Left) {
	rest := max(l.Limit-l.Spent-l.Reserved, 0)
	b := budgetSelf{
		ID: string(l.Budget.ID), Name: l.Budget.Name, Mode: string(l.Budget.Mode), Period: string(l.Window.Period), Subject: l.Subject,
		Limit: dollars(l.Limit), Spent: dollars(l.Spent), Reserved: dollars(l.Reserved), Remaining: dollars(rest),
	}
	if !l.Window.To.IsZero() {
		b.ResetsAt = &l.Window.To
	}
	s.Budgets = append(s.Budgets, b)
	if of, ok := l.Budget.Selector.Of(dimension.Key); l.Budget.Mode == budget.Block && (ok && of == string(k.ID) || l.Subject == string(k.ID)) &&
		(s.tightest == nil || rest < *s.tightest) {
		s.tightest, s.Limit, s.LimitRemaining, s.LimitReset = &rest, b.Limit, b.Remaining, nil
		if word, ok := resets[l.Window.Period]; ok {
			s.LimitReset = &word
		}
	}
}

// resets are OpenRouter's words for periods, and one of ours.
var resets = map[budget.Period]string{
	budget.Hour: "hourly", budget.Day: "daily", budget.Week: "weekly", budget.Month: "monthly", budget.FiscalMonth: "monthly",
}

// dollars is money as a JSON number, exact.
func dollars(n money.NanoUSD) *json.Number {
	v := json.Number(n.USD())
	return &v
}

// texts is never null.
func texts[T ~string](in []T) []string {
	out := make([]string, 0, len(in))
	for _, v := range in {
		out = append(out, string(v))
	}
	return slices.Clip(out)
}
