package pricepg_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func rates(input, output money.Price) price.Rates {
	return price.Rates{}.Set(chat.Input, input).Set(chat.Output, output)
}

func listed(model string, input money.Price) price.Record {
	return price.Record{Provider: "acme", Model: model, Rates: rates(input, 2*input), Source: "litellm"}
}

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type house struct {
	*price.Service
	store *pricepg.Store
	db    *postgres.DB
	clock *clock
	in    tenant.Scope
}

func build(t *testing.T) house {
	t.Helper()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "Acme")
	store, c := pricepg.New(db), &clock{t: noon}
	shipped := []price.Record{listed("owl", 100).Stamp(), listed("bat", 200).Stamp()}
	return house{price.NewService(store, shipped, c.now), store, db, c, in}
}

func (h house) override(t *testing.T, n price.NewOverride) price.Override {
	t.Helper()
	o, err := h.Override(t.Context(), h.in, n)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// spans gives the overrides as from-to in hours after noon, with their input rate.
func (h house) spans(t *testing.T) (out []span) {
	t.Helper()
	list, err := h.Overrides(t.Context(), h.in)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		s := span{int(o.From.Sub(noon).Hours()), -1, o.Rates[chat.Input].Price}
		if !o.To.IsZero() {
			s.To = int(o.To.Sub(noon).Hours())
		}
		out = append(out, s)
	}
	return out
}

type span struct {
	From, To int // To -1 is open
	Rate     money.Price
}

func TestAnOverrideIsKeptAsItWasGiven(t *testing.T) {
	t.Parallel()
	h := build(t)
	want := h.override(t, price.NewOverride{
		Provider: "ACME", Model: "Owl/2", Rates: rates(5, 0).Set(chat.CacheRead, 1),
		Tiers: []price.Tier{{AboveInput: 1000, Rates: rates(6, 7)}}, From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour),
	})
	if want.Provider != "acme" || want.CreatedBy != string(h.in.Actor().User) || want.ID == "" {
		t.Errorf("made %+v", want)
	}
	got, err := h.Overrides(t.Context(), h.in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]price.Override{want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestANewOverrideEndsTheOneBefore(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(1, 1)})
	h.clock.pass(time.Hour)
	h.override(t, price.NewOverride{Provider: "acme", Model: "OWL", Rates: rates(2, 2)})
	h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(3, 3), From: noon.Add(5 * time.Hour)})
	if diff := cmp.Diff([]span{{0, 1, 1}, {1, 5, 2}, {5, -1, 3}}, h.spans(t)); diff != "" {
		t.Error(diff)
	}
	for name, tt := range map[string]struct {
		from time.Time
		want error
	}{
		"in the past":             {noon, price.ErrBackdated},
		"before a planned one":    {noon.Add(4 * time.Hour), price.ErrPlanned},
		"together with a planned": {noon.Add(5 * time.Hour), price.ErrPlanned},
	} {
		_, err := h.Override(t.Context(), h.in, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(9, 9), From: tt.from})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if len(h.spans(t)) != 3 {
		t.Error("a refused price was stored")
	}
}

