// Package vendors is the page of the provider catalogue: every provider that can be connected, with what it can be asked for, who
// confirms it, and where its key comes from. Its state is the query string, so it works without scripts.
package vendors

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"tollgate/internal/credential"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Path is where the page is.
const Path = "/providers/catalogue"

// Credentials tells what is connected.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Prices tells which models are known.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
}

// Page answers. All fields are required.
type Page struct {
	Credentials Credentials
	Prices      Prices
	Vendors     []provider.Vendor // by id
}

const pageSize = 50

type view struct {
	Rows       []row
	Total      int // without regions, plans and second APIs
	Found      int // by the filters, on all pages
	Text       string
	Keep       []ui.Param
	Operations []ui.Choice
	Connected  []ui.Choice
	Filtered   bool
	First      string // the first page; empty on it
	Next       string
	CanWrite   bool
}

// row is one vendor.
type row struct {
	ID, Name   string
	Kind       string // "Region of Moonshot AI", "Subscription", "On your own machine"; empty for most
	Operations string
	Key        string // the variable that people keep its key in
	Sources    string
	Docs       string
	Models     int64
	Connected  int64 // credentials
	Builtin    bool
}

func (r row) connect() string { return "/providers/connect?provider=" + url.QueryEscape(r.ID) }

func (r row) models() string { return "/models?provider=" + url.QueryEscape(r.ID) }

// List is the table. Its state is ?q= &operation= &connected=yes|no &after=.
func (p Page) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	have, err := p.Credentials.List(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	connected := map[string]int64{}
	for _, c := range have {
		connected[c.Provider]++
	}
	book, err := p.Prices.Book(ctx)
	if err != nil {
		return page.Reply{}, err
	}
	models := map[string]int64{}
	for _, r := range book.Models("", v.Now) {
		if r.Model != price.AnyModel {
			models[r.Provider]++
		}
	}
	q := v.HTTP.URL.Query()
	of, _ := catalog.ParseOperation(q.Get("operation")) // an unknown word filters nothing
	found := catalog.Find(p.Vendors, catalog.Filter{Text: q.Get("q"), Operation: of})
	switch q.Get("connected") {
	case "yes":
		found = slices.DeleteFunc(found, func(x provider.Vendor) bool { return connected[x.ID] == 0 })
	case "no":
		found = slices.DeleteFunc(found, func(x provider.Vendor) bool { return connected[x.ID] > 0 })
	}
	out := view{
		Total: catalog.Count(p.Vendors), Found: len(found), Text: strings.TrimSpace(q.Get("q")), Keep: keep(q, "operation", "connected"),
		Operations: operations(q, of), Connected: connections(q), CanWrite: v.Can(tenant.WriteCredentials),
	}
	out.Filtered = out.Text != "" || of != 0 || q.Get("connected") != ""
	if after := q.Get("after"); after != "" {
		found = slices.DeleteFunc(found, func(x provider.Vendor) bool { return x.ID <= after })
		out.First = with(q, "after", "")
	}
	if len(found) > pageSize {
		found = found[:pageSize]
		out.Next = with(q, "after", found[pageSize-1].ID)
	}
	for _, x := range found {
		out.Rows = append(out.Rows, p.row(x, models[x.ID], connected[x.ID]))
	}
	return page.Show(layout.Frame{Title: "Provider catalogue", Active: layout.Providers}, list(out)), nil
}

func (p Page) row(v provider.Vendor, models, connected int64) row {
	r := row{
		ID: v.ID, Name: v.Name, Kind: p.kind(v), Sources: strings.Join(v.Sources, ", "), Docs: v.Docs,
		Models: models, Connected: connected, Builtin: v.BaseURL == catalog.Sandbox,
	}
	var words []string
	for _, o := range catalog.Operations(&v) {
		words = append(words, o.String())
	}
	r.Operations = strings.Join(words, ", ")
	if len(v.Env) > 0 {
		r.Key = v.Env[0]
	}
	return r
}

// kind says what a vendor is that is not simply a company's API.
func (p Page) kind(v provider.Vendor) string {
	switch {
	case v.BaseURL == catalog.Sandbox:
		return "Built in"
	case v.Plan:
		return "Subscription"
	case v.Of != "":
		for _, x := range p.Vendors {
			if x.ID == v.Of {
				return "Part of " + x.Name
			}
		}
		return "Part of " + v.Of
	case v.Local:
		return "On your own machine"
	case v.BaseURL == "":
		return "At your own address"
	default:
		return ""
	}
}

func operations(q url.Values, now provider.Operation) []ui.Choice {
	out := []ui.Choice{{Text: "Anything", Href: with(q, "operation", ""), Current: now == 0}}
	for o := provider.Chat; o <= provider.Files; o++ {
		out = append(out, ui.Choice{Text: o.String(), Href: with(q, "operation", o.String()), Current: o == now})
	}
	return out
}

func connections(q url.Values) []ui.Choice {
	now := q.Get("connected")
	return []ui.Choice{
		{Text: "All", Href: with(q, "connected", ""), Current: now != "yes" && now != "no"},
		{Text: "Connected", Href: with(q, "connected", "yes"), Current: now == "yes"},
		{Text: "Not connected", Href: with(q, "connected", "no"), Current: now == "no"},
	}
}

// with is this page with one parameter changed, from its first page unless that is what changes.
func with(q url.Values, name, value string) string {
	out := url.Values{}
	for _, n := range []string{"q", "operation", "connected", "after"} {
		if n != "after" && q.Get(n) != "" {
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
