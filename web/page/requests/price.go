package requests

import (
	"context"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// priceView explains what one attempt cost.
type priceView struct {
	Title  string // "Attempt 2"; empty when there is one only
	ID     string // of the price record; empty: unpriced
	Source string // where its figures come from, and since when
	Above  int64  // the long-context list held, above so many input tokens
	Lines  []priceLine
	Units  int64 // tokens
	Things bool  // a line counts what is no token
	Cost   money.NanoUSD
	Known  bool   // the cost
	Note   string // what else there is to say
}

type priceLine struct {
	Class   string
	Units   int64
	Rate    string // list price; empty: none is known
	Amount  money.NanoUSD
	Listed  bool
	Counted bool // the same things are billed in another line
}

// classes are the names of the classes.
func classes() [chat.Classes]string {
	return [chat.Classes]string{
		chat.Input: "Input, new", chat.CacheRead: "Input, cache read", chat.CacheWrite5m: "Input, cache write", chat.CacheWrite1h: "Input, cache write 1 h",
		chat.Output: "Output", chat.Reasoning: "Output, reasoning", chat.InputAudio: "Input, audio", chat.OutputAudio: "Output, audio",
		chat.WebSearch: "Web searches", chat.InputImage: "Input, images", chat.OutputImage: "Output, images", chat.Images: "Images",
		chat.AudioMS: "Audio, milliseconds", chat.Characters: "Characters", chat.SearchUnits: "Search units", chat.Pages: "Pages",
		chat.Requests: "Calls with a fee", chat.FileSearch: "File searches", chat.CodeSession: "Code sessions",
	}
}

// rateText is a list price as people know it: of tokens and characters for a million, of audio for a minute, of anything else for one.
func rateText(c chat.Class, p money.Price) string {
	switch {
	case c.Token() || c == chat.Characters:
		return ui.PriceText(p)
	case c == chat.AudioMS:
		return ui.MoneyExact(nano(int64(p)*60_000)) + " a minute"
	default:
		return ui.MoneyExact(nano(int64(p))) + " each"
	}
}

// nano is pico-dollars as nano-dollars, to the nearest.
func nano(pico int64) money.NanoUSD { return money.NanoUSD(pico/1000 + (pico%1000+500)/1000) }

// prices explains every attempt that used something.
func (p Page) prices(ctx context.Context, v *page.Visit, e *calllog.Entry, n filter.Namer) ([]priceView, error) {
	var book *price.Book
	var own []price.Override
	var out []priceView
	for i := range e.Attempts {
		a := &e.Attempts[i]
		if !used(a.Usage) {
			continue
		}
		if book == nil && v.Can(tenant.ReadPrices) {
			var err error
			if own, err = p.Prices.Overrides(ctx, v.Scope()); err != nil {
				return nil, err
			}
			if book, err = p.Prices.Book(ctx); err != nil {
				return nil, err
			}
			book = book.With(records(own))
		}
		record, found := find(book, own, a, e.StartedAt)
		next := explain(a, record, found, ui.Clock{Now: v.Now, Zone: time.UTC})
		if len(e.Attempts) > 1 {
			next.Title = "Attempt " + ui.CountText(int64(a.Number)) + ", " + n.Provider(a.Provider)
		}
		out = append(out, next)
	}
	return out, nil
}

func records(own []price.Override) []price.Record {
	out := make([]price.Record, len(own))
	for i := range own {
		out[i] = own[i].Record
	}
	return out
}

// find is the record that priced an attempt, by its id: never one that happens to hold for the model now.
func find(book *price.Book, own []price.Override, a *calllog.Attempt, at time.Time) (price.Record, bool) {
	if a.PriceID == "" || book == nil {
		return price.Record{}, false
	}
	for i := range own {
		if own[i].ID == a.PriceID {
			return own[i].Record, true
		}
	}
	if r, ok := book.Lookup(a.Provider, a.Model, at); ok && a.PriceID == r.ID {
		return r, true
	}
	return book.ByID(a.PriceID) // an image, by its size
}

// add appends a line. Tokens add up to a total; other things do not.
func (p *priceView) add(c chat.Class, l priceLine) {
	p.Lines = append(p.Lines, l)
	if c.Token() {
		p.Units += l.Units
	} else {
		p.Things = true
	}
}

func explain(a *calllog.Attempt, r price.Record, found bool, clock ui.Clock) priceView {
	out := priceView{ID: string(a.PriceID), Cost: a.Cost, Known: a.Price != calllog.Unpriced}
	if a.Usage.Source == chat.Estimated {
		out.Note = "The tokens are an estimate: the provider did not report them. "
	}
	if !out.Known {
		out.Note += "No price is known for something that was used, so the cost is not known either."
	}
	if found {
		out.Source = "source: " + r.Source
		if !r.From.IsZero() {
			out.Source = "since " + ui.DateText(clock, r.From) + ", " + out.Source
		}
		b := price.Explain(r, a.Usage.Units)
		out.Above = b.Above
		for _, l := range b.Lines {
			line := priceLine{Class: classes()[l.Class], Units: l.Units, Listed: l.Listed, Counted: l.Counted}
			if l.Listed {
				line.Rate, line.Amount = rateText(l.As, l.Rate), nano(l.Pico)
			}
			out.add(l.Class, line)
		}
		if b.Total != a.Cost && out.Known {
			out.Note += "By this list it would be " + ui.MoneyExact(b.Total) + "; what was recorded at the time holds."
		}
		return out
	}
	for class, units := range a.Usage.Units {
		if units > 0 {
			out.add(chat.Class(class), priceLine{Class: classes()[class], Units: units})
		}
	}
	if out.ID != "" && out.Note == "" {
		out.Note = "The price list that was used is not in the catalogue any more."
	}
	return out
}
