package keypg_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/key"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// rows are keys as LiteLLM's database has them.
func rows(soon time.Time) string {
	return fmt.Sprintf(`{"LiteLLM_VerificationToken":[
		{"token":%q,"key_name":"sk-...MPLE","key_alias":"Support bot","team_id":"t-1","user_id":"u-1","models":["fast","openai/gpt-4o*"],"expires":null,"blocked":null,
			"metadata":{"tags":["cost:4711","beta"],"owner":"ops"},"max_budget":12.5,"budget_duration":"30d","rpm_limit":60},
		{"token":%q,"key_name":"sk-...LOCK","key_alias":"Blocked","models":["all-team-models"],"blocked":true,"expires":"2040-01-02 03:04:05","max_budget":1,"budget_duration":"90s"},
		{"token":"not a hash","key_alias":"Broken"},
		{"token":%q,"key_alias":"Nothing left","models":["no-default-models"]},
		{"token":%q,"key_alias":"Routes","models":[],"allowed_routes":["/chat/completions"]}],
	"LiteLLM_DeprecatedVerificationToken":[
		{"token":%q,"active_token_id":%q,"revoke_at":%q},
		{"token":%q,"active_token_id":"none","revoke_at":%q}]}`,
		sum("sk-active-0123456789-EXAMPLE"), sum("sk-blocked-0123456789-BLOCK"), sum("c"), sum("d"),
		sum("sk-before-0123456789-EXAMPLE"), sum("sk-active-0123456789-EXAMPLE"), soon.Format(time.RFC3339), sum("e"), soon.Format(time.RFC3339))
}

func TestKeysOfLiteLLMAreTakenOverByTheirHashes(t *testing.T) {
	t.Parallel()
	h := open(t)
	list, err := key.ParseLiteLLM([]byte(rows(h.now().Add(time.Hour))))
	if err != nil || len(list) != 5 {
		t.Fatalf("%d rows, %v", len(list), err)
	}
	o := key.ImportOptions{Team: h.team}
	if _, err := h.keys.Import(t.Context(), h.as(tenant.Developer), list, o); !errors.Is(err, key.ErrImportRole) {
		t.Errorf("a developer imports: %v", err)
	}
	dry := must[[]key.Taken](t)(h.keys.Import(t.Context(), h.in, list, key.ImportOptions{Team: h.team, DryRun: true}))
	if all, _, _ := h.keys.List(t.Context(), h.in, key.Filter{}, "", 10); len(all) != 0 || dry[0].Err != nil {
		t.Errorf("a dry run made %d keys", len(all))
	}
	got := must[[]key.Taken](t)(h.keys.Import(t.Context(), h.in, list, o))
	k := got[0].Key
	if got[0].Err != nil || k.Name != "Support bot" || len(k.Secrets) != 2 || !k.Secrets[0].Imported || k.Secrets[0].Scheme != key.SHA256 || k.Last4 != "MPLE" ||
		!k.Secrets[1].NotAfter.Equal(h.now().Add(time.Hour).Truncate(time.Second)) || !k.Secrets[0].NotAfter.IsZero() {
		t.Errorf("%+v", got[0])
	}
	if strings.Join(k.Aliases, " ") != "fast" || strings.Join(k.Models, " ") != "openai/gpt-4o*" || k.Tags["cost"] != "4711" || k.Tags["beta"] != "yes" || k.Tags["owner"] != "ops" || k.Tags["user"] != "u-1" {
		t.Errorf("%+v", k)
	}
	if n := got[0].New; n.Budget == nil || n.Budget.Amount != 12_500_000_000 || n.Budget.Period != "month" || n.Limits.RPM != 60 {
		t.Errorf("%+v", n)
	}
	if b := got[1].Key; b.DisabledAt.IsZero() || len(b.Aliases)+len(b.Models) != 0 || b.ExpiresAt.Year() != 2040 || len(got[1].Notes) != 1 {
		t.Errorf("%+v, %v", b, got[1].Notes)
	}
	for i, what := range []string{2: "a broken hash", 3: "no models", 4: "confined to routes"} {
		if what != "" && !errors.Is(got[i].Err, key.ErrInvalid) {
			t.Errorf("%s: %v", what, got[i].Err)
		}
	}
	again := must[[]key.Taken](t)(h.keys.Import(t.Context(), h.in, list[:1], o))
	if !errors.Is(again[0].Err, key.ErrTaken) && !errors.Is(again[0].Err, key.ErrKnown) {
		t.Errorf("imported again: %v", again[0].Err)
	}
}

