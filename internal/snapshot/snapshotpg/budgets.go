package snapshotpg

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/snapshot"
)

type budgetDoc struct {
	ID, Name           string
	Selector           map[string]string
	Each, Mode, Action string
	MoveTo             string `json:"move_to"`
	Floor              int64
	Wait               int64 `json:"wait_us"`
	Offline            string
	Standby            int64 `json:"standby_nano"`
	AlertAt            []int `json:"alert_at"`
	Limits             []limitOf
}

type limitOf struct {
	Period string
	Amount int64
}

// budgets are those that count. Raises are not among them: the authority knows of them.
const budgets = `
		UNION ALL SELECT 'budget', org_id, (to_jsonb(b) || jsonb_build_object('limits', (
				SELECT coalesce(jsonb_agg(jsonb_build_object('period', l.period, 'amount', l.amount_nano)), '[]')
				FROM budget_limits l WHERE l.org_id = b.org_id AND l.budget_id = b.id)))::text
			FROM budgets b WHERE NOT off AND archived_at IS NULL AND org_id`

func addBudget(o *snapshot.OrgConfig, doc []byte) error {
	var d budgetDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	b := budget.Budget{
		ID: id.Budget(d.ID), Name: d.Name, Selector: dimension.FromObject(d.Selector), Each: dimension.Name(d.Each), Mode: budget.Mode(d.Mode),
		Action: budget.Action(d.Action), MoveTo: d.MoveTo, Floor: d.Floor, Wait: time.Duration(d.Wait) * time.Microsecond,
		Offline: budget.Offline(d.Offline), Standby: money.NanoUSD(d.Standby), AlertAt: d.AlertAt,
	}
	for _, l := range d.Limits {
		b.Limits = append(b.Limits, budget.Limit{Period: budget.Period(l.Period), Amount: money.NanoUSD(l.Amount)})
	}
	slices.SortFunc(b.Limits, func(x, y budget.Limit) int {
		return slices.Index(budget.Periods, x.Period) - slices.Index(budget.Periods, y.Period)
	})
	o.Budgets = append(o.Budgets, b)
	return nil
}

// addOrg takes what an organization says of itself.
func addOrg(o *snapshot.OrgConfig, doc []byte) error {
	var d struct {
		Name      string
		TimeZone  string `json:"time_zone"`
		FiscalDay int    `json:"fiscal_day"`
	}
	err := json.Unmarshal(doc, &d)
	o.Name, o.Zone, o.FiscalDay = d.Name, d.TimeZone, d.FiscalDay
	return err
}

// widestFirst puts budgets in the order of a tree: those with the fewest conditions first, then the oldest.
func widestFirst(list []budget.Budget) {
	slices.SortFunc(list, func(a, b budget.Budget) int {
		if n := len(a.Selector) - len(b.Selector); n != 0 {
			return n
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
}
