package credentialpg_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/credential/sign"
	"tollgate/internal/credential/vault"
	"tollgate/internal/egress"
	"tollgate/internal/fault"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func vendors(id string) (provider.Vendor, bool) {
	v, ok := map[string]provider.Vendor{
		"openai": {Name: "OpenAI", BaseURL: "https://api.openai.com/v1", Auth: "bearer", Models: "/models"},
		"header": {Name: "Header", BaseURL: "https://api.example.com", Auth: "header:x-api-key", Models: "/models", Headers: map[string]string{"x-version": "1"}},
		"paid":   {Name: "Paid", BaseURL: "https://api.example.com", Auth: "bearer"},
		"custom": {Name: "Custom", Auth: "bearer", Models: "/models"},
		"bedrock": {
			Name: "Bedrock", BaseURL: "https://bedrock-runtime.{region}.amazonaws.com", Auth: "aws", Service: "bedrock",
			Fields: []provider.Field{{Name: "region", Label: "AWS region", Required: true}, {Name: "zone", Label: "Zone"}},
		},
		"sandbox": {Name: "Sandbox", BaseURL: "sandbox:", Auth: "none"},
	}[id]
	v.ID = id
	return v, ok
}

func kms(t *testing.T) *vault.Vault {
	t.Helper()
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	local, err := vault.NewLocal(ring)
	if err != nil {
		t.Fatal(err)
	}
	return vault.New(local)
}

