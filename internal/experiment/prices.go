package experiment

import (
	"context"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
)

// PriceList is Prices over the catalogue and an organization's own prices.
type PriceList struct {
	Service *price.Service
	Now     func() time.Time
}

var _ Prices = PriceList{}

// Cost implements Prices.
func (l PriceList) Cost(ctx context.Context, in tenant.Scope, provider, model string, input, output int64) (money.NanoUSD, bool, error) {
	book, err := l.Service.Book(ctx)
	if err != nil {
		return 0, false, err
	}
	own, err := l.Service.Overrides(ctx, in)
	if err != nil {
		return 0, false, err
	}
	records := make([]price.Record, len(own))
	for i := range own {
		records[i] = own[i].Record
	}
	r, ok := book.With(records).Lookup(provider, model, l.Now())
	if !ok {
		return 0, false, nil
	}
	cost, state := price.Cost(r, chat.Units{chat.Input: input, chat.Output: output})
	return cost, state != price.Unpriced, nil
}
