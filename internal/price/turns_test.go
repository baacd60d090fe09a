package price_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

func TestTurnsAreTheInstantsAtWhichAPriceChanges(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2030, 1, 1, 12, minute, 0, 0, time.UTC) }
	rates := list(t, map[chat.Class]string{chat.Input: "1"})
	book := price.NewBook([]price.Record{
		{Provider: "p", Model: "a", Rates: rates, To: at(10)},
		{Provider: "p", Model: "a", Rates: rates, From: at(10), To: at(30)},
		{Provider: "p", Model: "b", Rates: rates, From: at(20)},
	}).With([]price.Record{{Provider: "p", Model: "a", Rates: rates, From: at(15)}})
	for _, tt := range []struct {
		from, to int
		want     []time.Time
	}{
		{0, 60, []time.Time{at(10), at(15), at(20), at(30)}},
		{10, 20, []time.Time{at(15), at(20)}},
		{30, 60, nil},
		{0, 0, nil},
	} {
		if got := book.Turns(at(tt.from), at(tt.to)); !cmp.Equal(got, tt.want) {
			t.Errorf("from %d to %d: %v", tt.from, tt.to, got)
		}
	}
}

func TestTheDearestImageIsOfAnySizeThatTheCallMayMean(t *testing.T) {
	t.Parallel()
	image := func(model, dollars string) price.Record {
		return price.Record{Provider: "openai", Model: model, Rates: list(t, map[chat.Class]string{chat.Images: dollars})}
	}
	book := price.NewBook([]price.Record{
		image("dall-e-3", "40000"), image("hd/1024-x-1792/dall-e-3", "120000"), image("standard/1024-x-1024/dall-e-3", "30000"),
		image("standard/1024-x-1792/dall-e-3", "80000"), image("hd/1024-x-1792/dall-e-3-other", "900000"),
	})
	own := book.With([]price.Record{image("hd/1024-x-1792/dall-e-3", "200000")})
	for _, tt := range []struct {
		book          *price.Book
		size, quality string
		want          money.Price
	}{
		{book, "", "", 120_000_000_000},
		{book, "auto", "auto", 120_000_000_000},
		{book, "1024x1792", "standard", 80_000_000_000},
		{book, "1024x1792", "", 120_000_000_000},
		{book, "1024x1024", "standard", 40_000_000_000},
		{own, "", "", 200_000_000_000},
	} {
		got, ok := tt.book.ImageMost("openai", "DALL-E-3", tt.size, tt.quality, time.Now())
		if !ok || got != tt.want {
			t.Errorf("%q %q: %d, %v; want %d", tt.size, tt.quality, got, ok, tt.want)
		}
	}
	if _, ok := book.ImageMost("openai", "gpt-4o", "", "", time.Now()); ok {
		t.Error("a model without images has a price for one")
	}
}
