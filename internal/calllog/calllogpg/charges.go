package calllogpg

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// chargesJSON is what decodeJSON reads into charges; nil for none.
func chargesJSON(charges []calllog.Charge) *string {
	if len(charges) == 0 {
		return nil
	}
	b := append(make([]byte, 0, 160*len(charges)), '[')
	for i := range charges {
		c := &charges[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(b, `{"b":`...), text(string(c.Budget), 64))
		b = appendJSON(append(b, `,"p":`...), c.Pot.String())
		b = appendJSON(append(b, `,"h":`...), c.Holder.String())
		b = strconv.AppendInt(append(b, `,"a":`...), int64(c.Amount), 10)
		b = append(b, '}')
	}
	s := string(append(b, ']'))
	return &s
}

// checksJSON is what decodeJSON reads into checks; nil for none.
func checksJSON(checks []calllog.Check) *string {
	if len(checks) == 0 {
		return nil
	}
	kept := slices.Clone(checks[:min(len(checks), calllog.ChecksMax)])
	for i := range kept {
		k := &kept[i]
		k.By, k.Did, k.Subject, k.Period = text(k.By, 64), calllog.Did(text(string(k.Did), 32)), text(k.Subject, 256), text(k.Period, 32)
	}
	b, err := json.Marshal(kept)
	if err != nil { // text leaves nothing that JSON cannot say
		return nil
	}
	s := string(b)
	return &s
}

// fresh are calls that were not in the log before, and have charges.
type fresh struct {
	orgs  []string
	calls [][16]byte
}

// settle books the charges of calls that are new in the log, in the transaction that brings them in: that is why each is booked once.
// Pots are locked by it until the commit, so it comes last.
func settle(ctx context.Context, tx pgx.Tx, records []*calllog.Record, new fresh) (overrun money.NanoUSD, err error) {
	if len(new.calls) == 0 {
		return 0, nil
	}
	type name struct {
		org  id.Org
		call id.Call
	}
	known := make(map[name]bool, len(new.calls))
	for i := range new.calls {
		known[name{id.Org(new.orgs[i]), new.calls[i]}] = true
	}
	var orgs, budgets []string
	var pots, holders [][16]byte
	var amounts []int64
	for _, r := range records {
		if len(r.Charges) == 0 || !known[name{r.Org, r.ID}] {
			continue
		}
		for _, c := range r.Charges {
			orgs, budgets = append(orgs, string(r.Org)), append(budgets, text(string(c.Budget), 64))
			pots, holders, amounts = append(pots, c.Pot), append(holders, c.Holder), append(amounts, int64(c.Amount))
		}
	}
	err = tx.QueryRow(ctx, `SELECT budget_settle($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[])`,
		orgs, budgets, pots, holders, amounts).Scan(&overrun)
	return overrun, err
}
