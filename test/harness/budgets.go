package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Budget is a budget to be made. Fields that are left out have the product's defaults; the mode is block.
type Budget struct {
	Name   string
	On     map[string]string // dimension to value
	Each   string
	Limits map[string]int64 // period to nano-dollars
	More   map[string]any   // any further field of the API
}

// Budget makes a budget and returns its id.
func (o *Tenant) Budget(b Budget) string {
	o.app.t.Helper()
	body := map[string]any{"name": b.Name, "mode": "block", "limits": limitsOf(b.Limits), "selector": b.On}
	if b.Each != "" {
		body["each"] = b.Each
	}
	for name, value := range b.More {
		body[name] = value
	}
	return o.Do(http.MethodPost, "/budgets", body).Want(http.StatusCreated).Text("id")
}

func limitsOf(limits map[string]int64) []map[string]string {
	var list []map[string]string
	for _, period := range []string{"hour", "day", "week", "month", "fiscal_month", "total"} {
		if nano, ok := limits[period]; ok {
			list = append(list, map[string]string{"period": period, "amount_nano_usd": strconv.FormatInt(nano, 10)})
		}
	}
	return list
}

// Standing is how one limit of a budget stands, in nano-dollars.
type Standing struct {
	Limit, Spent, Held, Left int64
}

// Standing reads how a budget stands in the current window of a period.
func (o *Tenant) Standing(budget, period string) (Standing, error) {
	got := o.Do(http.MethodGet, "/budgets/"+budget+"/standing", nil)
	if got.Status != http.StatusOK {
		return Standing{}, fmt.Errorf("standing: %d %s", got.Status, got.Body)
	}
	var body struct {
		Periods []struct {
			Period string `json:"period"`
			Limit  nano   `json:"limit_nano_usd"`
			Spent  nano   `json:"spent_nano_usd"`
			Held   nano   `json:"held_nano_usd"`
			Left   nano   `json:"left_nano_usd"`
		} `json:"periods"`
	}
	if err := json.Unmarshal(got.Body, &body); err != nil {
		return Standing{}, err
	}
	for _, p := range body.Periods {
		if p.Period == period {
			return Standing{int64(p.Limit), int64(p.Spent), int64(p.Held), int64(p.Left)}, nil
		}
	}
	return Standing{}, fmt.Errorf("no period %s in %s", period, got.Body)
}

// nano is an amount as the API writes it: text.
type nano int64

// UnmarshalText reads it.
func (n *nano) UnmarshalText(b []byte) error {
	v, err := strconv.ParseInt(string(b), 10, 64)
	*n = nano(v)
	return err
}

// Released waits until nothing of a budget is held any more, and gives how it then stands.
func (o *Tenant) Released(budget, period string, limit time.Duration) Standing {
	o.app.t.Helper()
	var last Standing
	Eventually(o.app.t, limit, func() error {
		s, err := o.Standing(budget, period)
		if err != nil {
			return err
		}
		last = s
		if s.Held != 0 {
			return fmt.Errorf("%d nano-dollars are still held: %+v", s.Held, s)
		}
		return nil
	})
	return last
}