func TestRemovingEndsAPriceNowAndWithdrawsAPlannedOne(t *testing.T) {
	t.Parallel()
	h := build(t)
	first := h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(1, 1), To: noon.Add(10 * time.Hour)})
	second := h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(2, 2), From: noon.Add(4 * time.Hour)})
	third := h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(3, 3), From: noon.Add(6 * time.Hour)})
	remove := func(o price.Override, want error) {
		t.Helper()
		if err := h.RemoveOverride(t.Context(), h.in, o.ID); !errors.Is(err, want) {
			t.Errorf("remove: %v, want %v", err, want)
		}
	}
	remove(second, nil) // the first goes on until the third
	if diff := cmp.Diff([]span{{0, 6, 1}, {6, -1, 3}}, h.spans(t)); diff != "" {
		t.Error(diff)
	}
	remove(third, nil) // the first has the end it was given
	if diff := cmp.Diff([]span{{0, 10, 1}}, h.spans(t)); diff != "" {
		t.Error(diff)
	}
	remove(third, price.ErrNotFound)
	h.clock.pass(2 * time.Hour)
	remove(first, nil)
	remove(first, price.ErrEnded)
	if diff := cmp.Diff([]span{{0, 2, 1}}, h.spans(t)); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherOrganizationsOverrideIsNotFound(t *testing.T) {
	t.Parallel()
	h := build(t)
	other, _ := pgtest.Org(t, h.db, "Other")
	o := h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(1, 1)})
	if err := h.RemoveOverride(t.Context(), other, o.ID); !errors.Is(err, price.ErrNotFound) {
		t.Errorf("remove: %v", err)
	}
	if got, err := h.Overrides(t.Context(), other); err != nil || len(got) != 0 {
		t.Errorf("sees %v, %v", got, err)
	}
	page, err := h.Catalogue(t.Context(), other, price.Query{Search: "owl"})
	if err != nil || len(page.Records) != 1 || page.Records[0].Source != "litellm" {
		t.Errorf("catalogue: %+v, %v", page, err)
	}
	if _, err := h.Override(t.Context(), other, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(2, 2)}); err != nil {
		t.Errorf("its own price of the same model: %v", err)
	}
	if _, err := h.Overrides(t.Context(), tenant.Scope{}); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("without a scope: %v", err)
	}
}

func TestConcurrentOverridesNeverOverlap(t *testing.T) {
	t.Parallel()
	h := build(t)
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() {
			_, results[i] = h.Override(t.Context(), h.in, price.NewOverride{
				Provider: "acme", Model: "owl", Rates: rates(money.Price(i+1), 1), From: noon.Add(time.Duration(i) * time.Hour),
			})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range results {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, price.ErrPlanned):
			t.Error(err)
		}
	}
	got := h.spans(t)
	if made == 0 || len(got) != made {
		t.Errorf("%d made, %d stored", made, len(got))
	}
	for i := range got[1:] {
		if got[i].To != got[i+1].From {
			t.Errorf("%+v is followed by %+v", got[i], got[i+1])
		}
	}
}

// The schema itself refuses what the code forgets.
func TestTheSchemaRefusesTwoPricesAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(1, 1)})
	if _, err := h.Import(t.Context(), []price.Record{listed("cat", 1)}, price.Apply); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"override": `INSERT INTO price_overrides (org_id, id, provider, model, rates, valid_from, created_at, created_by)
			SELECT org_id, id || 'x', provider, upper(model), rates, valid_from + interval '1 hour', created_at, created_by FROM price_overrides`,
		"import": `INSERT INTO prices (id, provider, model, rates, source, valid_from, valid_to)
			SELECT id || 'x', provider, upper(model), rates, source, valid_from - interval '1 hour', valid_from + interval '1 hour' FROM prices`,
	} {
		err := h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
		if err == nil {
			t.Errorf("%s: two prices hold at once", name)
		}
	}
}