func TestAPlainHashIsForgottenAtTheFirstUse(t *testing.T) {
	t.Parallel()
	h := open(t)
	list, err := key.ParseLiteLLM([]byte(rows(h.now().Add(time.Hour))))
	if err != nil {
		t.Fatal(err)
	}
	taken := must[[]key.Taken](t)(h.keys.Import(t.Context(), h.in, list[:2], key.ImportOptions{Team: h.team}))
	secret, err := key.ParseForeign("sk-active-0123456789-EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	hashes := hasher(t)
	up := key.Upgrade{Plain: key.Plain(secret), Keyed: hashes.Hash(secret)}
	unknown := key.Upgrade{Plain: key.Hash{1}, Keyed: key.Hash{2}}
	for range 2 { // told twice, it changes nothing
		if err := h.keys.Upgrade(t.Context(), []key.Upgrade{unknown, up}); err != nil {
			t.Fatal(err)
		}
	}
	stored := func(hash key.Hash) (scheme string) {
		t.Helper()
		err := h.db.InTenantPgx(t.Context(), h.in, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT coalesce((SELECT scheme FROM key_secrets WHERE hash = $1), '')`, hash[:]).Scan(&scheme)
		})
		if err != nil {
			t.Fatal(err)
		}
		return scheme
	}
	if stored(up.Plain) != "" || stored(up.Keyed) != "hmac1" || stored(unknown.Keyed) != "" {
		t.Errorf("plain %q, keyed %q, unknown %q", stored(up.Plain), stored(up.Keyed), stored(unknown.Keyed))
	}
	got := must[key.Key](t)(h.keys.Key(t.Context(), h.in, taken[0].Key.ID))
	if got.Secrets[0].Scheme != key.HMAC1 || !got.Secrets[0].Imported || got.Secrets[1].Scheme != key.SHA256 {
		t.Errorf("%+v", got.Secrets)
	}
	// An upgrade touches imported secrets alone: who sees a hash of ours cannot have it exchanged.
	ours, s := h.issue("ours")
	if err := h.keys.Upgrade(t.Context(), []key.Upgrade{{Plain: hashes.Hash(s), Keyed: key.Hash{3}}}); err != nil {
		t.Fatal(err)
	}
	if stored(hashes.Hash(s)) != "hmac1" {
		t.Errorf("the hash of %s was exchanged", ours.ID)
	}
}

func TestASecretIsOneKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	b, teamB := pgtest.Org(t, h.db, "B")
	b = tenant.Authenticated(b.Org(), b.Actor(), tenant.Owner)
	list, err := key.ParseLiteLLM([]byte(rows(h.now().Add(time.Hour))))
	if err != nil {
		t.Fatal(err)
	}
	must[[]key.Taken](t)(h.keys.Import(t.Context(), h.in, list[:1], key.ImportOptions{Team: h.team}))
	got := must[[]key.Taken](t)(h.keys.Import(t.Context(), b, list[:1], key.ImportOptions{Team: teamB}))
	if !errors.Is(got[0].Err, key.ErrKnown) {
		t.Errorf("another organization takes the same secret: %v", got[0].Err)
	}
}

func FuzzParseLiteLLM(f *testing.F) {
	f.Add([]byte(rows(time.Unix(2_000_000_000, 0))))
	f.Add([]byte(`[{"token":"","models":["A B","all-proxy-models","x/y"],"max_budget":"1e400","metadata":{"a":{"b":1}}}]`))
	f.Add([]byte(`{"keys":[null]}{"token":"00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := key.ParseLiteLLM(data)
		if err != nil {
			return
		}
		for _, r := range list {
			if r.Err == nil && len(r.New.Name) == 0 {
				t.Errorf("row %d has no name", r.Row)
			}
		}
	})
}
