package limitpg_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/snapshot/snapshotpg"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func TestALimitsLife(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "Acme")
	other, _ := pgtest.Org(t, db, "Globex")
	s := limit.NewService(limitpg.New(db), func() time.Time { return noon })
	ctx := t.Context()
	made, err := s.Create(ctx, in, limit.New{
		Name: " Team rpm ", Selector: dimension.Selector{{Dimension: dimension.Team, Value: string(team)}}, Each: dimension.Key, Metric: limit.Requests, Amount: 60,
		Per: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Limit(ctx, in, made.ID)
	if err != nil || got.Name != "Team rpm" {
		t.Fatalf("%+v %v", got, err)
	}
	if d := cmp.Diff(made, got); d != "" {
		t.Errorf("stored otherwise than made: %s", d)
	}
	amount, watch := int64(90), true
	changed, err := s.Update(ctx, in, made.ID, limit.Change{Amount: &amount, Watch: &watch}, nil)
	if err != nil || changed.Amount != 90 || !changed.Watch || changed.Revision != 2 || changed.Each != dimension.Key {
		t.Errorf("%+v %v", changed, err)
	}
	concurrency := limit.Concurrency
	if changed, err = s.Update(ctx, in, made.ID, limit.Change{Metric: &concurrency}, nil); err != nil || changed.Per != 0 {
		t.Errorf("calls at once have no period: %+v %v", changed, err)
	}
	for name, err := range map[string]error{
		"read": second(s.Limit(ctx, other, made.ID)), "change": second(s.Update(ctx, other, made.ID, limit.Change{}, nil)),
		"archive": second(s.Archive(ctx, other, made.ID)), "restore": second(s.Restore(ctx, other, made.ID)),
	} {
		if !errors.Is(err, limit.ErrNotFound) {
			t.Errorf("another organization may %s it: %v", name, err)
		}
	}
	if _, err := s.Archive(ctx, in, made.ID); err != nil {
		t.Fatal(err)
	}
	if list, _, _ := s.List(ctx, in, limit.Filter{}, "", 10); len(list) != 0 {
		t.Errorf("archived, and listed: %+v", list)
	}
	if list, _, _ := s.List(ctx, in, limit.Filter{Archived: true, Text: "TEAM"}, "", 10); len(list) != 1 {
		t.Errorf("archived: %+v", list)
	}
	if _, err := s.Update(ctx, in, made.ID, limit.Change{Amount: &amount}, nil); !errors.Is(err, limit.ErrNotFound) {
		t.Errorf("an archived limit can be changed: %v", err)
	}
	if _, err := s.Create(ctx, in, limit.New{Name: "Team rpm", Metric: limit.Requests, Amount: 1, Per: time.Second}); err != nil {
		t.Fatal("an archived limit keeps its name:", err)
	}
	if _, err := s.Restore(ctx, in, made.ID); !errors.Is(err, limit.ErrTaken) {
		t.Errorf("two of one name: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatIsNoLimitIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "Acme")
	_, foreign := pgtest.Org(t, db, "Globex")
	s := limit.NewService(limitpg.New(db), func() time.Time { return noon })
	for _, tt := range []struct {
		name  string
		limit limit.New
		field string
	}{
		{"no name", limit.New{Metric: limit.Requests, Amount: 1, Per: time.Second}, "name"},
		{"no metric", limit.New{Name: "x", Amount: 1, Per: time.Second}, "metric"},
		{"no amount", limit.New{Name: "x", Metric: limit.Tokens, Per: time.Second}, "amount"},
		{"no period", limit.New{Name: "x", Metric: limit.Tokens, Amount: 1}, "per"},
		{"a period of calls at once", limit.New{Name: "x", Metric: limit.Concurrency, Amount: 1, Per: time.Second}, "per"},
		{"two minutes", limit.New{Name: "x", Metric: limit.Tokens, Amount: 1, Per: 2 * time.Minute}, "per"},
		{"each of nothing known", limit.New{Name: "x", Metric: limit.Tokens, Amount: 1, Per: time.Second, Each: "moon"}, "each"},
		{"each of one", limit.New{
			Name: "x", Metric: limit.Tokens, Amount: 1, Per: time.Second, Each: dimension.Alias,
			Selector: dimension.Selector{{Dimension: dimension.Alias, Value: "a"}},
		}, "each"},
		{"another organization's team", limit.New{
			Name: "x", Metric: limit.Tokens, Amount: 1, Per: time.Second, Selector: dimension.Selector{{Dimension: dimension.Team, Value: string(foreign)}},
		}, "selector"},
		{"a key that is none", limit.New{
			Name: "x", Metric: limit.Tokens, Amount: 1, Per: time.Second, Selector: dimension.Selector{{Dimension: dimension.Key, Value: "key_none"}},
		}, "selector"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := s.Create(t.Context(), in, tt.limit)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTheirNumberIsBounded(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "Acme")
	store := limitpg.New(db)
	var g errgroup.Group
	refused := make(chan error, 12)
	for i := range 12 {
		g.Go(func() error {
			err := store.Insert(t.Context(), in, limit.Limit{
				ID: id.Limit(id.New("lim")), Name: fmt.Sprint(i), Metric: limit.Requests, Amount: 1, Per: time.Second, Revision: 1, CreatedAt: noon, CreatedBy: "x", UpdatedAt: noon,
			}, 5)
			if errors.Is(err, limit.ErrTooMany) {
				refused <- err
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(refused) != 7 {
		t.Errorf("of 12 at once, with room for 5, %d are refused", len(refused))
	}
}

// TestProxiesHoldTheLimitsThatHold: neither those that are off nor those that are archived, and each of its organization alone.
func TestProxiesHoldTheLimitsThatHold(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "Acme")
	other, _ := pgtest.Org(t, db, "Globex")
	s := limit.NewService(limitpg.New(db), func() time.Time { return noon })
	source := snapshotpg.New(db, prices{})
	rev, err := source.Rev(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holds, err := s.Create(t.Context(), in, limit.New{
		Name: "holds", Metric: limit.Tokens, Amount: 5, Per: time.Hour, Watch: true, Each: dimension.EndUser,
		Selector: dimension.Selector{{Dimension: "tag:env", Value: "prod"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), in, limit.New{Name: "off", Metric: limit.Tokens, Amount: 5, Per: time.Hour, Off: true}); err != nil {
		t.Fatal(err)
	}
	gone, err := s.Create(t.Context(), in, limit.New{Name: "gone", Metric: limit.Tokens, Amount: 5, Per: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Archive(t.Context(), in, gone.ID); err != nil {
		t.Fatal(err)
	}
	d, err := source.Since(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	want := []limit.Limit{{
		ID: holds.ID, Name: "holds", Selector: dimension.Selector{{Dimension: "tag:env", Value: "prod"}}, Each: dimension.EndUser, Metric: limit.Tokens, Amount: 5,
		Per: time.Hour, Watch: true,
	}}
	if d.Orgs[in.Org()] == nil || d.Orgs[other.Org()] != nil {
		t.Fatalf("the change is not one of this organization: %+v", d)
	}
	if diff := cmp.Diff(want, d.Orgs[in.Org()].Limits); diff != "" {
		t.Error(diff)
	}
}

type prices struct{ snapshotpg.Prices }
