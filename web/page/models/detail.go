package models

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// errModel is for a model without a price list.
var errModel = fault.New(fault.NotFound, "model.not_found", "There is no such model in the catalogue.")

type detailView struct {
	Provider, Model string
	Vendor          string // the provider's name
	Connectable     bool
	Record          price.Record // in force
	Lines           []line
	Tiers           []int64
	Overrides       []ownPrice
	Fields          []field
	From            string // as typed
	CanWrite        bool
	Trouble         page.Trouble
	Clock           ui.Clock
}

// line is one class of the price list in force.
type line struct {
	Class, Per string
	Now        rate
	Tiers      []string // its amount in each tier; empty: unpriced there
}

// ownPrice is one override of the model.
type ownPrice struct {
	ID       string
	From, To time.Time
	Text     string // "Input $2.00, Output $8.00"
	State    ui.State
	Word     string
	CanEnd   bool
}

// field is one rate of the form.
type field struct {
	Name, Label, Per string
	Value            string
	Error            string
}

func (d detailView) name() string { return d.Provider + "/" + d.Model }

func (d detailView) input(f field) ui.InputView {
	in := ui.InputView{FieldView: ui.FieldView{Name: f.Name, Label: f.Label, Help: "dollars for " + f.Per, Error: f.Error}, Value: f.Value, Mono: true}
	in.Optional = true
	return in
}

func (d detailView) day() ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: "from", Label: "From", Optional: true, Help: "A day, year-month-day, from 00:00 UTC. Empty: now.", Error: d.Trouble.At("from")},
		Value:     d.From, Placeholder: "2026-12-01", Mono: true, MaxLength: 10,
	}
}

func (d detailView) above() string {
	shown := []string{"from"}
	for c := range chat.Classes {
		shown = append(shown, fieldName(c))
	}
	return d.Trouble.Above(shown...)
}

// fieldName is the form field of a class, and what price.Check calls it.
func fieldName(c chat.Class) string { return "rates." + c.String() }

// Detail shows one model: ?provider= and ?model=.
func (p Models) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	d, err := p.detail(ctx, v, v.Query("provider"), v.Query("model"))
	if err != nil {
		return page.Reply{}, err
	}
	reply := d.show(http.StatusOK)
	reply.Frame.Toasts = done(v)
	return reply, nil
}

func (d detailView) show(status int) page.Reply {
	return page.Show(layout.Frame{Title: d.name(), Active: layout.Models}, single(d)).As(status)
}

func (p Models) detail(ctx context.Context, v *page.Visit, of, model string) (detailView, error) {
	base, own, err := p.books(ctx, v.Scope())
	if err != nil {
		return detailView{}, err
	}
	r, ok := own.Lookup(of, model, v.Now)
	if !ok {
		return detailView{}, errModel
	}
	mine, err := p.Prices.Overrides(ctx, v.Scope())
	if err != nil {
		return detailView{}, err
	}
	d := detailView{Provider: of, Model: model, Vendor: of, Record: r, CanWrite: v.Can(tenant.WritePrices), Clock: ui.Clock{Now: v.Now}}
	for _, x := range p.Vendors {
		if x.ID == of {
			d.Vendor, d.Connectable = x.Name, true
		}
	}
	var list price.Rates
	if was, ok := base.Lookup(of, model, v.Now); ok && r.Source == override {
		list = was.Rates
	}
	d.Lines, d.Tiers = lines(r, list)
	for _, o := range mine {
		if strings.EqualFold(o.Provider, of) && strings.EqualFold(o.Model, model) {
			d.Overrides = append(d.Overrides, ownPriceOf(o, v.Now))
		}
	}
	slices.Reverse(d.Overrides) // the latest first
	d.Fields = fields(r)
	return d, nil
}

