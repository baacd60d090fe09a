package keypg_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

// house is a service over a database, by a clock that is set.
type house struct {
	t     *testing.T
	db    *postgres.DB
	in    tenant.Scope
	team  id.Team
	keys  *key.Service
	mu    sync.Mutex
	clock time.Time
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: pgtest.New(t), clock: time.Now().UTC().Truncate(time.Microsecond)}
	h.in, h.team = pgtest.Org(t, h.db, "A")
	h.in = tenant.Authenticated(h.in.Org(), h.in.Actor(), tenant.Owner)
	h.keys = key.NewService(keypg.New(h.db), hasher(t), h.now)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) forward(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) issue(name string) (key.Key, key.Secret) {
	h.t.Helper()
	k, s, err := h.keys.Issue(h.t.Context(), h.in, key.New{Team: h.team, Name: name})
	if err != nil {
		h.t.Fatal(err)
	}
	return k, s
}

// as is another member of the organization.
func (h *house) as(role tenant.Role) tenant.Scope {
	h.t.Helper()
	user := id.User(id.New("user"))
	h.exec(`INSERT INTO users (id, email, password_hash) VALUES ($1, $2, 'x')`, string(user), string(user)+"@example.com")
	h.exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, $3)`, string(h.in.Org()), string(user), string(role))
	return tenant.Authenticated(h.in.Org(), tenant.Actor{User: user}, role)
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(h.t.Context(), sql, args...)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestARotationFromTheNewSecretToTheEndOfTheOld(t *testing.T) {
	t.Parallel()
	h := open(t)
	k, first := h.issue("Triage")
	rotated, second, err := h.keys.Rotate(t.Context(), h.in, k.ID, time.Hour, key.Finish)
	if err != nil {
		t.Fatal(err)
	}
	if first.Reveal() == second.Reveal() || len(rotated.Secrets) != 2 || rotated.Prefix != second.Reveal()[:12] || rotated.Last4 != second.Reveal()[53:] || !rotated.Rotating(h.now()) {
		t.Errorf("%+v", rotated)
	}
	if fresh, old := rotated.Secrets[0], rotated.Secrets[1]; !fresh.NotAfter.IsZero() || !old.NotAfter.Equal(h.now().Add(time.Hour)) || old.Cut {
		t.Errorf("%+v", rotated.Secrets)
	}
	got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID))
	if len(got.Secrets) != 2 || got.Secrets[0].ID != rotated.Secrets[0].ID || got.Revision != 2 {
		t.Errorf("read back: %+v", got)
	}
	if _, _, err := h.keys.Rotate(t.Context(), h.in, k.ID, time.Hour, key.Finish); !errors.Is(err, key.ErrRotating) {
		t.Errorf("a rotation in a rotation: %v", err)
	}
	if list, _, err := h.keys.List(t.Context(), h.in, key.Filter{Rotating: true}, "", 10); err != nil || len(list) != 1 {
		t.Errorf("rotating keys: %d, %v", len(list), err)
	}
	h.forward(time.Hour)
	got = must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID))
	if got.Secrets[1].Live(h.now()) || !got.Secrets[0].Live(h.now()) || got.Rotating(h.now()) {
		t.Errorf("at its end the old secret lives: %+v", got.Secrets)
	}
	if list, _, err := h.keys.List(t.Context(), h.in, key.Filter{Rotating: true}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("keys rotating after the end: %d, %v", len(list), err)
	}
	now, _, err := h.keys.Rotate(t.Context(), h.in, k.ID, 0, key.Cut)
	if err != nil || len(now.Secrets) != 3 || now.Secrets[1].Live(h.now()) || !now.Secrets[1].Cut {
		t.Errorf("without an overlap: %+v, %v", now.Secrets, err)
	}
}

func TestARotationIsTakenBackOnlyWhileTheNewSecretIsUnused(t *testing.T) {
	t.Parallel()
	h := open(t)
	k, _ := h.issue("Triage")
	if _, err := h.keys.CancelRotation(t.Context(), h.in, k.ID); !errors.Is(err, key.ErrNoTurn) {
		t.Errorf("nothing to cancel: %v", err)
	}
	if _, _, err := h.keys.Rotate(t.Context(), h.in, k.ID, time.Hour, key.Cut); err != nil {
		t.Fatal(err)
	}
	back := must[key.Key](t)(h.keys.CancelRotation(t.Context(), h.in, k.ID))
	if back.Secrets[0].Live(h.now()) || !back.Secrets[1].Live(h.now().Add(1000*time.Hour)) || back.Secrets[1].Cut {
		t.Errorf("%+v", back.Secrets)
	}
	rotated, _, err := h.keys.Rotate(t.Context(), h.in, k.ID, time.Hour, key.Finish)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.keys.MarkSecretsUsed(t.Context(), map[id.Secret]time.Time{rotated.Secrets[0].ID: h.now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.keys.CancelRotation(t.Context(), h.in, k.ID); !errors.Is(err, key.ErrTurned) {
		t.Errorf("the new secret is in use: %v", err)
	}
	got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID))
	if !got.Secrets[0].LastUsedAt.Equal(h.now()) || !got.Secrets[1].LastUsedAt.IsZero() {
		t.Errorf("last uses: %+v", got.Secrets)
	}
	ended := must[key.Key](t)(h.keys.EndSecret(t.Context(), h.in, k.ID, got.Secrets[2].ID, key.Cut))
	if ended.Rotating(h.now()) || !ended.Secrets[2].Cut {
		t.Errorf("%+v", ended.Secrets)
	}
	if _, err := h.keys.EndSecret(t.Context(), h.in, k.ID, got.Secrets[0].ID, key.Finish); !errors.Is(err, key.ErrLast) {
		t.Errorf("the last secret: %v", err)
	}
	if _, err := h.keys.EndSecret(t.Context(), h.in, k.ID, "sec_none", key.Finish); !errors.Is(err, key.ErrNoSecret) {
		t.Errorf("an unknown secret: %v", err)
	}
}

func TestDisabledAndEnabledAndRevokedWithCuts(t *testing.T) {
	t.Parallel()
	h := open(t)
	k, _ := h.issue("Triage")
	off := must[key.Key](t)(h.keys.Disable(t.Context(), h.in, k.ID, key.Cut))
	if off.DisabledAt.IsZero() || off.Cuts != 1 || off.State(h.now()) != key.Disabled {
		t.Errorf("%+v", off)
	}
	if list, _, err := h.keys.List(t.Context(), h.in, key.Filter{State: key.Disabled}, "", 10); err != nil || len(list) != 1 {
		t.Errorf("disabled keys: %d, %v", len(list), err)
	}
	if list, _, err := h.keys.List(t.Context(), h.in, key.Filter{State: key.Usable}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("live keys: %d, %v", len(list), err)
	}
	on := must[key.Key](t)(h.keys.Enable(t.Context(), h.in, k.ID))
	if !on.DisabledAt.IsZero() || on.Cuts != 1 || on.State(h.now()) != key.Usable {
		t.Errorf("%+v", on)
	}
	dead := must[key.Key](t)(h.keys.Revoke(t.Context(), h.in, k.ID, key.Cut))
	if dead.Cuts != 2 || dead.Secrets[0].Live(h.now()) {
		t.Errorf("%+v", dead)
	}
	for what, err := range map[string]error{
		"disable": second(h.keys.Disable(t.Context(), h.in, k.ID, key.Finish)), "enable": second(h.keys.Enable(t.Context(), h.in, k.ID)),
		"cancel": second(h.keys.CancelRotation(t.Context(), h.in, k.ID)),
	} {
		if !errors.Is(err, key.ErrDead) {
			t.Errorf("%s of a revoked key: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAPersonalKeyIsItsOwnersAndEndsWithTheMembership(t *testing.T) {
	t.Parallel()
	h := open(t)
	dev, other := h.as(tenant.Developer), h.as(tenant.Developer)
	k, _, err := h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "mine", Kind: key.PersonalKey})
	if err != nil || k.Owner != dev.Actor().User {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, _, err := h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "yours", Kind: key.PersonalKey, Owner: other.Actor().User}); !errors.Is(err, key.ErrNotYours) {
		t.Errorf("for another: %v", err)
	}
	if _, _, err := h.keys.Issue(t.Context(), h.in, key.New{Team: h.team, Name: "nobody's", Kind: key.PersonalKey, Owner: "user_none"}); !errors.Is(err, key.ErrNoOwner) {
		t.Errorf("for nobody: %v", err)
	}
	token := tenant.Authenticated(h.in.Org(), tenant.Actor{Token: "tok_1"}, tenant.Developer)
	for name, who := range map[string]tenant.Scope{"another developer": other, "a token": token, "a viewer": h.as(tenant.Viewer)} {
		if _, err := h.keys.Key(t.Context(), who, k.ID); !errors.Is(err, key.ErrNotFound) {
			t.Errorf("%s reads it: %v", name, err)
		}
		if _, err := h.keys.Revoke(t.Context(), who, k.ID, key.Cut); !errors.Is(err, key.ErrNotFound) {
			t.Errorf("%s revokes it: %v", name, err)
		}
		if list, _, err := h.keys.List(t.Context(), who, key.Filter{}, "", 10); err != nil || len(list) != 0 {
			t.Errorf("%s lists it: %d, %v", name, len(list), err)
		}
	}
	for name, who := range map[string]tenant.Scope{"its owner": dev, "an admin": h.as(tenant.Admin)} {
		if _, err := h.keys.Key(t.Context(), who, k.ID); err != nil {
			t.Errorf("%s reads it: %v", name, err)
		}
	}
	team, _ := h.issue("team's")
	h.exec(`DELETE FROM members WHERE org_id = $1 AND user_id = $2`, string(h.in.Org()), string(dev.Actor().User))
	gone := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID))
	if gone.RevokedAt.IsZero() || gone.Cuts != 1 || gone.Secrets[0].RevokedAt.IsZero() {
		t.Errorf("after its owner left: %+v", gone)
	}
	if left := must[key.Key](t)(h.keys.Key(t.Context(), h.in, team.ID)); !left.RevokedAt.IsZero() {
		t.Error("a service key ended with a member")
	}
}

func TestATemplateFillsInAndBounds(t *testing.T) {
	t.Parallel()
	h := open(t)
	dev := h.as(tenant.Developer)
	policy := key.Policy{
		Environment: "staging", Models: []string{"openai/gpt-4o*"}, Aliases: []string{"fast"}, Lifetime: 48 * time.Hour, Tags: map[string]string{"team": "a"},
		Privacy: key.PrivacyMetadata, Budget: &key.Allowance{Amount: 5 * 1_000_000_000, Period: "day"}, Limits: key.Pace{RPM: 60},
	}
	if _, err := h.keys.CreateTemplate(t.Context(), dev, key.Template{Name: "x"}); !errors.Is(err, key.ErrTemplates) {
		t.Errorf("a developer makes a template: %v", err)
	}
	tmpl, err := h.keys.CreateTemplate(t.Context(), h.in, key.Template{Name: "Team", Team: h.team, Standard: true, Bounding: true, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	if got := must[key.Template](t)(h.keys.Template(t.Context(), h.in, tmpl.ID)); got.Policy.Lifetime != policy.Lifetime || got.Policy.Budget == nil || *got.Policy.Budget != *policy.Budget || got.Policy.Limits != policy.Limits {
		t.Errorf("read back: %+v", got)
	}
	n, err := h.keys.Prepare(t.Context(), dev, key.New{Team: h.team, Name: "k", Tags: map[string]string{"own": "1"}})
	if err != nil || n.Environment != "staging" || n.Tags["team"] != "a" || n.Tags["own"] != "1" || n.Limits.RPM != 60 || n.Budget.Amount != money.NanoUSD(5_000_000_000) || n.Template != tmpl.ID {
		t.Errorf("%+v, %v", n, err)
	}
	k, _, err := h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "k"})
	if err != nil || !k.ExpiresAt.Equal(h.now().Add(48*time.Hour)) || k.Environment != "staging" || k.Template != tmpl.ID {
		t.Fatalf("%+v, %v", k, err)
	}
	far := h.now().Add(49 * time.Hour)
	free := []string{}
	tests := map[string]func() error{
		"environment": func() error {
			return second3(h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "x", Environment: "production"}))
		},
		"expires_at": func() error {
			return second3(h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "x", ExpiresAt: far}))
		},
		"models": func() error {
			return second3(h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "x", Models: []string{"openai/*"}}))
		},
		"aliases": func() error {
			return second3(h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "x", Aliases: []string{"slow"}}))
		},
		"privacy": func() error {
			return second3(h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "x", Privacy: key.PrivacyFull}))
		},
		"budget.amount": func() error {
			return second(h.keys.Prepare(t.Context(), dev, key.New{Team: h.team, Name: "x", Budget: &key.Allowance{Amount: 6_000_000_000, Period: "day"}}))
		},
		"limits.rpm": func() error {
			return second(h.keys.Prepare(t.Context(), dev, key.New{Team: h.team, Name: "x", Limits: key.Pace{RPM: 61}}))
		},
		"expiry, later": func() error { return second(h.keys.Update(t.Context(), dev, k.ID, key.Change{ExpiresAt: &far}, nil)) },
		"no scope, later": func() error {
			return second(h.keys.Update(t.Context(), dev, k.ID, key.Change{Models: &free, Aliases: &free}, nil))
		},
	}
	for what, do := range tests {
		if err := do(); !errors.Is(err, key.ErrBeyond) {
			t.Errorf("%s beyond the template: %v", what, err)
		}
	}
	if _, _, err := h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "narrower", Models: []string{"openai/gpt-4o-mini*"}}); err != nil {
		t.Errorf("a narrower scope: %v", err)
	}
	if _, _, err := h.keys.Issue(t.Context(), h.in, key.New{Team: h.team, Name: "admin's", Environment: "production", ExpiresAt: far}); err != nil {
		t.Errorf("an owner is not bounded: %v", err)
	}
	if _, err := h.keys.CreateTemplate(t.Context(), h.in, key.Template{Name: "Other", Team: h.team, Standard: true}); !errors.Is(err, key.ErrStandardTaken) {
		t.Errorf("two standard templates: %v", err)
	}
	if _, err := h.keys.CreateTemplate(t.Context(), h.in, key.Template{Name: "Team"}); !errors.Is(err, key.ErrTemplateTaken) {
		t.Errorf("two of a name: %v", err)
	}
	if err := h.keys.DeleteTemplate(t.Context(), h.in, tmpl.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.keys.Issue(t.Context(), dev, key.New{Team: h.team, Name: "free"}); err != nil {
		t.Errorf("without a template: %v", err)
	}
}

func second3[A, B any](_ A, _ B, err error) error { return err }

func TestOneActionOnManyKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	a, _ := h.issue("a")
	b, _ := h.issue("b")
	dead, _ := h.issue("dead")
	if _, err := h.keys.Revoke(t.Context(), h.in, dead.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	call := calllog.Record{ID: id.NewCall(), Org: h.in.Org(), Team: h.team, Key: a.ID, Workflow: "triage", EndUser: "u1", Environment: "production", Dialect: "openai_chat", Provider: "openai", Model: "m", Status: 200, Outcome: calllog.OK, Price: calllog.Free}
	if d, err := calllogpg.New(h.db).Ingest(t.Context(), []calllog.Record{call}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatalf("%v, %v", d.Rejected, err)
	}
	if _, err := h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoRevoke}); !errors.Is(err, key.ErrSelect) {
		t.Errorf("revoke of nothing named: %v", err)
	}
	ids := []id.Key{a.ID, b.ID, dead.ID, "key_none"}
	dry := must[[]key.Effect](t)(h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoDisable, IDs: ids, DryRun: true}))
	if r := dry[0].Reach; r.HourCalls != 1 || r.DayCalls != 1 || len(r.Workflows) != 1 || r.EndUsers != 1 || r.LastClient != "production, openai_chat" {
		t.Errorf("who would break: %+v", r)
	}
	if got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, a.ID)); !got.DisabledAt.IsZero() {
		t.Error("a dry run disables")
	}
	done := must[[]key.Effect](t)(h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoDisable, IDs: ids, Calls: key.Cut}))
	if done[0].Err != nil || done[0].Key.DisabledAt.IsZero() || done[0].Key.Cuts != 1 || !errors.Is(done[2].Err, key.ErrDead) || !errors.Is(done[3].Err, key.ErrNotFound) {
		t.Errorf("%+v", done)
	}
	again := must[[]key.Effect](t)(h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoDisable, IDs: ids[:1]}))
	if !again[0].Same {
		t.Errorf("%+v", again)
	}
	tags := must[[]key.Effect](t)(h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoTag, Filter: key.Filter{State: key.Disabled}, Tags: map[string]string{"old": "yes"}}))
	if len(tags) != 2 || tags[0].Key.Tags["old"] != "yes" || tags[1].Key.Tags["old"] != "yes" {
		t.Errorf("%+v", tags)
	}
	turned := must[[]key.Effect](t)(h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: key.DoRotate, IDs: ids[:2], Overlap: time.Hour}))
	if turned[0].Secret.Reveal() == "" || turned[0].Secret.Reveal() == turned[1].Secret.Reveal() {
		t.Error("no secrets of a rotation")
	}
	if _, err := h.keys.Bulk(t.Context(), h.in, key.Bulk{Action: "shred", IDs: ids}); !errors.Is(err, key.ErrAction) {
		t.Errorf("%v", err)
	}
}

// told keeps what was told, once.
type told struct {
	mu   sync.Mutex
	once map[string]bool
	list []key.Notice
}

func (d *told) tell(_ context.Context, org id.Org, n key.Notice) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.once == nil {
		d.once = map[string]bool{}
	}
	k := string(org) + " " + n.Kind + " " + string(n.About) + " " + n.Once
	if n.Once != "" && d.once[k] {
		return nil
	}
	d.once[k] = true
	d.list = append(d.list, n)
	return nil
}

func TestALeakedSecretEndsAndItsPeopleAreTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d told
	leaks := key.NewLeaks(h.keys, keypg.New(h.db), d.tell, slog.New(slog.DiscardHandler))
	k, s := h.issue("Triage")
	leak := func(secret string) key.Leak {
		return key.Leak{Token: secret, URL: "https://example.com/a", Source: "GitHub"}
	}
	found := must[[]key.Found](t)(leaks.Take(t.Context(), []key.Leak{leak("junk"), leak(" " + s.Reveal() + "\n"), leak(key.NewSecret("x").Reveal()), leak("")}))
	if found[0].Ours || !found[1].Ours || found[2].Ours || found[3].Ours || !found[1].Revoked || found[1].Key.ID != k.ID {
		t.Errorf("%+v", found)
	}
	if got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID)); got.RevokedAt.IsZero() || got.Cuts != 1 {
		t.Errorf("%+v", got)
	}
	must[[]key.Found](t)(leaks.Take(t.Context(), []key.Leak{leak(s.Reveal())}))
	if got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID)); got.Revision != 2 || got.Cuts != 1 {
		t.Errorf("found again, it changed: %+v", got)
	}
	if len(d.list) != 2 || d.list[0].Kind != "key.leaked" { // that it was revoked; that it is found though it is dead
		t.Errorf("%+v", d.list)
	}

	rotated, old := h.issue("Rotated")
	if _, _, err := h.keys.Rotate(t.Context(), h.in, rotated.ID, time.Hour, key.Finish); err != nil {
		t.Fatal(err)
	}
	found = must[[]key.Found](t)(leaks.Take(t.Context(), []key.Leak{leak(old.Reveal())}))
	if !found[0].Ended || found[0].Revoked || found[0].Key.Rotating(h.now()) || !found[0].Key.RevokedAt.IsZero() {
		t.Errorf("the old secret of a rotation: %+v", found[0])
	}

	if err := leaks.SetPolicy(t.Context(), h.as(tenant.Developer), key.LeakNotify); !errors.Is(err, key.ErrLeakRole) {
		t.Errorf("a developer decides: %v", err)
	}
	if err := leaks.SetPolicy(t.Context(), h.in, key.LeakNotify); err != nil {
		t.Fatal(err)
	}
	kept, secret := h.issue("Kept")
	found = must[[]key.Found](t)(leaks.Take(t.Context(), []key.Leak{leak(secret.Reveal())}))
	if got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, kept.ID)); found[0].Ended || !got.RevokedAt.IsZero() {
		t.Errorf("an organization that decides for itself: %+v", got)
	}
	if n := d.list[len(d.list)-1]; n.About != kept.ID || n.Data["ended"] != false {
		t.Errorf("%+v", n)
	}
}

func TestAReportTellsNothingOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d told
	leaks := key.NewLeaks(h.keys, keypg.New(h.db), d.tell, slog.New(slog.DiscardHandler))
	b, _ := pgtest.Org(t, h.db, "B")
	k, s := h.issue("Triage")
	_, unknown := leaks.Report(t.Context(), b, key.NewSecret("x").Reveal(), "")
	_, foreign := leaks.Report(t.Context(), b, s.Reveal(), "in a chat")
	if !errors.Is(unknown, key.ErrNotFound) || foreign == nil || foreign.Error() != unknown.Error() {
		t.Errorf("unknown: %v; another organization's: %v", unknown, foreign)
	}
	if got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID)); got.RevokedAt.IsZero() {
		t.Error("a leaked key lives because a stranger reported it")
	}
	own, secret := h.issue("Own")
	if f, err := leaks.Report(t.Context(), h.in, secret.Reveal(), ""); err != nil || f.Key.ID != own.ID || !f.Revoked {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestPeopleAreToldBeforeAKeyEndsOnceForEachMark(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d told
	r := key.NewReminder(keypg.New(h.db), d.tell, h.now)
	month, week := h.now().Add(30*24*time.Hour), h.now().Add(7*24*time.Hour)
	issue := func(name string, expires time.Time) {
		if _, _, err := h.keys.Issue(t.Context(), h.in, key.New{Team: h.team, Name: name, ExpiresAt: expires}); err != nil {
			t.Fatal(err)
		}
	}
	issue("a month", month)
	issue("a week", week)
	issue("an hour", h.now().Add(time.Hour))
	h.issue("for ever")
	count := func(want ...string) {
		t.Helper()
		for range 3 {
			if err := r.Turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, n := range d.list {
			got = append(got, n.Kind+" "+n.Data["name"].(string))
		}
		d.list = nil
		if len(got) != len(want) {
			t.Errorf("told %v, want %v", got, want)
			return
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("told %v, want %v", got, want)
			}
		}
	}
	count() // those who make a key know how long it lives
	h.forward(2 * time.Hour)
	count("key.expired an hour")
	h.forward(6 * 24 * time.Hour)
	count("key.expiring a week")
	h.forward(17*24*time.Hour - time.Hour)
	count("key.expiring a month") // at 7 days; "a week" is long gone
	h.forward(6 * 24 * time.Hour)
	count("key.expiring a month")
	h.forward(24 * time.Hour)
	count("key.expired a month")
}

func TestPeopleAreToldOfAnOldSecretThatIsStillUsed(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d told
	r := key.NewReminder(keypg.New(h.db), d.tell, h.now)
	k, _ := h.issue("Triage")
	quiet, _ := h.issue("Quiet")
	for _, which := range []id.Key{k.ID, quiet.ID} {
		if _, _, err := h.keys.Rotate(t.Context(), h.in, which, 2*time.Hour, key.Finish); err != nil {
			t.Fatal(err)
		}
	}
	h.forward(90 * time.Minute)
	old := must[key.Key](t)(h.keys.Key(t.Context(), h.in, k.ID)).Secrets[1].ID
	if err := h.keys.MarkSecretsUsed(t.Context(), map[id.Secret]time.Time{old: h.now()}); err != nil {
		t.Fatal(err)
	}
	if err := r.Turn(t.Context()); err != nil || len(d.list) != 1 || d.list[0].Kind != "key.rotated" || d.list[0].About != k.ID {
		t.Errorf("%+v, %v", d.list, err)
	}
}
