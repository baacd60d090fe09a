// Package models is the pages of the model catalogue: what can be called, what it costs by class and length of context, since when,
// and the organization's own prices in place of the list's. The state of the list is its query string.
package models

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Path is where the list is.
const Path = "/models"

// Prices keeps the catalogue and the organizations' own prices; *price.Service does.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
	Overrides(ctx context.Context, in tenant.Scope) ([]price.Override, error)
	Override(ctx context.Context, in tenant.Scope, n price.NewOverride) (price.Override, error)
	RemoveOverride(ctx context.Context, in tenant.Scope, which id.PriceRecord) error
}

// Credentials tells what is connected.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

var _ Prices = (*price.Service)(nil)

// Models answers its pages. All fields are required.
type Models struct {
	Prices      Prices
	Credentials Credentials
	Vendors     []provider.Vendor // by id
}

const pageSize = 50

type listView struct {
	Rows      []listRow
	Found     int // by the filters, on all pages
	Text      string
	Keep      []ui.Param
	Shows     []ui.Choice
	Providers []ui.Option
	Provider  string
	Filtered  bool
	First     string // the first page; empty on it
	Next      string
	Clock     ui.Clock
}

// listRow is one model with the prices in force.
type listRow struct {
	Provider, Model string
	Kinds           string // "text, image → text"
	Context         int64
	Input, Read     rate
	Write, Output   rate
	Above           int64 // the input tokens above which another list holds; 0: none
	From            time.Time
	Own             bool
	Free            bool
}

// rate is what one class costs, ready to be read. An empty Text is unpriced.
type rate struct {
	Text string
	List string // the list's, where the organization's own is another
}

func (r listRow) href() string { return detailPath(r.Provider, r.Model) }

func detailPath(provider, model string) string {
	return Path + "/detail?" + url.Values{"provider": {provider}, "model": {model}}.Encode()
}

// List is the table. Its state is ?show=all|connected|own &q= &provider= &after=.
func (p Models) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	base, own, err := p.books(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	q := v.HTTP.URL.Query()
	found := own.Models("", v.Now)
	providers := p.options(found)
	if of := q.Get("provider"); of != "" {
		found = slices.DeleteFunc(found, func(r price.Record) bool { return r.Provider != of })
	}
	show := q.Get("show")
	switch show {
	case "own":
		found = slices.DeleteFunc(found, func(r price.Record) bool { return r.Source != override })
	case "connected":
		have, err := p.connected(ctx, v.Scope())
		if err != nil {
			return page.Reply{}, err
		}
		found = slices.DeleteFunc(found, func(r price.Record) bool { return !have[r.Provider] })
	default:
		show = ""
	}
	words := strings.Fields(strings.ToLower(q.Get("q")))
	found = slices.DeleteFunc(found, func(r price.Record) bool { return !matches(r, words) })
	out := listView{
		Found: len(found), Text: strings.TrimSpace(q.Get("q")), Keep: keep(q, "show"), Shows: shows(q, show),
		Providers: providers, Provider: q.Get("provider"), Clock: ui.Clock{Now: v.Now},
	}
	out.Filtered = out.Text != "" || show != "" || out.Provider != ""
	if after := q.Get("after"); after != "" {
		found = slices.DeleteFunc(found, func(r price.Record) bool { return !follows(r, after) })
		out.First = with(q, "after", "")
	}
	if len(found) > pageSize {
		found = found[:pageSize]
		out.Next = with(q, "after", name(found[pageSize-1]))
	}
	for _, r := range found {
		out.Rows = append(out.Rows, rowOf(r, base, v.Now))
	}
	return page.Show(layout.Frame{Title: "Models and prices", Active: layout.Models, Toasts: done(v)}, list(out)), nil
}

// override is the source of the organization's own prices.
const override = "override"