// lines are the classes that a list or one of its tiers prices.
func lines(r price.Record, list price.Rates) (out []line, above []int64) {
	for _, t := range r.Tiers {
		above = append(above, t.AboveInput)
	}
	for c := range chat.Classes {
		l := line{Class: classWords()[c].Text, Per: classWords()[c].Per, Now: rateOf(c, r.Rates[c], list[c])}
		priced := r.Rates[c].Listed
		for _, t := range r.Tiers {
			l.Tiers = append(l.Tiers, amount(c, t.Rates[c]))
			priced = priced || t.Rates[c].Listed
		}
		if priced {
			out = append(out, l)
		}
	}
	return out, above
}

func ownPriceOf(o price.Override, now time.Time) ownPrice {
	out := ownPrice{ID: string(o.ID), From: o.From, To: o.To}
	var parts []string
	for c := range chat.Classes {
		if text := amount(c, o.Rates[c]); text != "" {
			parts = append(parts, classWords()[c].Text+" "+text)
		}
	}
	out.Text = strings.Join(parts, ", ")
	switch {
	case o.From.After(now):
		out.State, out.Word, out.CanEnd = ui.Soon, "Planned", true
	case o.InForce(now):
		out.State, out.Word, out.CanEnd = ui.Fine, "In force", true
	default:
		out.State, out.Word = ui.Idle, "Ended"
	}
	return out
}

// fields offers the classes of chat that most models price, and what else this one does.
func fields(r price.Record) []field {
	var out []field
	for c := range chat.Classes {
		usual := c == chat.Input || c == chat.CacheRead || c == chat.CacheWrite5m || c == chat.Output
		if !usual && !r.Rates[c].Listed {
			continue
		}
		w := classWords()[c]
		out = append(out, field{Name: fieldName(c), Label: w.Text, Per: w.Per, Value: strings.TrimPrefix(amount(c, r.Rates[c]), "$")})
	}
	return out
}

// Override sets the organization's own price.
func (p Models) Override(ctx context.Context, v *page.Visit) (page.Reply, error) {
	d, err := p.detail(ctx, v, v.Form("provider"), v.Form("model"))
	if err != nil {
		return page.Reply{}, err
	}
	d.From = strings.TrimSpace(v.Form("from"))
	n := price.NewOverride{Provider: d.Provider, Model: d.Model}
	wrong := false
	for i := range d.Fields {
		f := &d.Fields[i]
		f.Value = strings.TrimSpace(v.Form(f.Name))
		if f.Value == "" {
			continue
		}
		c, _ := chat.ParseClass(strings.TrimPrefix(f.Name, "rates.")) // made from it
		rate, err := typed(c, strings.ReplaceAll(strings.TrimPrefix(f.Value, "$"), ",", ""))
		if err != nil {
			f.Error, wrong = "Write dollars as a decimal with at most six places: 2.50", true
			continue
		}
		n.Rates = n.Rates.Set(c, rate)
	}
	if wrong {
		return d.show(http.StatusBadRequest), nil
	}
	if d.From != "" {
		if n.From, err = time.Parse(time.DateOnly, d.From); err != nil {
			d.Trouble = page.Trouble{Field: "from", Message: "Write the day as year-month-day."}
			return d.show(http.StatusBadRequest), nil
		}
	}
	if _, err := p.Prices.Override(ctx, v.Scope(), n); err != nil {
		return d.again(err)
	}
	return page.See(detailPath(d.Provider, d.Model) + "&done=set"), nil
}

// again is the form with what is wrong in it.
func (d detailView) again(err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	d.Trouble = trouble
	for i := range d.Fields {
		d.Fields[i].Error = trouble.At(d.Fields[i].Name)
	}
	return d.show(status), nil
}

// End ends one of the organization's own prices now.
func (p Models) End(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.PriceRecord(v.Param("id"))
	mine, err := p.Prices.Overrides(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	i := slices.IndexFunc(mine, func(o price.Override) bool { return o.ID == which })
	if i < 0 {
		return page.Reply{}, price.ErrNotFound
	}
	to := Path + "/detail?" + url.Values{"provider": {mine[i].Provider}, "model": {mine[i].Model}}.Encode()
	if err := p.Prices.RemoveOverride(ctx, v.Scope(), which); err != nil {
		return page.Reply{}, err
	}
	return page.See(to + "&done=ended"), nil
}
