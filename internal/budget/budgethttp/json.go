// Package budgethttp is the JSON face of budgets. Money is decimal text in dollars, or nano-dollars as text; never a float.
package budgethttp

import (
	"strconv"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// errMoney is for an amount that cannot be read.
var errMoney = fault.New(fault.Invalid, "budget.bad_amount", `An amount is a decimal number of dollars as text, like "500" or "0.25", or of nano-dollars.`)

// BudgetLimit is the most that may be spent in one period.
type BudgetLimit struct {
	Period        string `json:"period" enum:"hour,day,week,month,fiscal_month,total" doc:"By the organization's clock; total never starts anew"`
	AmountUSD     string `json:"amount_usd,omitempty" maxLength:"32" doc:"Dollars: \"500\", \"0.25\". 0 blocks everything"`
	AmountNanoUSD string `json:"amount_nano_usd,omitempty" maxLength:"20" doc:"The same in nano-dollars; one of the two is enough"`
}

// BudgetDraft is what is decided of a new budget.
type BudgetDraft struct {
	Name           string            `json:"name" maxLength:"400"`
	Selector       map[string]string `json:"selector,omitempty" doc:"team, key, environment, workflow, end_user, alias, prompt (id), prompt_version (prompt_…@7), provider, model (provider/model) or tag:NAME, to a value. Left out: every call"`
	Each           string            `json:"each,omitempty" maxLength:"300" doc:"One of these dimensions: each of its values has the limits to itself"`
	Limits         []BudgetLimit     `json:"limits" maxItems:"6"`
	Mode           string            `json:"mode,omitempty" enum:"watch,warn,block" doc:"watch (the default) only counts, warn tells clients, block holds"`
	Action         string            `json:"action,omitempty" enum:"refuse,move,clamp" doc:"What block does with a call for which there is no room: answers 402 (the default), serves it by another alias, or lowers its output cap"`
	MoveTo         string            `json:"move_to,omitempty" maxLength:"256" doc:"Of move: an alias"`
	FloorTokens    int64             `json:"floor_tokens,omitempty" doc:"Of clamp: the least output cap; left out: 256"`
	WaitMS         *int64            `json:"wait_ms,omitempty" maximum:"60000" doc:"How long a call may wait for room that calls under way will give back; left out: 2000, negative: not at all"`
	Offline        string            `json:"offline,omitempty" enum:"deny,standby" doc:"While the database cannot be asked and what a proxy holds is used up: refuse (the default), or spend what is set aside"`
	StandbyUSD     string            `json:"standby_usd,omitempty" maxLength:"32" doc:"Set aside inside the limit; at most half of the smallest one"`
	StandbyNanoUSD string            `json:"standby_nano_usd,omitempty" maxLength:"20"`
	AlertAt        []int             `json:"alert_at,omitempty" maxItems:"10" doc:"Per cent of a limit, ascending; left out: 50, 75, 90, 100; empty: nobody is told"`
	Off            bool              `json:"off,omitempty" doc:"Kept, and neither enforced nor counted"`
}

// BudgetChange is what is to be different. What is left out stays.
type BudgetChange struct {
	Name           *string            `json:"name,omitempty" maxLength:"400"`
	Selector       *map[string]string `json:"selector,omitempty"`
	Each           *string            `json:"each,omitempty" maxLength:"300"`
	Limits         *[]BudgetLimit     `json:"limits,omitempty" maxItems:"6" doc:"All of them"`
	Mode           *string            `json:"mode,omitempty" enum:"watch,warn,block"`
	Action         *string            `json:"action,omitempty" enum:"refuse,move,clamp"`
	MoveTo         *string            `json:"move_to,omitempty" maxLength:"256"`
	FloorTokens    *int64             `json:"floor_tokens,omitempty"`
	WaitMS         *int64             `json:"wait_ms,omitempty" maximum:"60000" doc:"0: the default"`
	Offline        *string            `json:"offline,omitempty" enum:"deny,standby"`
	StandbyUSD     *string            `json:"standby_usd,omitempty" maxLength:"32"`
	StandbyNanoUSD *string            `json:"standby_nano_usd,omitempty" maxLength:"20"`
	AlertAt        *[]int             `json:"alert_at,omitempty" maxItems:"10"`
	Off            *bool              `json:"off,omitempty"`
}

// Budget is a budget as the API shows it: a Draft, and its life.
type Budget struct {
	ID             string            `json:"id"`
	Name           string            `json:"name"`
	Selector       map[string]string `json:"selector" doc:"Empty: every call"`
	Each           string            `json:"each" doc:"Empty: all calls together"`
	Limits         []BudgetLimit     `json:"limits" doc:"Shortest period first"`
	Mode           string            `json:"mode"`
	Action         string            `json:"action"`
	MoveTo         string            `json:"move_to,omitempty"`
	FloorTokens    int64             `json:"floor_tokens,omitempty"`
	WaitMS         int64             `json:"wait_ms" doc:"Negative: not at all"`
	Offline        string            `json:"offline"`
	StandbyUSD     string            `json:"standby_usd,omitempty"`
	StandbyNanoUSD string            `json:"standby_nano_usd,omitempty"`
	AlertAt        []int             `json:"alert_at"`
	Off            bool              `json:"off"`
	Revision       int               `json:"revision"`
	CreatedAt      time.Time         `json:"created_at"`
	CreatedBy      string            `json:"created_by" doc:"Id of the user or token"`
	UpdatedAt      time.Time         `json:"updated_at"`
	ArchivedAt     *time.Time        `json:"archived_at,omitempty" doc:"Absent: it is in force"`
}

// Tag implements rest.Tagged.
func (b Budget) Tag() string { return strconv.Itoa(b.Revision) }

func toBudget(b budget.Budget) Budget {
	out := Budget{
		ID: string(b.ID), Name: b.Name, Selector: b.Selector.Object(), Each: string(b.Each), Limits: make([]BudgetLimit, len(b.Limits)), Mode: string(b.Mode),
		Action: string(b.Action), MoveTo: b.MoveTo, FloorTokens: b.Floor, WaitMS: waitOf(b.Wait), Offline: string(b.Offline), AlertAt: b.AlertAt, Off: b.Off,
		Revision: b.Revision, CreatedAt: b.CreatedAt, CreatedBy: b.CreatedBy, UpdatedAt: b.UpdatedAt, ArchivedAt: moment(b.ArchivedAt),
	}
	for i, l := range b.Limits {
		out.Limits[i] = BudgetLimit{string(l.Period), l.Amount.USD(), nano(l.Amount)}
	}
	if b.Standby != 0 {
		out.StandbyUSD, out.StandbyNanoUSD = b.Standby.USD(), nano(b.Standby)
	}
	if out.AlertAt == nil {
		out.AlertAt = budget.DefaultAlerts
	}
	return out
}

// waitOf writes the default out.
func waitOf(d time.Duration) int64 {
	switch {
	case d < 0:
		return -1
	case d == 0:
		d = budget.DefaultWait
	}
	return d.Milliseconds()
}

func nano(n money.NanoUSD) string { return strconv.FormatInt(int64(n), 10) }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func fromDraft(d BudgetDraft) (budget.Budget, error) {
	b := budget.Budget{
		Name: d.Name, Selector: dimension.FromObject(d.Selector), Each: dimension.Name(d.Each), Mode: budget.Mode(d.Mode), Action: budget.Action(d.Action),
		MoveTo: d.MoveTo, Floor: d.FloorTokens, Offline: budget.Offline(d.Offline), AlertAt: d.AlertAt, Off: d.Off,
	}
	if d.WaitMS != nil {
		b.Wait = fromWait(*d.WaitMS)
	}
	var err error
	if b.Limits, err = fromLimits(d.Limits); err != nil {
		return b, err
	}
	if d.StandbyUSD != "" || d.StandbyNanoUSD != "" {
		b.Standby, err = amount(d.StandbyUSD, d.StandbyNanoUSD, "standby")
	}
	return b, err
}

// fromWait keeps milliseconds in range; a budget refuses what is too long.
func fromWait(ms int64) time.Duration {
	if ms < 0 {
		return -1
	}
	return time.Duration(min(ms, time.Hour.Milliseconds())) * time.Millisecond
}

func fromLimits(list []BudgetLimit) ([]budget.Limit, error) {
	out := make([]budget.Limit, len(list))
	for i, l := range list {
		a, err := amount(l.AmountUSD, l.AmountNanoUSD, "limits."+strconv.Itoa(i)+".amount")
		if err != nil {
			return nil, err
		}
		out[i] = budget.Limit{Period: budget.Period(l.Period), Amount: a}
	}
	return out, nil
}

// amount reads money that is said in one of two ways, or in both alike.
func amount(usd, nanos, field string) (money.NanoUSD, error) {
	if usd == "" && nanos == "" {
		return 0, errMoney.At(field + "_usd")
	}
	var a, b money.NanoUSD
	var err error
	if usd != "" {
		if a, err = money.ParseUSD(usd); err != nil {
			return 0, errMoney.At(field + "_usd")
		}
		b = a
	}
	if nanos != "" {
		n, err := strconv.ParseInt(nanos, 10, 64)
		if err != nil {
			return 0, errMoney.At(field + "_nano_usd")
		}
		b = money.NanoUSD(n)
		if usd == "" {
			a = b
		}
	}
	if a != b {
		return 0, errMoney.Say("The two amounts are not the same. Write one of them.").At(field + "_usd")
	}
	return a, nil
}

// on puts the change on a budget.
func (c BudgetChange) on(b budget.Budget) (budget.Budget, error) {
	set(&b.Name, c.Name, same)
	set(&b.Selector, c.Selector, dimension.FromObject)
	set(&b.Each, c.Each, func(s string) dimension.Name { return dimension.Name(s) })
	set(&b.Mode, c.Mode, func(s string) budget.Mode { return budget.Mode(s) })
	set(&b.Action, c.Action, func(s string) budget.Action { return budget.Action(s) })
	set(&b.MoveTo, c.MoveTo, same)
	set(&b.Floor, c.FloorTokens, same)
	set(&b.Wait, c.WaitMS, fromWait)
	set(&b.Offline, c.Offline, func(s string) budget.Offline { return budget.Offline(s) })
	set(&b.AlertAt, c.AlertAt, func(marks []int) []int { return append([]int{}, marks...) })
	set(&b.Off, c.Off, same)
	var err error
	if c.Limits != nil {
		if b.Limits, err = fromLimits(*c.Limits); err != nil {
			return b, err
		}
	}
	if c.StandbyUSD != nil || c.StandbyNanoUSD != nil {
		b.Standby, err = amount(or(c.StandbyUSD), or(c.StandbyNanoUSD), "standby")
	}
	return b, err
}

func same[T any](v T) T { return v }

func or(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// set writes what was sent.
func set[T, U any](into *T, from *U, to func(U) T) {
	if from != nil {
		*into = to(*from)
	}
}

// BudgetRaise lifts one limit for a time.
type BudgetRaise struct {
	ID            string     `json:"id"`
	Period        string     `json:"period"`
	AmountUSD     string     `json:"amount_usd" doc:"On top of the limit"`
	AmountNanoUSD string     `json:"amount_nano_usd"`
	From          time.Time  `json:"from"`
	To            time.Time  `json:"to"`
	Reason        string     `json:"reason"`
	CreatedAt     time.Time  `json:"created_at"`
	CreatedBy     string     `json:"created_by"`
	EndedAt       *time.Time `json:"ended_at,omitempty" doc:"Absent: it was not ended early"`
}

func toRaise(r budget.Raise) BudgetRaise {
	return BudgetRaise{
		ID: string(r.ID), Period: string(r.Period), AmountUSD: r.Amount.USD(), AmountNanoUSD: nano(r.Amount), From: r.From, To: r.To, Reason: r.Reason,
		CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, EndedAt: moment(r.EndedAt),
	}
}