// service may call loopback and nothing else private.
func service(t *testing.T, db *postgres.DB) *credential.Service {
	t.Helper()
	open, err := egress.ParseOpen("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	policy := egress.New(open)
	now := func() time.Time { return noon }
	return credential.NewService(credentialpg.New(db), kms(t), vendors, policy, credential.NewTester(policy.Client(), sign.New(t.Context(), sign.Config{Transport: policy.Client().Transport, Now: now}), now), now)
}

func openai(name string) credential.New {
	return credential.New{Provider: "openai", Name: name, Secret: secret.NewText("sk-0123456789abcdefWXYZ")}
}

func opened(t *testing.T, db *postgres.DB, in tenant.Scope, c credential.Credential) (string, error) {
	t.Helper()
	got, sealed, err := credentialpg.New(db).Sealed(t.Context(), in, c.ID)
	if err != nil {
		return "", err
	}
	text, err := credential.Open(t.Context(), kms(t), in.Org(), got, sealed)
	return text.Reveal(), err
}

func TestConnectSealsTheSecret(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	made, err := s.Connect(t.Context(), in, openai(""))
	if err != nil {
		t.Fatal(err)
	}
	want := credential.Credential{
		ID: made.ID, Provider: "openai", Name: "OpenAI", Hint: "WXYZ", Version: 1, Revision: 1, Default: true,
		CreatedAt: noon, UpdatedAt: noon, CreatedBy: string(in.Actor().User),
	}
	got, err := s.Credential(t.Context(), in, made.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if text, err := opened(t, db, in, made); err != nil || text != "sk-0123456789abcdefWXYZ" {
		t.Errorf("%q, %v", text, err)
	}
	var dump string
	var bytesHold bool
	err = db.InTenantPgx(t.Context(), in, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT to_jsonb(c)::text, position($1::bytea in ciphertext || wrapped) > 0
			FROM credentials c JOIN org_deks d ON d.id = c.dek_id`, []byte("0123456789abcdef")).Scan(&dump, &bytesHold)
	})
	if err != nil || bytesHold || strings.Contains(dump, "0123456789abcdef") {
		t.Errorf("the database holds the secret: %v", err)
	}
}

func TestASwappedRowDoesNotOpen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(t, db)
	ca, err := s.Connect(t.Context(), a, openai("one"))
	if err != nil {
		t.Fatal(err)
	}
	cb, err := s.Connect(t.Context(), b, openai("one"))
	if err != nil {
		t.Fatal(err)
	}
	ca2, err := s.Connect(t.Context(), a, openai("two"))
	if err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"a row of the same organization": `UPDATE credentials SET ciphertext = (SELECT ciphertext FROM credentials WHERE id = '` + string(ca2.ID) + `') WHERE id = '` + string(ca.ID) + `'`,
		"another organization's row":     `UPDATE credentials SET ciphertext = (SELECT ciphertext FROM credentials WHERE id = '` + string(cb.ID) + `') WHERE id = '` + string(ca.ID) + `'`,
		"another organization's data key": `UPDATE org_deks SET wrapped = (SELECT wrapped FROM org_deks WHERE org_id = '` + string(b.Org()) + `')
			WHERE org_id = '` + string(a.Org()) + `'`,
		"another base URL": `UPDATE credentials SET base_url = 'https://evil.example'`,
		"another provider": `UPDATE credentials SET provider = 'header'`,
		"another version":  `UPDATE credentials SET version = 2`,
		"other settings":   `UPDATE credentials SET settings = '{"region":"evil"}'`,
	} {
		swapped := errors.New("rolled back on purpose")
		var got credential.Credential
		var sealed credential.Sealed
		err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
			err := tx.QueryRow(t.Context(), `SELECT c.id, c.provider, c.base_url, c.version, c.settings, c.ciphertext, d.id, d.kek, d.wrapped
				FROM credentials c JOIN org_deks d ON d.org_id = c.org_id AND d.id = c.dek_id WHERE c.id = $1`, string(ca.ID)).
				Scan(&got.ID, &got.Provider, &got.BaseURL, &got.Version, &got.Settings, &sealed.Ciphertext, &sealed.DEK.ID, &sealed.DEK.KEK, &sealed.DEK.Wrapped)
			return errors.Join(err, swapped)
		})
		if !errors.Is(err, swapped) {
			t.Fatal(err)
		}
		if _, err := credential.Open(t.Context(), kms(t), a.Org(), got, sealed); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("%s opened: %v", name, err)
		}
	}
	if text, err := opened(t, db, a, ca); err != nil || text == "" {
		t.Errorf("untouched: %v", err)
	}
}

func TestAnotherOrganizationsCredentialIsNotFound(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(t, db)
	c, err := s.Connect(t.Context(), a, openai("one"))
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"read": func() error { _, err := s.Credential(t.Context(), b, c.ID); return err },
		"update": func() error {
			_, err := s.Update(t.Context(), b, c.ID, credential.Change{Default: true}, nil)
			return err
		},
		"delete": func() error { return s.Delete(t.Context(), b, c.ID) },
		"test":   func() error { _, err := s.TestStored(t.Context(), b, c.ID); return err },
	} {
		if err := call(); !errors.Is(err, credential.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := s.List(t.Context(), b); err != nil || len(list) != 0 {
		t.Errorf("B sees %v, %v", list, err)
	}
	if list, err := s.List(t.Context(), a); err != nil || len(list) != 1 {
		t.Errorf("A sees %v, %v", list, err)
	}
}

func TestABaseURLNeedsTheSecretAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	c, err := s.Connect(t.Context(), in, openai("one"))
	if err != nil {
		t.Fatal(err)
	}
	evil, again, name := "https://evil.example/v1", secret.NewText("sk-another-secret-9876"), "renamed"
	if _, err := s.Update(t.Context(), in, c.ID, credential.Change{BaseURL: &evil}, nil); !errors.Is(err, credential.ErrReenter) {
		t.Fatalf("%v, want ErrReenter", err)
	}
	if text, err := opened(t, db, in, c); err != nil || text != "sk-0123456789abcdefWXYZ" {
		t.Errorf("%q, %v", text, err)
	}
	same := ""
	got, err := s.Update(t.Context(), in, c.ID, credential.Change{Name: &name, BaseURL: &same}, nil)
	if err != nil || got.Name != name || got.Version != 1 || got.Revision != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = s.Update(t.Context(), in, c.ID, credential.Change{BaseURL: &evil, Secret: &again}, func(c credential.Credential) error {
		if c.Revision != 2 {
			return credential.ErrStale
		}
		return nil
	})
	if err != nil || got.BaseURL != evil || got.Version != 2 || got.Revision != 3 || got.Hint != "9876" {
		t.Errorf("%+v, %v", got, err)
	}
	if text, err := opened(t, db, in, c); err != nil || text != again.Reveal() {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := s.Update(t.Context(), in, c.ID, credential.Change{}, func(credential.Credential) error { return credential.ErrStale }); !errors.Is(err, credential.ErrStale) {
		t.Errorf("%v, want ErrStale", err)
	}
}

func TestASettingNeedsTheSecretAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	keys := `{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}`
	c, err := s.Connect(t.Context(), in, credential.New{Provider: "bedrock", Secret: secret.NewText(keys), Settings: map[string]string{"region": " eu-west-1 ", "zone": ""}})
	if err != nil {
		t.Fatal(err)
	}
	read := func() credential.Credential {
		t.Helper()
		got, err := s.Credential(t.Context(), in, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	home := map[string]string{"region": "eu-west-1"}
	if got := read(); !cmp.Equal(got.Settings, home) || got.Hint != "MPLE" {
		t.Errorf("%+v", got)
	}
	// A document is kept on one line.
	if text, err := opened(t, db, in, read()); err != nil || text != strings.ReplaceAll(keys, " ", "") {
		t.Errorf("%q, %v", text, err)
	}
	for name, other := range map[string]map[string]string{"another": {"region": "us-east-1"}, "one more": {"region": "eu-west-1", "zone": "a"}} {
		if _, err := s.Update(t.Context(), in, c.ID, credential.Change{Settings: other}, nil); !errors.Is(err, credential.ErrReenter) {
			t.Errorf("%s: %v, want ErrReenter", name, err)
		}
	}
	var f *fault.Error
	if _, err := s.Update(t.Context(), in, c.ID, credential.Change{Settings: map[string]string{}}, nil); !errors.As(err, &f) || f.Field != "settings.region" {
		t.Errorf("without a region: %v", err)
	}
	name := "renamed"
	if got, err := s.Update(t.Context(), in, c.ID, credential.Change{Name: &name, Settings: map[string]string{"region": "eu-west-1", "zone": " "}}, nil); err != nil || got.Version != 1 || got.Name != name {
		t.Errorf("the same settings: %+v, %v", got, err)
	}
	again := secret.NewText("ABSKbedrock-api-key-0123456789")
	if got, err := s.Update(t.Context(), in, c.ID, credential.Change{Secret: &again}, nil); err != nil || got.Version != 2 || !cmp.Equal(got.Settings, home) || got.Hint != "6789" {
		t.Errorf("another secret alone: %+v, %v", got, err)
	}
	away := map[string]string{"region": "us-east-1", "zone": "a"}
	if _, err := s.Update(t.Context(), in, c.ID, credential.Change{Settings: away, Secret: &again}, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Version != 3 || !cmp.Equal(got.Settings, away) {
		t.Errorf("%+v", got)
	}
	if text, err := opened(t, db, in, read()); err != nil || text != again.Reveal() {
		t.Errorf("%q, %v", text, err)
	}
	list, err := s.List(t.Context(), in)
	if err != nil || len(list) != 1 || !cmp.Equal(list[0].Settings, away) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestValidationNamesTheField(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	key := secret.NewText("sk-0123456789abcdef")
	for _, tt := range []struct {
		field string
		n     credential.New
	}{
		{"provider", credential.New{Provider: "nobody", Secret: key}},
		{"provider", credential.New{Provider: "sandbox", Secret: key}},
		{"secret", credential.New{Provider: "openai"}},
		{"secret", credential.New{Provider: "openai", Secret: secret.NewText("sk-a\nb")}},
		{"secret", credential.New{Provider: "openai", Secret: secret.NewText("tg_live_x")}},
		{"secret", credential.New{Provider: "openai", Secret: secret.NewText(strings.Repeat("x", 9000))}},
		{"name", credential.New{Provider: "openai", Secret: key, Name: strings.Repeat("x", 201)}},
		{"secret", credential.New{Provider: "bedrock", Secret: secret.NewText(`{"ambient":true}`), Settings: map[string]string{"region": "eu-west-1"}}},
		{"secret", credential.New{Provider: "bedrock", Secret: secret.NewText(`{"access_key_id":"x"}`), Settings: map[string]string{"region": "eu-west-1"}}},
		{"settings.region", credential.New{Provider: "bedrock", Secret: key, Settings: map[string]string{"region": "evil.com/#"}}},
		{"settings.host", credential.New{Provider: "bedrock", Secret: key, Settings: map[string]string{"host": "x"}}},
		{"base_url", credential.New{Provider: "custom", Secret: key}},
		{"base_url", credential.New{Provider: "openai", Secret: key, BaseURL: "http://169.254.169.254/latest"}},
		{"base_url", credential.New{Provider: "openai", Secret: key, BaseURL: "https://10.0.0.1/v1"}},
	} {
		_, err := s.Connect(t.Context(), in, tt.n)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%+v: %v, want a fault at %s", tt.n, err, tt.field)
		}
		if _, err := s.Test(t.Context(), in, tt.n); tt.field != "name" && !errors.As(err, &f) {
			t.Errorf("testing %+v: %v", tt.n, err)
		}
	}
	if _, err := s.Connect(t.Context(), in, openai("one")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connect(t.Context(), in, openai("one")); !errors.Is(err, credential.ErrTaken) {
		t.Errorf("%v, want ErrTaken", err)
	}
}

func TestThereIsAlwaysExactlyOneDefault(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	defaults := func() (names []string) {
		t.Helper()
		list, err := s.List(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Default {
				names = append(names, c.Provider+"/"+c.Name)
			}
		}
		return names
	}
	var wg sync.WaitGroup
	for _, name := range []string{"one", "two", "three", "four"} {
		wg.Go(func() {
			if _, err := s.Connect(t.Context(), in, openai(name)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := defaults(); len(got) != 1 {
		t.Fatalf("defaults after connecting at once: %v", got)
	}
	n := openai("five")
	n.Default = true
	five, err := s.Connect(t.Context(), in, n)
	if err != nil {
		t.Fatal(err)
	}
	if got := defaults(); !cmp.Equal(got, []string{"openai/five"}) {
		t.Errorf("%v", got)
	}
	list, err := s.List(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Name == "two" {
			if _, err := s.Update(t.Context(), in, c.ID, credential.Change{Default: true}, nil); err != nil {
				t.Fatal(err)
			}
			if got := defaults(); !cmp.Equal(got, []string{"openai/two"}) {
				t.Errorf("%v", got)
			}
			if err := s.Delete(t.Context(), in, c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := defaults(); len(got) != 1 {
		t.Errorf("after deleting the default: %v", got)
	}
	if err := s.Delete(t.Context(), in, five.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), in, five.ID); !errors.Is(err, credential.ErrNotFound) {
		t.Errorf("deleting again: %v", err)
	}
}

func TestAWeightIsAShareOfTheProvidersCalls(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	n := openai("heavy")
	n.Weight = 70
	made, err := s.Connect(t.Context(), in, n)
	if err != nil {
		t.Fatal(err)
	}
	read := func() int {
		t.Helper()
		got, err := s.Credential(t.Context(), in, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.Weight
	}
	if read() != 70 {
		t.Errorf("weight %d after it was connected", read())
	}
	name := "heavier"
	if _, err := s.Update(t.Context(), in, made.ID, credential.Change{Name: &name}, nil); err != nil || read() != 70 {
		t.Errorf("another change made the weight %d, %v", read(), err)
	}
	for _, tt := range []struct {
		weight int
		ok     bool
	}{{1000, true}, {0, true}, {-1, false}, {1001, false}} {
		_, err := s.Update(t.Context(), in, made.ID, credential.Change{Weight: &tt.weight}, nil)
		var f *fault.Error
		if tt.ok && (err != nil || read() != tt.weight) || !tt.ok && (!errors.As(err, &f) || f.Field != "weight") {
			t.Errorf("weight %d: %v, now %d", tt.weight, err, read())
		}
	}
	if text, err := opened(t, db, in, made); err != nil || text != "sk-0123456789abcdefWXYZ" {
		t.Errorf("the secret after all that: %q, %v", text, err)
	}
}

func TestTestSaysWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(t, db)
	var seen http.Header
	status, body := 200, `{"data":[]}`
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		seen.Set("Path", r.URL.Path)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer upstream.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	test := func(n credential.New) credential.Verdict {
		t.Helper()
		r, err := s.Test(t.Context(), in, n)
		if err != nil {
			t.Fatal(err)
		}
		if r.Message == "" || strings.Contains(r.Message, "0123456789") {
			t.Errorf("message %q", r.Message)
		}
		return r.Verdict
	}
	n := openai("")
	n.BaseURL = upstream.URL + "/v1/"
	for _, tt := range []struct {
		status int
		body   string
		want   credential.Verdict
	}{
		{200, `{"data":[]}`, credential.OK},
		{401, `{}`, credential.Rejected},
		{403, `{}`, credential.Rejected},
		{429, `{}`, credential.Limited},
		{500, `{}`, credential.Failing},
		{404, `{}`, credential.Unexpected},
		{200, `<html>`, credential.Unexpected},
		{302, ``, credential.Unexpected},
	} {
		status, body = tt.status, tt.body
		if got := test(n); got != tt.want {
			t.Errorf("%d %q: %s, want %s", tt.status, tt.body, got, tt.want)
		}
	}
	if seen.Get("Path") != "/v1/models" || seen.Get("Authorization") != "Bearer "+n.Secret.Reveal() {
		t.Errorf("sent %v", seen)
	}
	status, body = 200, `{}`
	n.Provider = "header"
	if got := test(n); got != credential.OK || seen.Get("X-Api-Key") != n.Secret.Reveal() || seen.Get("Authorization") != "" || seen.Get("X-Version") != "1" {
		t.Errorf("%s, sent %v", got, seen)
	}
	n.BaseURL = gone.URL
	if got := test(n); got != credential.Unreachable {
		t.Errorf("nobody there: %s", got)
	}
	n.BaseURL = "http://private.localhost.invalid:1"
	if got := test(n); got != credential.Unreachable {
		t.Errorf("no such name: %s", got)
	}
	if got := test(credential.New{Provider: "paid", Secret: n.Secret}); got != credential.Untestable {
		t.Errorf("paid: %s", got)
	}
	if _, err := s.Test(t.Context(), tenant.Scope{}, n); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("without a scope: %v", err)
	}
	// A stored one keeps the verdict, and that is no new version.
	n = openai("stored")
	n.BaseURL = upstream.URL
	c, err := s.Connect(t.Context(), in, n)
	if err != nil {
		t.Fatal(err)
	}
	status = 401
	if r, err := s.TestStored(t.Context(), in, c.ID); err != nil || r.Verdict != credential.Rejected {
		t.Errorf("%+v, %v", r, err)
	}
	got, err := s.Credential(t.Context(), in, c.ID)
	if err != nil || got.LastCheck != string(credential.Rejected) || !got.LastCheckAt.Equal(noon) || got.Revision != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
