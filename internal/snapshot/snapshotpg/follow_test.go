package snapshotpg_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/credential/sign"
	"tollgate/internal/credential/vault"
	"tollgate/internal/egress"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/tenant"
)

func vendors(id string) (provider.Vendor, bool) {
	v := provider.Vendor{ID: id, Name: id, BaseURL: "https://" + id + ".example", Auth: "bearer"}
	if id == "bedrock" {
		v.BaseURL, v.Fields = "https://{region}.bedrock.example", []provider.Field{{Name: "region", Required: true}}
	}
	return v, id == "openai" || id == "anthropic" || id == "bedrock"
}

// house is an installation: the services that change configuration and a follower that reads it.
type house struct {
	t           *testing.T
	db          *postgres.DB
	ring        *secret.Keyring
	hasher      *key.Hasher
	keys        *key.Service
	credentials *credential.Service
	aliases     *alias.Service
	prices      *price.Service
	vault       *vault.Vault
}

func build(t *testing.T) *house {
	t.Helper()
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	kms, err := vault.NewLocal(ring)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: pgtest.New(t), ring: ring, hasher: key.NewHasher(ring), vault: vault.New(kms)}
	h.keys = key.NewService(keypg.New(h.db), h.hasher, time.Now)
	signer := sign.New(t.Context(), sign.Config{Now: time.Now})
	h.credentials = credential.NewService(credentialpg.New(h.db), h.vault, vendors, egress.New(nil), credential.NewTester(nil, signer, time.Now), time.Now)
	h.aliases = alias.NewService(aliaspg.New(h.db), alias.Words{Vendors: vendors, Condition: condition.Check}, time.Now)
	h.prices = price.NewService(pricepg.New(h.db), shipped, time.Now)
	return h
}

var shipped = []price.Record{price.Record{Provider: "openai", Model: "gpt", Rates: price.Rates{}.Set(chat.Input, 100)}.Stamp()}

func (h *house) source() snapshot.Source { return snapshotpg.New(h.db, pricepg.New(h.db)) }

func (h *house) deps(s snapshot.Source) snapshot.Deps {
	return snapshot.Deps{
		Source: s, Vendors: vendors, Shipped: shipped, Now: time.Now, Logger: slog.New(slog.NewTextHandler(h.t.Output(), nil)),
		Open: func(ctx context.Context, org id.Org, c credential.Credential, s credential.Sealed) (secret.Text, error) {
			return credential.Open(ctx, h.vault, org, c, s)
		},
	}
}

// follow runs a follower until the test ends, or stop is called.
func (h *house) follow(d snapshot.Deps) (f *snapshot.Follower, stop func()) {
	h.t.Helper()
	f = snapshot.NewFollower(d)
	f.Boot(h.t.Context())
	ctx, cancel := context.WithCancel(h.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(ctx) })
	stop = func() { cancel(); wg.Wait() }
	h.t.Cleanup(stop)
	return f, stop
}

// await waits until the snapshot is as told and returns how long that took.
func await(t *testing.T, f *snapshot.Follower, what string, is func(*snapshot.Snapshot) bool) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		if s := f.Snapshot(); s != nil && is(s) {
			return time.Since(start)
		}
		if time.Since(start) > 10*time.Second {
			t.Errorf("not within 10 s: %s; %+v", what, f.Status())
			return time.Since(start)
		}
		time.Sleep(time.Millisecond) // polling with a deadline
	}
}

func (h *house) issue(in tenant.Scope, team id.Team, name string) (key.Key, key.Hash) {
	h.t.Helper()
	k, s, err := h.keys.Issue(h.t.Context(), in, key.New{Team: team, Name: name, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Tags: map[string]string{"a": "b"}, DropUnsupported: name == "one"})
	if err != nil {
		h.t.Fatal(err)
	}
	return k, h.hasher.Hash(s)
}

