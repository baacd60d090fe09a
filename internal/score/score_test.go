package score_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
)

// shelf is a Store that takes everything.
type shelf struct{ drafts []score.Draft }

func (s *shelf) Put(_ context.Context, _ tenant.Scope, drafts []score.Draft) ([]error, error) {
	s.drafts = append(s.drafts, drafts...)
	return make([]error, len(drafts)), nil
}

func (s *shelf) Scores(context.Context, tenant.Scope, id.Call) ([]score.Score, error) {
	return nil, nil
}

func (s *shelf) Delete(context.Context, tenant.Scope, id.Call, id.Score) error { return nil }

var (
	noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	a    = tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Owner)
	b    = tenant.Authenticated("org_b", tenant.Actor{Key: "key_b"}, "")
)

func TestOnlyWhatIsAJudgementIsTaken(t *testing.T) {
	t.Parallel()
	call := id.NewCall()
	for _, tt := range []struct {
		name  string
		score score.New
		field string // "": taken
	}{
		{"a number at the bound", score.New{Call: call, Kind: score.Numeric, Value: -1e9}, ""},
		{"a number beyond it", score.New{Call: call, Kind: score.Numeric, Value: 1e9 + 1}, "value"},
		{"no number", score.New{Call: call, Kind: score.Numeric, Value: math.NaN()}, "value"},
		{"infinity", score.New{Call: call, Kind: score.Numeric, Value: math.Inf(-1)}, "value"},
		{"half true", score.New{Call: call, Kind: score.Boolean, Value: 0.5}, "value"},
		{"a category of 64 bytes", score.New{Call: call, Kind: score.Category, Text: strings.Repeat("x", 64)}, ""},
		{"a category of 65", score.New{Call: call, Kind: score.Category, Text: strings.Repeat("x", 65)}, "category"},
		{"an empty category", score.New{Call: call, Kind: score.Category}, "category"},
		{"a comment of 4 KiB", score.New{Call: call, Kind: score.Comment, Text: strings.Repeat("x", 4096)}, ""},
		{"a longer one", score.New{Call: call, Kind: score.Comment, Text: strings.Repeat("x", 4097)}, "comment"},
		{"an empty comment", score.New{Call: call, Kind: score.Comment}, "comment"},
		{"no UTF-8", score.New{Call: call, Kind: score.Comment, Text: "\xff"}, "comment"},
		{"no kind", score.New{Call: call}, "value"},
		{"no call", score.New{Kind: score.Numeric}, "call_id"},
		{"a name that is none", score.New{Call: call, Kind: score.Numeric, Name: "9lives"}, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.score.Source = score.API
			s := score.NewService(&shelf{}, func() time.Time { return noon })
			got, err := s.Put(t.Context(), a, []score.New{tt.score})
			if err != nil {
				t.Fatal(err)
			}
			if tt.field == "" {
				if got[0].Err != nil || got[0].Score.Author != "user_a" || got[0].Score.At != noon || got[0].Score.Name == "" {
					t.Errorf("%+v", got[0])
				}
				return
			}
			if err := got[0].Err; !errors.Is(err, score.ErrInvalid) || !strings.Contains(err.Error(), "("+tt.field+")") {
				t.Errorf("%v, want one at %s", err, tt.field)
			}
		})
	}
}

// TestOfSeveralAlikeTheLastCounts, also within one request, and each is told the same id.
func TestOfSeveralAlikeTheLastCounts(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	s := score.NewService(store, func() time.Time { return noon })
	call := id.NewCall()
	list := []score.New{
		{Call: call, Kind: score.Numeric, Value: 1, Source: score.API},
		{Call: call, Kind: score.Numeric, Value: 7, Source: score.Judge, Author: "alias_j"},
		{Call: call, Kind: score.Numeric, Value: 2, Source: score.API},
	}
	got, err := s.Put(t.Context(), a, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(store.drafts) != 2 || store.drafts[0].Value != 2 || got[0].Score != got[2].Score || got[1].Score.ID == got[0].Score.ID {
		t.Errorf("%+v, stored %+v", got, store.drafts)
	}
}

// TestTheirPaceIsBounded: one organization's, and no other's.
func TestTheirPaceIsBounded(t *testing.T) {
	t.Parallel()
	now := noon
	s := score.NewService(&shelf{}, func() time.Time { return now })
	list := make([]score.New, score.BatchMax)
	for i := range list {
		list[i] = score.New{Call: id.NewCall(), Kind: score.Numeric, Source: score.API}
	}
	put := func(in tenant.Scope, n int) error {
		_, err := s.Put(t.Context(), in, list[:n])
		return err
	}
	if err := errors.Join(put(a, 1000), put(a, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := put(a, 1); !errors.Is(err, score.ErrTooFast) {
		t.Errorf("beyond the burst: %v", err)
	}
	if err := put(b, 1000); err != nil {
		t.Errorf("another organization waits too: %v", err)
	}
	now = now.Add(time.Second)
	if err := put(a, 200); err != nil {
		t.Errorf("a second later: %v", err)
	}
	if err := put(a, 1); !errors.Is(err, score.ErrTooFast) {
		t.Errorf("and no more than its share: %v", err)
	}
	if _, err := s.Put(t.Context(), b, make([]score.New, score.BatchMax+1)); !errors.Is(err, score.ErrTooMany) {
		t.Errorf("too many at once: %v", err)
	}
}

func FuzzGiven(f *testing.F) {
	for _, body := range []string{`{"value":1}`, `{"thumb":"up","comment":"x"}`, `{"category":"c","comment":"x"}`, `{"value":{"a":1}}`, `{"score":1e400}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var g score.Given
		if json.Unmarshal(body, &g) != nil {
			return
		}
		list, err := g.Read(id.NewCall(), score.API)
		if err != nil {
			if !errors.Is(err, score.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if len(list) == 0 || len(list) > 2 {
			t.Fatalf("%d scores", len(list))
		}
		for _, n := range list {
			if n.Kind == "" || n.Source != score.API || n.Call == (id.Call{}) {
				t.Fatalf("%+v", n)
			}
		}
	})
}
