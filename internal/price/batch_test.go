package price_test

import (
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

func TestBatchPricesAreAListOrTheProvidersGeneralDiscountAndNeverAGuess(t *testing.T) {
	t.Parallel()
	listed := rec("openai", "listed", 100)
	listed.ID = "price_listed"
	cheap := rec("openai", price.BatchPrefix+"listed", 70)
	cheap.ID = "price_cheap"
	plain := rec("openai", "plain", 101)
	plain.ID = "price_plain"
	plain.Rates = plain.Rates.Set(chat.WebSearch, 1000)
	plain.Tiers = []price.Tier{{AboveInput: 10, Rates: price.Rates{}.Set(chat.Input, 201)}}
	own := rec("openai", "listed", 60)
	own.ID = "price_own"
	free := rec("openai", "free", 0)
	free.ID = "price_free"
	base := price.NewBook([]price.Record{listed, cheap, plain, free})
	view := base.With([]price.Record{own})
	half := price.Discount{Percent: 50}
	for _, tt := range []struct {
		name    string
		book    *price.Book
		model   string
		general price.Discount
		want    money.Price
		ok      bool
		id      string
	}{
		{"a list of batch prices stands before a general discount", base, "listed", half, 70, true, "price_cheap"},
		{"without a list the general discount holds, rounded up", base, "plain", half, 51, true, "price_plain~batch50"},
		{"without a general discount either it is unpriced", base, "plain", price.Discount{}, 0, false, ""},
		{"an organization's own price is not replaced by the catalogue's list", view, "listed", half, 30, true, "price_own~batch50"},
		{"an organization's own price without a general discount is unpriced", view, "listed", price.Discount{}, 0, false, ""},
		{"what is free stays free", base, "free", price.Discount{}, 0, true, "price_free"},
		{"what nobody lists is unpriced", base, "other", half, 0, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := tt.book.Batch("openai", tt.model, noon, tt.general)
			if ok != tt.ok || got.Rates[chat.Input].Price != tt.want || string(got.ID) != tt.id {
				t.Fatalf("%v %d %q, want %v %d %q", ok, got.Rates[chat.Input].Price, got.ID, tt.ok, tt.want, tt.id)
			}
			if found, known := tt.book.ByID(got.ID); ok && got.ID != "" && (!known || !found.SamePrice(got)) {
				t.Errorf("the record's id does not explain it: %v %+v", known, found)
			}
		})
	}
	got, _ := base.Batch("openai", "plain", noon, half)
	if got.Rates[chat.WebSearch].Price != 1000 || got.Tiers[0].Rates[chat.Input].Price != 101 || plain.Tiers[0].Rates[chat.Input].Price != 201 {
		t.Errorf("fees and tiers: %+v", got)
	}
	for _, m := range base.Models("openai", noon) {
		if m.Model == price.BatchPrefix+"listed" {
			t.Error("a list of batch prices is offered as a model")
		}
	}
	for _, junk := range []string{"price_plain~batch", "price_plain~batchx", "price_plain~batch5000", "price_none~batch50", "~batch50", "price_plain~batch0"} {
		if _, ok := base.ByID(id.PriceRecord(junk)); ok {
			t.Errorf("%s was found", junk)
		}
	}
}
