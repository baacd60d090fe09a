// Package rehearse tells what a routing file would have meant for yesterday's calls, before it is applied: how many would have gone
// elsewhere, how many nowhere, and what that would have cost.
//
// Every call of the day (of a busy day, an even sample) is resolved twice by the router itself, under the file that stands and under the
// proposed one, and the units that it used are priced at both targets. Nothing is sent to a provider. What the call log does not keep
// (texts, images, the client's own wishes) is unknown to both, health is taken to be good and caches to be empty, so the figures
// compare two files; they do not predict a bill.
package rehearse

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

// SampleMax is how many calls of a day are looked at.
const SampleMax = 10_000

// Deps is what a rehearsal stands on. All fields are required.
type Deps struct {
	// Calls gives at most most calls that started in [from, to), evenly from all of them, and how many there are.
	Calls interface {
		Sample(ctx context.Context, in tenant.Scope, from, to time.Time, most int) ([]calllog.Entry, int, error)
	}
	// Config gives the organization as it stands.
	Config interface {
		Org(ctx context.Context, in tenant.Scope) (*snapshot.OrgConfig, error)
	}
	Prices interface {
		Book(ctx context.Context) (*price.Book, error)
		Overrides(ctx context.Context, in tenant.Scope) ([]price.Override, error)
	}
	Vendors func(id string) (provider.Vendor, bool)
	Router  route.Router
	Now     func() time.Time
}

// Service rehearses files.
type Service struct{ d Deps }

// New makes a Service.
func New(d Deps) *Service { return &Service{d: d} }

// Result is what a file would have meant. Where the day was sampled, all counts of calls and all money stand for the whole day.
type Result struct {
	Day     time.Time // its begin, UTC
	Calls   int       // of the day
	Looked  int       // at so many of them
	Sampled bool      // not all were looked at
	Effect
	Rows []Row // of aliases with moved, refused or freed calls, or with a change; by name
}

// Effect is what becomes of a number of calls.
type Effect struct {
	Moved    int           // would have gone to another model or provider
	Refused  int           // were answered, and would have gone nowhere
	Freed    int           // went nowhere, and would have been sent
	Unpriced int           // moved calls without a price at either place; they are in neither sum
	Before   money.NanoUSD // of all calls, at the targets of the file that stands
	After    money.NanoUSD // of the same calls, at those of the proposed one
}

// Row is the effect on the calls of one alias.
type Row struct {
	Alias   string
	Changes []string // what the file changes in it, in words
	Calls   int
	Effect
	Why string // the first reason of a refusal, safe to show
}

// Rehearse compares a valid file with the one that stands over the calls of yesterday (UTC).
func (s *Service) Rehearse(ctx context.Context, in tenant.Scope, f alias.File) (Result, error) {
	to := s.d.Now().UTC().Truncate(24 * time.Hour)
	from := to.Add(-24 * time.Hour)
	o, err := s.d.Config.Org(ctx, in)
	if err != nil {
		return Result{}, fmt.Errorf("rehearse: configuration: %w", err)
	}
	book, err := s.book(ctx, in)
	if err != nil {
		return Result{}, fmt.Errorf("rehearse: prices: %w", err)
	}
	calls, total, err := s.d.Calls.Sample(ctx, in, from, to, SampleMax)
	if err != nil {
		return Result{}, fmt.Errorf("rehearse: %w", err)
	}
	proposed := with(o, f)
	w := comparison{
		router: s.d.Router, book: book, keys: keys(o),
		live: snapshot.View(ctx, o, s.d.Vendors, book), next: snapshot.View(ctx, proposed, s.d.Vendors, book), rows: map[string]*Row{},
	}
	for i := range calls {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		w.call(&calls[i])
	}
	r := w.result(alias.Diff(file(o), f), total, len(calls))
	r.Day = from
	return r, nil
}

func (s *Service) book(ctx context.Context, in tenant.Scope) (*price.Book, error) {
	book, err := s.d.Prices.Book(ctx)
	if err != nil {
		return nil, err
	}
	own, err := s.d.Prices.Overrides(ctx, in)
	if err != nil {
		return nil, err
	}
	records := make([]price.Record, len(own))
	for i, o := range own {
		records[i] = o.Record
	}
	return book.With(records), nil
}

// file is the routing file of a configuration.
func file(o *snapshot.OrgConfig) alias.File {
	f := alias.File{Tasks: o.Tasks, Auto: o.Auto, Aliases: make(map[string]alias.Route, len(o.Aliases))}
	for _, a := range o.Aliases {
		f.Aliases[a.Name] = a.Route
	}
	return f
}

// with is a configuration with another routing file.
func with(o *snapshot.OrgConfig, f alias.File) *snapshot.OrgConfig {
	f = f.Normal()
	out := *o
	out.Tasks, out.Auto, out.Aliases = f.Tasks, f.Auto, make([]alias.Alias, 0, len(f.Aliases))
	have := make(map[string]alias.Alias, len(o.Aliases))
	for _, a := range o.Aliases {
		have[a.Name] = a
	}
	for name, r := range f.Aliases {
		a, ok := have[name]
		if !ok {
			a = alias.Alias{ID: id.Alias("proposed " + name), Name: name}
		}
		a.Route = r
		out.Aliases = append(out.Aliases, a)
	}
	return &out
}