// books are the installation's catalogue, and the same with the organization's own prices.
func (p Models) books(ctx context.Context, in tenant.Scope) (base, own *price.Book, err error) {
	if base, err = p.Prices.Book(ctx); err != nil {
		return nil, nil, err
	}
	mine, err := p.Prices.Overrides(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	records := make([]price.Record, len(mine))
	for i := range mine {
		records[i] = mine[i].Record
	}
	return base, base.With(records), nil
}

func (p Models) connected(ctx context.Context, in tenant.Scope) (map[string]bool, error) {
	have, err := p.Credentials.List(ctx, in)
	out := map[string]bool{}
	for _, v := range p.Vendors {
		if v.BaseURL == catalog.Sandbox { // always on
			out[v.ID] = true
		}
	}
	for _, c := range have {
		out[c.Provider] = true
	}
	return out, err
}

// matches finds every word in the model or its provider.
func matches(r price.Record, words []string) bool {
	text := strings.ToLower(name(r))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func name(r price.Record) string { return r.Provider + "/" + r.Model }

// follows orders as the book does: by provider, then by model in lower case.
func follows(r price.Record, after string) bool {
	of, model, _ := strings.Cut(after, "/")
	return cmp.Or(cmp.Compare(r.Provider, of), cmp.Compare(strings.ToLower(r.Model), strings.ToLower(model))) > 0
}

// options are the providers that have prices.
func (p Models) options(known []price.Record) []ui.Option {
	priced := map[string]bool{}
	for _, r := range known {
		priced[r.Provider] = true
	}
	out := []ui.Option{{Value: "", Text: "All providers"}}
	for _, v := range p.Vendors {
		if priced[v.ID] {
			out = append(out, ui.Option{Value: v.ID, Text: v.Name})
			delete(priced, v.ID)
		}
	}
	slices.SortFunc(out[1:], func(a, b ui.Option) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	rest := len(out)
	for of := range priced { // listed, but not to be connected
		out = append(out, ui.Option{Value: of, Text: of})
	}
	slices.SortFunc(out[rest:], func(a, b ui.Option) int { return strings.Compare(a.Value, b.Value) })
	return out
}

func rowOf(r price.Record, base *price.Book, now time.Time) listRow {
	out := listRow{
		Provider: r.Provider, Model: r.Model, Kinds: kinds(r), Context: r.ContextWindow, From: r.From,
		Own: r.Source == override, Free: r.Rates.Free(),
	}
	if len(r.Tiers) > 0 {
		out.Above = r.Tiers[0].AboveInput
	}
	var list price.Rates
	if out.Own {
		if was, ok := base.Lookup(r.Provider, r.Model, now); ok {
			list = was.Rates
		}
	}
	for class, into := range map[chat.Class]*rate{chat.Input: &out.Input, chat.CacheRead: &out.Read, chat.CacheWrite5m: &out.Write, chat.Output: &out.Output} {
		*into = rateOf(class, r.Rates[class], list[class])
	}
	return out
}

func rateOf(c chat.Class, now, list price.Rate) rate {
	out := rate{Text: amount(c, now)}
	if list.Listed && list != now {
		out.List = amount(c, list)
	}
	return out
}

// kinds says what a model reads and writes.
func kinds(r price.Record) string {
	spaced := func(m price.Modality) string { return strings.ReplaceAll(m.String(), ",", ", ") }
	switch {
	case r.Model == price.AnyModel:
		return "every model that is not listed"
	case r.Input == 0 && r.Output == 0:
		return ""
	case r.Output == 0:
		return spaced(r.Input)
	default:
		return spaced(r.Input) + " → " + spaced(r.Output)
	}
}

func shows(q url.Values, now string) []ui.Choice {
	return []ui.Choice{
		{Text: "All", Href: with(q, "show", ""), Current: now == ""},
		{Text: "Connected", Href: with(q, "show", "connected"), Current: now == "connected"},
		{Text: "Own prices", Href: with(q, "show", "own"), Current: now == "own"},
	}
}

// with is this page with one parameter changed, from its first page unless that is what changes.
func with(q url.Values, name, value string) string {
	out := url.Values{}
	for _, n := range []string{"show", "q", "provider"} {
		if q.Get(n) != "" {
			out.Set(n, q.Get(n))
		}
	}
	if out.Set(name, value); value == "" {
		out.Del(name)
	}
	if len(out) == 0 {
		return Path
	}
	return Path + "?" + out.Encode()
}

func keep(q url.Values, names ...string) []ui.Param {
	var out []ui.Param
	for _, n := range names {
		if value := q.Get(n); value != "" {
			out = append(out, ui.Param{Name: n, Value: value})
		}
	}
	return out
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "set":
		return []ui.Toast{{Text: "Saved. Calls from then on cost this; those before keep their price."}}
	case "ended":
		return []ui.Toast{{Text: "Ended. The list’s price holds again."}}
	default:
		return nil
	}
}
