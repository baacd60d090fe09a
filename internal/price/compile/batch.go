package compile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider/catalog"
)

// batchSuffix ends the names of LiteLLM's fields for batch prices.
const batchSuffix = "_batches"

// liteBatch is the list of batch prices of a row that was taken; false where the file has none, or only what the provider's general
// discount says too, or where we do not speak the provider's batch API. A class of tokens that the file leaves out is discounted like
// the input; a fee stays.
func liteBatch(row map[string]any, plain price.Record) (price.Record, bool) {
	v, ok := catalog.Vendor(plain.Provider)
	if !ok || v.Batch == nil {
		return price.Record{}, false
	}
	d := &draft{scale: perUnit}
	listed := d.liteRates(row, batchSuffix)
	input := chat.Input
	if !listed[input].Listed || listed[input].Price == 0 || !plain.Rates[input].Listed || d.why != "" {
		return price.Record{}, false
	}
	general, halved := plain.Discounted(price.Discount{Percent: v.Batch.Percent})
	halved = halved && near(listed[input].Price, general.Rates[input].Price)
	complete := func(listed, plain, general price.Rates) price.Rates {
		for c := range listed {
			switch {
			case listed[c].Listed && listed[c].Price > 0:
			case halved:
				listed[c] = general[c]
			default:
				listed[c] = plain[c]
			}
		}
		return listed
	}
	rec := price.Record{
		Provider: plain.Provider, Model: price.BatchPrefix + plain.Model, Source: plain.Source,
		Rates: complete(listed, plain.Rates, general.Rates),
	}
	for i, t := range plain.Tiers {
		// Some rows say "_above_200k_tokens_batches".
		above := d.liteRates(row, "_above_"+strconv.FormatInt(t.AboveInput/1000, 10)+"k_tokens"+batchSuffix)
		var share price.Rates
		if halved {
			share = general.Tiers[i].Rates
		}
		rec.Tiers = append(rec.Tiers, price.Tier{AboveInput: t.AboveInput, Rates: complete(above, t.Rates, share)})
	}
	if halved && rec.SamePrice(general) || rec.Check() != nil {
		return price.Record{}, false
	}
	return rec, true
}

// near reports prices that differ by no more than the file's rounding: a hundredth.
func near(a, b money.Price) bool { return max(a-b, b-a)*100 <= b }

// liteBatches are the batch prices of the rows that were taken.
func liteBatches(taken []Taken, rows map[string]map[string]any) []price.Record {
	var out []price.Record
	for _, t := range taken {
		if rec, ok := liteBatch(rows[t.Row], t.Record); ok {
			out = append(out, rec)
		}
	}
	slices.SortFunc(out, func(a, b price.Record) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Model, b.Model))
	})
	return out
}