func TestASnapshotHoldsEachOrganizationsOwnConfiguration(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, teamA := pgtest.Org(t, h.db, "A")
	b, teamB := pgtest.Org(t, h.db, "B")
	ka, ha := h.issue(a, teamA, "one")
	_, hb := h.issue(b, teamB, "one")
	ca, err := h.credentials.Connect(t.Context(), a, credential.New{Provider: "openai", Secret: secret.NewText("sk-of-A-0123456789")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.credentials.Connect(t.Context(), b, credential.New{Provider: "openai", Secret: secret.NewText("sk-of-B-0123456789"), BaseURL: "https://b.example"}); err != nil {
		t.Fatal(err)
	}
	route := alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt", Credential: ca.ID}}, Timeout: time.Minute, DropUnsupported: true}
	al, err := h.aliases.Create(t.Context(), a, "fast", route, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.prices.Override(t.Context(), b, price.NewOverride{Provider: "openai", Model: "gpt", Rates: price.Rates{}.Set(chat.Input, 7)}); err != nil {
		t.Fatal(err)
	}
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the first snapshot", func(s *snapshot.Snapshot) bool { return s.Keys() == 2 })
	s := f.Snapshot()
	got, ok := s.Key(ha)
	if !ok {
		t.Fatal("A's key is not there")
	}
	if diff := cmp.Diff(ka, got.Key, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("key (-issued +held):\n%s", diff)
	}
	if got.Scope.Org() != a.Org() || got.Scope.Actor().Key != ka.ID || got.Scope.Role() != "" || got.Org.Teams[teamA] != "First team" || got.Org.Name != "A" {
		t.Errorf("%+v", got)
	}
	if c := got.Org.Credentials[ca.ID]; c.Secret.Reveal() != "sk-of-A-0123456789" || got.Org.Default["openai"] != ca.ID || c.BaseURL != "https://openai.example" || len(got.Org.Credentials) != 1 {
		t.Errorf("%+v", got.Org.Credentials)
	}
	if x := got.Org.Aliases["fast"]; x == nil || x.ID != al.ID || !x.Route.Same(al.Route) {
		t.Errorf("%+v", got.Org.Aliases)
	}
	other, ok := s.Key(hb)
	if !ok || other.Org == got.Org || len(other.Org.Aliases) != 0 || len(other.Org.Credentials) != 1 || other.Scope.Org() != b.Org() {
		t.Fatalf("%+v", other)
	}
	later := time.Now().Add(time.Minute)
	for name, want := range map[*snapshot.Org]int64{got.Org: 100, other.Org: 7} {
		if r, ok := name.Prices.Lookup("openai", "gpt", later); !ok || int64(r.Rates[chat.Input].Price) != want {
			t.Errorf("%s pays %+v, want %d", name.Name, r.Rates, want)
		}
	}
	if len(f.Status().Bad) != 0 {
		t.Errorf("%+v", f.Status())
	}
}

func TestTheSettingsOfACredentialArrive(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	other, _ := pgtest.Org(t, h.db, "B")
	made := map[tenant.Scope]id.Credential{}
	for scope, region := range map[tenant.Scope]string{in: "eu-west-1", other: "us-east-1"} {
		c, err := h.credentials.Connect(t.Context(), scope, credential.New{Provider: "bedrock", Secret: secret.NewText("key-0123456789"), Settings: map[string]string{"region": region}})
		if err != nil {
			t.Fatal(err)
		}
		made[scope] = c.ID
	}
	f, _ := h.follow(h.deps(h.source()))
	look := func(s *snapshot.Snapshot, scope tenant.Scope) (c snapshot.Credential) {
		if o, ok := s.Org(scope.Org()); ok {
			if have := o.Credentials[made[scope]]; have != nil {
				c = *have
			}
		}
		return c
	}
	goes := func(scope tenant.Scope, secret, region string) {
		t.Helper()
		await(t, f, region, func(s *snapshot.Snapshot) bool {
			c := look(s, scope)
			return c.Secret.Reveal() == secret && c.Settings["region"] == region && c.BaseURL == "https://"+region+".bedrock.example"
		})
	}
	goes(in, "key-0123456789", "eu-west-1")
	goes(other, "key-0123456789", "us-east-1")
	again := secret.NewText("key-9876543210")
	if _, err := h.credentials.Update(t.Context(), in, made[in], credential.Change{Settings: map[string]string{"region": "eu-north-1"}, Secret: &again}, nil); err != nil {
		t.Fatal(err)
	}
	goes(in, "key-9876543210", "eu-north-1")
	if got := f.Snapshot(); look(got, other).Settings["region"] != "us-east-1" {
		t.Error("another organization's settings changed")
	}
	// Settings that were changed behind the product's back open nothing: the last good form stays.
	err := h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE credentials SET settings = '{"region":"evil"}' WHERE id = $1`, string(made[in]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, f, "the report", func(*snapshot.Snapshot) bool { return len(f.Status().Bad) > 0 })
	goes(in, "key-9876543210", "eu-north-1")
}

func TestEveryKindOfChangeArrives(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	quiet, _ := pgtest.Org(t, h.db, "Quiet")
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the organizations", func(s *snapshot.Snapshot) bool { return s.Orgs() == 2 })
	untouched, _ := f.Snapshot().Org(quiet.Org())
	org := func(s *snapshot.Snapshot) *snapshot.Org { o, _ := s.Org(in.Org()); return o }
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	c, err := h.credentials.Connect(ctx, in, credential.New{Provider: "openai", Secret: secret.NewText("sk-first-0123456789")})
	must(err)
	await(t, f, "a credential", func(s *snapshot.Snapshot) bool {
		got := org(s).Credentials[c.ID]
		return got != nil && got.Secret.Reveal() == "sk-first-0123456789"
	})
	second := secret.NewText("sk-second-0123456789")
	_, err = h.credentials.Update(ctx, in, c.ID, credential.Change{Secret: &second}, nil)
	must(err)
	await(t, f, "a new secret", func(s *snapshot.Snapshot) bool { return org(s).Credentials[c.ID].Secret.Reveal() == second.Reveal() })
	share := 40
	_, err = h.credentials.Update(ctx, in, c.ID, credential.Change{Weight: &share}, nil)
	must(err)
	await(t, f, "a weight", func(s *snapshot.Snapshot) bool {
		return len(org(s).Pools["openai"]) == 1 && org(s).Credentials[c.ID].Weight == share
	})
	must(h.credentials.Delete(ctx, in, c.ID))
	await(t, f, "a deleted credential", func(s *snapshot.Snapshot) bool { return len(org(s).Credentials) == 0 && len(org(s).Default) == 0 })

	to := func(m string) alias.Route {
		return alias.Route{Targets: []alias.Target{{Provider: "openai", Model: m}}}
	}
	x, err := h.aliases.Create(ctx, in, "fast", to("one"), "")
	must(err)
	await(t, f, "an alias", func(s *snapshot.Snapshot) bool { return org(s).Aliases["fast"] != nil })
	_, err = h.aliases.Update(ctx, in, x.ID, to("two"), "", nil)
	must(err)
	await(t, f, "a version", func(s *snapshot.Snapshot) bool { return org(s).Aliases["fast"].Route.Targets[0].Model == "two" })
	must(h.aliases.Delete(ctx, in, x.ID))
	await(t, f, "a deleted alias", func(s *snapshot.Snapshot) bool { return org(s).Aliases["fast"] == nil })

	k, hash := h.issue(in, team, "one")
	await(t, f, "a key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return ok })
	workflow := "triage"
	_, err = h.keys.Update(ctx, in, k.ID, key.Change{Workflow: &workflow}, nil)
	must(err)
	await(t, f, "a changed key", func(s *snapshot.Snapshot) bool {
		got, _ := s.Key(hash)
		return got.Workflow == workflow && got.Org == org(s)
	})

	o, err := h.prices.Override(ctx, in, price.NewOverride{Provider: "openai", Model: "gpt", Rates: price.Rates{}.Set(chat.Input, 7)})
	must(err)
	cost := func(s *snapshot.Snapshot) int64 {
		r, _ := org(s).Prices.Lookup("openai", "gpt", time.Now().Add(time.Minute))
		return int64(r.Rates[chat.Input].Price)
	}
	await(t, f, "an override", func(s *snapshot.Snapshot) bool { return cost(s) == 7 })
	must(h.prices.RemoveOverride(ctx, in, o.ID))
	await(t, f, "a removed override", func(s *snapshot.Snapshot) bool { return cost(s) == 100 })

	exec := func(sql string) {
		t.Helper()
		must(h.db.InSystemPgx(ctx, "test", func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sql); return err }))
	}
	exec(`UPDATE teams SET name = 'Support' WHERE org_id = '` + string(in.Org()) + `'`)
	await(t, f, "a renamed team", func(s *snapshot.Snapshot) bool { return org(s).Teams[team] == "Support" })
	if now, _ := f.Snapshot().Org(quiet.Org()); now != untouched {
		t.Error("an organization that did not change was loaded again")
	}
	must(pricepg.New(h.db).Import(ctx, []price.Record{price.Record{Provider: "openai", Model: "gpt", Rates: price.Rates{}.Set(chat.Input, 55), From: time.Now(), Source: "test"}.Stamp()}, time.Now().Truncate(time.Microsecond)))
	await(t, f, "an imported price", func(s *snapshot.Snapshot) bool { return cost(s) == 55 })
	exec(`DELETE FROM members WHERE org_id = '` + string(quiet.Org()) + `'; DELETE FROM teams WHERE org_id = '` + string(quiet.Org()) + `'; DELETE FROM orgs WHERE id = '` + string(quiet.Org()) + `'`)
	await(t, f, "a deleted organization", func(s *snapshot.Snapshot) bool { return s.Orgs() == 1 })
	if bad := f.Status().Bad; len(bad) != 0 {
		t.Errorf("%+v", bad)
	}
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

func TestKeysAndRevocationsArriveWithinASecond(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	f, _ := h.follow(h.deps(h.source()))
	<-f.Loaded()
	var created, revoked []time.Duration
	for i := range 100 {
		k, hash := h.issue(in, team, fmt.Sprint(i))
		created = append(created, await(t, f, "a key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return ok }))
		if _, err := h.keys.Revoke(t.Context(), in, k.ID, key.Finish); err != nil {
			t.Fatal(err)
		}
		revoked = append(revoked, await(t, f, "a revocation", func(s *snapshot.Snapshot) bool {
			got, _ := s.Key(hash)
			return errors.Is(got.Allow(netip.MustParseAddr("10.0.0.1"), key.ChatEndpoint, time.Now()), key.ErrRevoked)
		}))
	}
	if c, r := p99(created), p99(revoked); c > time.Second || r > time.Second {
		t.Errorf("p99: created %s, revoked %s", c, r)
	} else {
		t.Logf("p99: created %s, revoked %s; median: %s, %s", c, r, created[50], revoked[50])
	}
}

// deaf never hears a notice.
type deaf struct{ snapshot.Source }

func (deaf) Listen(ctx context.Context, _ func()) error { <-ctx.Done(); return ctx.Err() }

func TestWithoutNoticesThePollBringsChangesWithinASecondAndAHalf(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	f, _ := h.follow(h.deps(deaf{h.source()}))
	<-f.Loaded()
	took := make([]time.Duration, 40)
	var wg sync.WaitGroup
	for i := range took {
		_, hash := h.issue(in, team, fmt.Sprint(i))
		wg.Go(func() {
			took[i] = await(t, f, "a key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return ok })
		})
	}
	wg.Wait()
	if got := p99(took); got > 1500*time.Millisecond {
		t.Errorf("p99 %s", got)
	}
}

func TestADatabaseThatWasSetBackIsFollowed(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	_, hash := h.issue(in, team, "one")
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return ok })
	err := h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM keys; UPDATE config_rev SET rev = 1; DELETE FROM config_change`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, f, "the older state", func(s *snapshot.Snapshot) bool { return s.Keys() == 0 && s.Rev == 1 })
}

func TestWhoIsTooFarBehindLoadsEverything(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	src := snapshotpg.New(h.db, pricepg.New(h.db))
	old, err := src.Rev(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.issue(in, team, "one")
	if err := src.Prune(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d, err := src.Since(t.Context(), old)
	if err != nil || len(d.Orgs) != 1 || len(d.Orgs[in.Org()].Keys) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := src.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Since(t.Context(), old); !errors.Is(err, snapshot.ErrPruned) {
		t.Errorf("%v, want ErrPruned", err)
	}
	if d, err := src.Since(t.Context(), d.Rev); err != nil || len(d.Orgs) != 0 {
		t.Errorf("who is up to date: %+v, %v", d, err)
	}
}

func TestARowThatCannotBeReadSpoilsNothingElse(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, teamA := pgtest.Org(t, h.db, "A")
	b, teamB := pgtest.Org(t, h.db, "B")
	x, err := h.aliases.Create(t.Context(), a, "fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "one"}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.credentials.Connect(t.Context(), a, credential.New{Provider: "openai", Secret: secret.NewText("sk-of-A-0123456789")})
	if err != nil {
		t.Fatal(err)
	}
	k, hash := h.issue(a, teamA, "one")
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return ok })
	// Behind the services' back: a route that is no route, a secret that does not open, tags that are no texts.
	err = h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			WITH v AS (INSERT INTO alias_versions (org_id, alias_id, number, route, created_at)
				VALUES ('`+string(a.Org())+`', '`+string(x.ID)+`', 2, '{"targets": [{"provider": 5}]}', now()))
			UPDATE aliases SET version = 2;
			UPDATE credentials SET ciphertext = '\x00', base_url = 'https://evil.example';
			UPDATE keys SET tags = '{"a": 5}'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, other := h.issue(b, teamB, "B's")
	await(t, f, "B's key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(other); return ok })
	o, _ := f.Snapshot().Org(a.Org())
	if got := o.Aliases["fast"]; got == nil || got.Version != 1 {
		t.Errorf("alias %+v", got)
	}
	if got := o.Credentials[c.ID]; got.Secret.Reveal() != "sk-of-A-0123456789" || got.BaseURL != "https://openai.example" {
		t.Errorf("credential %+v", got)
	}
	if got, ok := f.Snapshot().Key(hash); !ok || got.Tags["a"] != "b" {
		t.Errorf("key %+v", got)
	}
	kinds := map[string]int{}
	for _, bad := range f.Status().Bad {
		kinds[bad.Kind]++
	}
	if diff := cmp.Diff(map[string]int{"alias": 1, "credential": 1, "key": 1}, kinds); diff != "" {
		t.Error(diff)
	}
	// Its revocation holds although the row cannot be read.
	if err := h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE keys SET revoked_at = now() WHERE id = $1`, string(k.ID))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the revocation", func(s *snapshot.Snapshot) bool { _, ok := s.Key(hash); return !ok })
}
