package keypg_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 123456000, time.UTC)

func hasher(t *testing.T) *key.Hasher {
	t.Helper()
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	return key.NewHasher(ring)
}

func service(t *testing.T, db *postgres.DB) *key.Service {
	return key.NewService(keypg.New(db), hasher(t), func() time.Time { return noon })
}

func full(team id.Team) key.New {
	return key.New{
		Team: team, Name: "Triage", Environment: "production", Aliases: []string{"smart", "fast", "fast"}, Models: []string{"openai/*"},
		Endpoints: []key.Endpoint{key.ModelsEndpoint, key.ChatEndpoint},
		Networks:  []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		ExpiresAt: noon.Add(time.Hour), Workflow: "triage", Task: "classification", Tags: map[string]string{"cost centre": "4711"}, Privacy: key.PrivacyFull, DropUnsupported: true,
	}
}

func TestIssuedKeyIsReadBackWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	s := service(t, db)
	made, secret, err := s.Issue(t.Context(), in, full(team))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Key(t.Context(), in, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-issued +read):\n%s", diff)
	}
	if !cmp.Equal(got.Aliases, []string{"fast", "smart"}) || got.CreatedBy != string(in.Actor().User) || !strings.HasPrefix(secret.Reveal(), got.Prefix) ||
		!strings.HasSuffix(secret.Reveal(), got.Last4) {
		t.Errorf("%+v", got)
	}
	// The secret is nowhere in the row, the hash is.
	var doc string
	var hash []byte
	err = db.InTenantPgx(t.Context(), in, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT to_jsonb(k)::text || to_jsonb(s)::text, hash FROM keys k JOIN key_secrets s ON s.key_id = k.id`).Scan(&doc, &hash)
	})
	if want := hasher(t).Hash(secret); err != nil || strings.Contains(doc, secret.Reveal()[12:]) || string(hash) != string(want[:]) {
		t.Errorf("row %s, %v", doc, err)
	}
	minimal, _, err := s.Issue(t.Context(), in, key.New{Team: team, Name: "Plain"})
	if err != nil || minimal.Environment != key.Production || minimal.Privacy != key.PrivacyMetadata {
		t.Errorf("%+v, %v", minimal, err)
	}
}

func TestValidationNamesTheField(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	other, foreign := pgtest.Org(t, db, "B")
	_ = other
	s := service(t, db)
	tests := []struct {
		field string
		spoil func(*key.New)
	}{
		{"name", func(n *key.New) { n.Name = " " }},
		{"name", func(n *key.New) { n.Name = strings.Repeat("é", 201) }},
		{"name", func(n *key.New) { n.Name = "a\nb" }},
		{"team_id", func(n *key.New) { n.Team = "" }},
		{"team_id", func(n *key.New) { n.Team = "team_nowhere" }},
		{"team_id", func(n *key.New) { n.Team = foreign }},
		{"environment", func(n *key.New) { n.Environment = "Production" }},
		{"expires_at", func(n *key.New) { n.ExpiresAt = noon }},
		{"privacy", func(n *key.New) { n.Privacy = "some" }},
		{"aliases.1", func(n *key.New) { n.Aliases = []string{"a", "b/c"} }},
		{"models.0", func(n *key.New) { n.Models = []string{"gpt-4o"} }},
		{"endpoints.0", func(n *key.New) { n.Endpoints = []key.Endpoint{"video"} }},
		{"networks.0", func(n *key.New) { n.Networks = []netip.Prefix{{}} }},
		{"workflow", func(n *key.New) { n.Workflow = strings.Repeat("w", 257) }},
		{"task", func(n *key.New) { n.Task = "Two Words" }},
		{"task", func(n *key.New) { n.Task = strings.Repeat("t", 65) }},
		{"tags.k", func(n *key.New) { n.Tags = map[string]string{"k": strings.Repeat("v", 257)} }},
		{"tags." + strings.Repeat("k", 65), func(n *key.New) { n.Tags = map[string]string{strings.Repeat("k", 65): "v"} }},
		{"tags", func(n *key.New) {
			n.Tags = map[string]string{}
			for i := range 33 {
				n.Tags[strings.Repeat("k", i+1)] = "v"
			}
		}},
		{"aliases", func(n *key.New) { n.Aliases = make([]string, 0); n.Aliases = many(101) }},
	}
	for _, tt := range tests {
		n := full(team)
		tt.spoil(&n)
		_, _, err := s.Issue(t.Context(), in, n)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
	if keys, _, err := s.List(t.Context(), in, key.Filter{}, "", 10); err != nil || len(keys) != 0 {
		t.Errorf("%d keys were made, %v", len(keys), err)
	}
}

func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, strings.Repeat("a", i%60+1)+string(rune('a'+i%26)))
	}
	return out
}

func TestNamesOfRevokedKeysAreFree(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	s := service(t, db)
	first, _, err := s.Issue(t.Context(), in, full(team))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Issue(t.Context(), in, full(team)); !errors.Is(err, key.ErrTaken) {
		t.Errorf("%v, want ErrTaken", err)
	}
	revoked, err := s.Revoke(t.Context(), in, first.ID, key.Finish)
	if err != nil || !revoked.RevokedAt.Equal(noon) {
		t.Fatalf("%+v, %v", revoked, err)
	}
	if again, err := s.Revoke(t.Context(), in, first.ID, key.Finish); err != nil || again.Revision != revoked.Revision {
		t.Errorf("revoking again: %+v, %v", again, err)
	}
	if _, _, err := s.Issue(t.Context(), in, full(team)); err != nil {
		t.Error(err)
	}
	if _, err := s.Update(t.Context(), in, first.ID, key.Change{}, nil); !errors.Is(err, key.ErrDead) {
		t.Errorf("a dead key was changed: %v", err)
	}
}

func TestAnotherOrganizationsKeyIsNotFound(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, team := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(t, db)
	k, _, err := s.Issue(t.Context(), a, full(team))
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"read":   func() error { _, err := s.Key(t.Context(), b, k.ID); return err },
		"update": func() error { _, err := s.Update(t.Context(), b, k.ID, key.Change{}, nil); return err },
		"revoke": func() error { _, err := s.Revoke(t.Context(), b, k.ID, key.Finish); return err },
	} {
		if err := call(); !errors.Is(err, key.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if keys, _, err := s.List(t.Context(), b, key.Filter{}, "", 10); err != nil || len(keys) != 0 {
		t.Errorf("B sees %d keys, %v", len(keys), err)
	}
	if _, err := s.Key(t.Context(), tenant.Scope{}, k.ID); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("without a scope: %v", err)
	}
	if got, err := s.Key(t.Context(), a, k.ID); err != nil || !got.RevokedAt.IsZero() || got.Revision != 1 {
		t.Errorf("B changed it: %+v, %v", got, err)
	}
}

func TestUpdateChangesWhatIsNamedAndHonoursTheCheck(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	s := service(t, db)
	k, _, err := s.Issue(t.Context(), in, full(team))
	if err != nil {
		t.Fatal(err)
	}
	name, none, forever, refuse := "Renamed", []string{}, time.Time{}, false
	got, err := s.Update(t.Context(), in, k.ID, key.Change{Name: &name, Aliases: &none, ExpiresAt: &forever, DropUnsupported: &refuse}, func(now key.Key) error {
		if now.Revision != 1 {
			return key.ErrStale
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := k
	want.Name, want.Aliases, want.ExpiresAt, want.Revision, want.DropUnsupported = name, nil, forever, 2, false
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if stored, err := s.Key(t.Context(), in, k.ID); err != nil || !cmp.Equal(want, stored, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()) {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if _, err := s.Update(t.Context(), in, k.ID, key.Change{Name: &name}, func(key.Key) error { return key.ErrStale }); !errors.Is(err, key.ErrStale) {
		t.Errorf("%v, want ErrStale", err)
	}
}

// Of changes that all read the same revision exactly one is made.
func TestSimultaneousUpdatesDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	s := service(t, db)
	k, _, err := s.Issue(t.Context(), in, full(team))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			workflow := strings.Repeat("w", i+1)
			_, errs[i] = s.Update(t.Context(), in, k.ID, key.Change{Workflow: &workflow}, func(now key.Key) error {
				if now.Revision != k.Revision {
					return key.ErrStale
				}
				return nil
			})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, key.ErrStale) {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d changes were made, want 1", made)
	}
}

func TestListPagesThroughEveryKeyOnceAndFilters(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "A")
	s := service(t, db)
	var made []id.Key
	for _, name := range []string{"one", "two", "100%", "four", "five"} {
		n := full(team)
		n.Name = name
		if name == "two" {
			n.Environment, n.ExpiresAt = "staging", time.Time{}
		}
		k, _, err := s.Issue(t.Context(), in, n)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, k.ID)
	}
	var seen []id.Key
	var after id.Key
	for {
		keys, more, err := s.List(t.Context(), in, key.Filter{}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			seen = append(seen, k.ID)
			after = k.ID
		}
		if !more {
			break
		}
	}
	if want := []id.Key{made[4], made[3], made[2], made[1], made[0]}; !cmp.Equal(want, seen) {
		t.Errorf("pages gave %v, want %v", seen, want)
	}
	if _, err := s.Revoke(t.Context(), in, made[0], key.Finish); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkUsed(t.Context(), map[id.Key]time.Time{made[3]: noon, made[4]: noon.Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	later := key.NewService(keypg.New(db), hasher(t), func() time.Time { return noon.Add(2 * time.Hour) })
	tests := []struct {
		name   string
		filter key.Filter
		s      *key.Service
		want   []string
	}{
		{"by environment", key.Filter{Environment: "staging"}, s, []string{"two"}},
		{"by team", key.Filter{Team: team}, s, []string{"five", "four", "100%", "two", "one"}},
		{"by another team", key.Filter{Team: "team_x"}, s, nil},
		{"revoked", key.Filter{State: key.Revoked}, s, []string{"one"}},
		{"live", key.Filter{State: key.Usable}, s, []string{"five", "four", "100%", "two"}},
		{"live later", key.Filter{State: key.Usable}, later, []string{"two"}},
		{"expired later, revoked ones apart", key.Filter{State: key.Expired}, later, []string{"five", "four", "100%"}},
		{"a percent sign is a character", key.Filter{Text: "%"}, s, []string{"100%"}},
		{"an underscore is a character", key.Filter{Text: "o_e"}, s, nil},
		{"text in any case", key.Filter{Text: "FIV"}, s, []string{"five"}},
		{"unused", key.Filter{UnusedSince: noon}, s, []string{"five", "100%", "two", "one"}},
		{"expiring", key.Filter{ExpiringBefore: noon.Add(2 * time.Hour)}, s, []string{"five", "four", "100%"}},
	}
	for _, tt := range tests {
		keys, _, err := tt.s.List(t.Context(), in, tt.filter, "", 10)
		var names []string
		for _, k := range keys {
			names = append(names, k.Name)
		}
		if err != nil || !cmp.Equal(tt.want, names) {
			t.Errorf("%s: %v %v, want %v", tt.name, names, err, tt.want)
		}
	}
}

func TestLastUseMovesForwardAndIsNoChangeOfConfiguration(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, teamA := pgtest.Org(t, db, "A")
	b, teamB := pgtest.Org(t, db, "B")
	s := service(t, db)
	ka, _, err := s.Issue(t.Context(), a, full(teamA))
	if err != nil {
		t.Fatal(err)
	}
	kb, _, err := s.Issue(t.Context(), b, full(teamB))
	if err != nil {
		t.Fatal(err)
	}
	before := rev(t.Context(), t, db)
	for _, used := range []map[id.Key]time.Time{{ka.ID: noon, kb.ID: noon}, {ka.ID: noon.Add(-time.Hour), kb.ID: noon.Add(time.Hour)}, {}, {"key_none": noon}} {
		if err := s.MarkUsed(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []struct {
		in tenant.Scope
		k  id.Key
		at time.Time
	}{{a, ka.ID, noon}, {b, kb.ID, noon.Add(time.Hour)}} {
		if got, err := s.Key(t.Context(), want.in, want.k); err != nil || !got.LastUsedAt.Equal(want.at) || got.Revision != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if after := rev(t.Context(), t, db); after != before {
		t.Errorf("configuration went from %d to %d", before, after)
	}
	if _, err := s.Revoke(t.Context(), a, ka.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	if after := rev(t.Context(), t, db); after <= before {
		t.Errorf("a revocation took configuration from %d to %d", before, after)
	}
}

func rev(ctx context.Context, t *testing.T, db *postgres.DB) (n int64) {
	t.Helper()
	if err := db.InSystemPgx(ctx, "test", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT rev FROM config_rev`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
