package price

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Override is an organization's own price for a model: what it pays by contract, or what a server of its own costs it.
type Override struct {
	Record
	CreatedAt time.Time
	CreatedBy string // the id of the user or token that made it
}

// NewOverride is what a caller may say about an override.
type NewOverride struct {
	Provider, Model string
	Rates           Rates
	Tiers           []Tier
	From            time.Time // zero means now; never in the past
	To              time.Time // zero means open
}

// Store is what Service needs from storage; package pricepg provides it.
type Store interface {
	// Imported gives the imported catalogue rows, past ones too.
	Imported(ctx context.Context) ([]Record, error)
	// Import adds catalogue rows, all starting at one instant; a row of the same model that is open ends there.
	Import(ctx context.Context, rows []Record, at time.Time) error
	// Override adds one; an open one of the same model ends at its start. ErrPlanned when one starts at or after that.
	Override(ctx context.Context, in tenant.Scope, o Override) error
	// EndOverride ends one at now: one that has not begun is removed, and the one it would have followed is open again.
	// ErrNotFound, ErrEnded.
	EndOverride(ctx context.Context, in tenant.Scope, which id.PriceRecord, now time.Time) error
	// Overrides gives every override of the organization, past ones too, by provider, model and start.
	Overrides(ctx context.Context, in tenant.Scope) ([]Override, error)
}

// Service keeps the installation's catalogue and the organizations' overrides.
type Service struct {
	store   Store
	shipped []Record
	book    *Book // of shipped alone
	now     func() time.Time
}

// NewService needs the shipped catalogue, package seed's Records.
func NewService(store Store, shipped []Record, now func() time.Time) *Service {
	return &Service{store: store, shipped: shipped, book: NewBook(shipped), now: now}
}

// Override gives the organization its own price for a model from an instant on. Calls already made keep theirs.
func (s *Service) Override(ctx context.Context, in tenant.Scope, n NewOverride) (Override, error) {
	now := instant(s.now())
	o := Override{
		Record: Record{
			ID: id.PriceRecord(id.New("price")), Provider: fold(n.Provider), Model: strings.TrimSpace(n.Model),
			Rates: n.Rates, Tiers: n.Tiers, From: instant(n.From), To: instant(n.To), Source: "override",
		},
		CreatedAt: now, CreatedBy: actor(in.Actor()),
	}
	if o.From.IsZero() {
		o.From = now
	}
	if err := o.Check(); err != nil {
		return Override{}, err
	}
	if o.From.Before(now) {
		return Override{}, ErrBackdated.At("from")
	}
	if err := s.store.Override(ctx, in, o); err != nil {
		return Override{}, err
	}
	return o, nil
}

// instant is what storage can keep of a time: microseconds, UTC.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

func actor(a tenant.Actor) string {
	return cmp.Or(string(a.User), string(a.Token), string(a.Key))
}

// RemoveOverride ends an override now: the catalogue's price holds from here on.
func (s *Service) RemoveOverride(ctx context.Context, in tenant.Scope, which id.PriceRecord) error {
	return s.store.EndOverride(ctx, in, which, instant(s.now()))
}

// Overrides lists the organization's overrides, past and planned ones too.
func (s *Service) Overrides(ctx context.Context, in tenant.Scope) ([]Override, error) {
	return s.store.Overrides(ctx, in)
}

// Book is the installation's catalogue: what was shipped and what was imported.
func (s *Service) Book(ctx context.Context) (*Book, error) {
	imported, err := s.store.Imported(ctx)
	if err != nil || len(imported) == 0 {
		return s.book, err
	}
	return NewBook(slices.Concat(s.shipped, imported)), nil
}

// Query asks for a page of the catalogue.
type Query struct {
	Provider string // only this provider's; empty means all
	Search   string // only models whose name contains it, in any case
	After    string // Page.Next of the page before; empty means the first
	Limit    int    // at most 200; 0 means 50
}

// Page is a part of the catalogue in force now, by provider and model.
type Page struct {
	Records []Record
	Next    string // empty on the last page
}

const (
	pageDefault = 50
	pageMax     = 200
)

// Catalogue pages through the prices in force now as the organization sees them: its overrides (Source "override") stand
// in place of what they override.
func (s *Service) Catalogue(ctx context.Context, in tenant.Scope, q Query) (Page, error) {
	book, err := s.Book(ctx)
	if err != nil {
		return Page{}, err
	}
	own, err := s.store.Overrides(ctx, in)
	if err != nil {
		return Page{}, err
	}
	records := make([]Record, len(own))
	for i, o := range own {
		records[i] = o.Record
	}
	return page(book.With(records).Models(q.Provider, s.now()), q), nil
}

func page(all []Record, q Query) Page {
	limit := cmp.Or(max(0, min(q.Limit, pageMax)), pageDefault)
	search := fold(q.Search)
	var p Page
	for _, r := range all {
		if q.After != "" && !follows(r, q.After) || !strings.Contains(fold(r.Model), search) {
			continue
		}
		if len(p.Records) == limit {
			p.Next = cursor(p.Records[limit-1])
			return p
		}
		p.Records = append(p.Records, r)
	}
	return p
}

// cursor is a record's place in the list: a model is listed once.
func cursor(r Record) string { return fold(r.Provider) + "/" + fold(r.Model) }

func follows(r Record, after string) bool {
	provider, model, _ := strings.Cut(after, "/")
	return cmp.Or(cmp.Compare(fold(r.Provider), provider), cmp.Compare(fold(r.Model), model)) > 0
}

// Mode says whether an import changes anything.
type Mode uint8

// The modes.
const (
	DryRun Mode = iota // only say what would change
	Apply
)

// Change is a price before and after.
type Change struct{ Old, New Record }

// Imported is what an import did, or would do.
type Imported struct {
	Added     []Record
	Changed   []Change
	Unchanged int
}

// Import makes records the installation's prices from now on. It is the operator's, not an organization's: overrides stay
// before it. A record that says what the catalogue says already is left alone, so that importing twice changes nothing.
func (s *Service) Import(ctx context.Context, records []Record, mode Mode) (Imported, error) {
	book, err := s.Book(ctx)
	if err != nil {
		return Imported{}, err
	}
	now := instant(s.now())
	var done Imported
	var rows []Record
	for _, r := range records {
		if err := r.Check(); err != nil {
			return Imported{}, err
		}
		old, known := book.inForce(file(r.Provider, r.Model), now)
		r = r.describedBy(old)
		r.From, r.To = now, time.Time{}
		r = r.Stamp()
		switch {
		case !known:
			done.Added = append(done.Added, r)
		case r.SamePrice(old) && r.describes(old):
			done.Unchanged++
			continue
		default:
			done.Changed = append(done.Changed, Change{Old: old, New: r})
		}
		rows = append(rows, r)
	}
	if mode == DryRun || len(rows) == 0 {
		return done, nil
	}
	return done, s.store.Import(ctx, rows, now)
}

// describes reports that two records say the same beside the price.
func (r Record) describes(o Record) bool {
	return r.ContextWindow == o.ContextWindow && r.MaxOutput == o.MaxOutput && r.Input == o.Input && r.Output == o.Output
}