func TestOrganizationsCannotWriteTheCatalogue(t *testing.T) {
	t.Parallel()
	h := build(t)
	if _, err := h.Import(t.Context(), []price.Record{listed("cat", 1)}, price.Apply); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{`DELETE FROM prices`, `UPDATE prices SET source = 'me'`, `INSERT INTO prices SELECT * FROM prices`} {
		err := h.db.InTenantPgx(t.Context(), h.in, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
		if err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
	n := 0
	err := h.db.InTenantPgx(t.Context(), h.in, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM prices`).Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("an organization reads %d rows, %v", n, err)
	}
}

func TestAnImportIsInForceFromNowOnAndOnlyOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	owl, cat, bat := listed("OWL", 150), listed("cat", 300), listed("bat", 200)
	cat.Tiers = []price.Tier{{AboveInput: 10, Rates: rates(600, 1200)}}
	cat.ContextWindow, cat.MaxOutput, cat.Input, cat.Output = 1000, 100, price.Text|price.Image, price.Text
	file := []price.Record{owl, cat, bat}

	dry, err := h.Import(t.Context(), file, price.DryRun)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := h.store.Imported(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("a dry run stored %d rows, %v", len(rows), err)
	}
	done, err := h.Import(t.Context(), file, price.Apply)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dry, done); diff != "" {
		t.Error("the dry run announced something else: " + diff)
	}
	if len(done.Added) != 1 || len(done.Changed) != 1 || done.Unchanged != 1 || done.Changed[0].Old.Rates[chat.Input].Price != 100 {
		t.Errorf("%+v", done)
	}
	stored, err := h.store.Imported(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]price.Record{done.Added[0], done.Changed[0].New}, stored); diff != "" {
		t.Error(diff)
	}

	h.clock.pass(time.Hour)
	if again, err := h.Import(t.Context(), file, price.Apply); err != nil || again.Unchanged != 3 {
		t.Errorf("the same file again: %+v, %v", again, err)
	}
	wider := cat
	wider.ContextWindow, wider.MaxOutput = 2000, 0 // an unknown limit takes the known one over
	if got, err := h.Import(t.Context(), []price.Record{wider}, price.Apply); err != nil || len(got.Changed) != 1 ||
		got.Changed[0].New.ContextWindow != 2000 || got.Changed[0].New.MaxOutput != 100 {
		t.Errorf("another context window: %+v, %v", got, err)
	}
	if _, err := h.Import(t.Context(), []price.Record{listed("owl", 160)}, price.Apply); err != nil {
		t.Fatal(err)
	}
	book, err := h.Book(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]money.Price{-1: 100, 0: 150, time.Hour - 1: 150, time.Hour: 160} {
		if got, _ := book.Lookup("acme", "owl", noon.Add(at)); got.Rates[chat.Input].Price != want {
			t.Errorf("%s after noon the owl costs %d, want %d", at, got.Rates[chat.Input].Price, want)
		}
	}
	h.clock.pass(-2 * time.Hour) // a clock that was put back
	if _, err := h.Import(t.Context(), []price.Record{listed("owl", 170)}, price.Apply); !errors.Is(err, price.ErrPlanned) {
		t.Errorf("an import before the last one: %v", err)
	}
	if _, err := h.Import(t.Context(), []price.Record{{Provider: "acme"}}, price.Apply); !errors.Is(err, price.ErrInvalid) {
		t.Errorf("a record that is none: %v", err)
	}
}

func TestTheCatalogueIsPagedAndShowsOverridesInPlace(t *testing.T) {
	t.Parallel()
	h := build(t)
	if _, err := h.Import(t.Context(), []price.Record{listed("cat", 300), listed("dog", 400)}, price.Apply); err != nil {
		t.Fatal(err)
	}
	o := h.override(t, price.NewOverride{Provider: "acme", Model: "cat", Rates: rates(1, 1)})
	var got []price.Record
	q := price.Query{Provider: "acme", Limit: 2}
	for range 3 {
		page, err := h.Catalogue(t.Context(), h.in, q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Records...)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	var names []string
	for _, r := range got {
		names = append(names, r.Model+" "+r.Source)
	}
	if diff := cmp.Diff([]string{"bat litellm", "cat override", "dog litellm", "owl litellm"}, names); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(o.Record, got[1], cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if page, err := h.Catalogue(t.Context(), h.in, price.Query{Search: "O"}); err != nil || len(page.Records) != 2 {
		t.Errorf("search: %+v, %v", page, err)
	}
	if page, err := h.Catalogue(t.Context(), h.in, price.Query{Provider: "nobody"}); err != nil || len(page.Records) != 0 {
		t.Errorf("nobody: %+v, %v", page, err)
	}
}

func TestTheSnapshotSeesTheOverridesOfEveryOrganization(t *testing.T) {
	t.Parallel()
	h := build(t)
	other, _ := pgtest.Org(t, h.db, "Other")
	a := h.override(t, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(1, 1)})
	b, err := h.Override(t.Context(), other, price.NewOverride{Provider: "acme", Model: "owl", Rates: rates(2, 2)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.store.AllOverrides(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[id.Org][]price.Record{h.in.Org(): {a.Record}, other.Org(): {b.Record}}, got); diff != "" {
		t.Error(diff)
	}
}
