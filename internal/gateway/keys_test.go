package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/dimension"
	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/snapshot"
)

// lock adds a secret to a key, found by its keyed hash; of one that was imported by its plain one.
func (w *world) lock(k key.Key, text string, s key.Stored) *snapshot.Key {
	w.t.Helper()
	secret, err := key.ParseSecret(text)
	if err != nil {
		if secret, err = key.ParseForeign(text); err != nil {
			w.t.Fatal(err)
		}
	}
	hash := w.hasher.Hash(secret)
	if s.Scheme == key.SHA256 {
		hash = key.Plain(secret)
	}
	got := &snapshot.Key{Org: w.org, Key: k, Secret: &s, Hash: hash}
	w.keys[hash] = got
	return got
}

func policy(name string) key.Key {
	return key.Key{ID: id.Key(id.New("key")), Name: name, Team: "team_1", Environment: "production", Privacy: key.PrivacyMetadata, BudgetStatus: 402}
}

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// A rotation from the proxy's side (K2 with a clock): both secrets work during the overlap, and the old one is dead at its time.
func TestTheOldSecretIsDeadAtItsTimeByTheProxysOwnClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ahead atomic.Int64
	w.moment = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	k, old, fresh := policy("rotated"), key.NewSecret("production").Reveal(), key.NewSecret("production").Reveal()
	w.lock(k, old, key.Stored{ID: "sec_old", Scheme: key.HMAC1, NotAfter: time.Now().Add(time.Hour)})
	w.lock(k, fresh, key.Stored{ID: "sec_new", Scheme: key.HMAC1})
	w.connect("openai", answering(200, whole))
	w.start()
	ask := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`
	for _, secret := range []string{old, fresh} {
		if a := w.chat(ask, bearer(secret)...); a.status != 200 {
			t.Errorf("in the overlap: %d %s", a.status, a.body)
		}
	}
	if r := w.log.last(t); r.Secret != "sec_new" {
		t.Errorf("the record names the secret %q", r.Secret)
	}
	ahead.Store(int64(time.Hour))
	if a := w.chat(ask, bearer(old)...); a.status != 401 || a.code() != "key.secret_ended" {
		t.Errorf("the old secret after its time: %d %s", a.status, a.body)
	}
	if a := w.chat(ask, bearer(fresh)...); a.status != 200 {
		t.Errorf("the new secret: %d %s", a.status, a.body)
	}
}

func TestADisabledKeySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, text := policy("off"), key.NewSecret("production").Reveal()
	k.DisabledAt = time.Now()
	w.lock(k, text, key.Stored{ID: "sec_1", Scheme: key.HMAC1})
	w.start()
	if a := w.chat(askStream, bearer(text)...); a.status != 403 || a.code() != "key.disabled" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// cutting runs the cut-off until the test ends.
func (w *world) cutting() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.gw.CutOff(ctx) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestCallsUnderWayEndWithTheirKeyWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(k *key.Key, s *key.Stored)
		code   string // of the error event; "": the stream goes on to its end
	}{
		{"revoked, and cut", func(k *key.Key, _ *key.Stored) { k.RevokedAt, k.Cuts = time.Now(), k.Cuts+1 }, "key.revoked"},
		{"revoked, calls may finish", func(k *key.Key, _ *key.Stored) { k.RevokedAt = time.Now() }, ""},
		{"disabled, and cut", func(k *key.Key, _ *key.Stored) { k.DisabledAt, k.Cuts = time.Now(), k.Cuts+1 }, "key.disabled"},
		{"disabled, cut and enabled again", func(k *key.Key, _ *key.Stored) { k.Cuts++ }, "key.disabled"},
		{"its secret ended, and cut", func(_ *key.Key, s *key.Stored) { s.RevokedAt, s.Cut = time.Now(), true }, "key.secret_ended"},
		{"its secret ended, calls may finish", func(_ *key.Key, s *key.Stored) { s.RevokedAt = time.Now() }, ""},
		{"its secret ends in a moment, and cuts then", func(_ *key.Key, s *key.Stored) { s.NotAfter, s.Cut = time.Now().Add(300*time.Millisecond), true }, "key.secret_ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			goOn := make(chan struct{})
			aborted := make(chan struct{})
			w.connect("openai", patient(goOn, aborted))
			k, text := policy("cut"), key.NewSecret("production").Reveal()
			w.lock(k, text, key.Stored{ID: "sec_1", Scheme: key.HMAC1})
			w.start().cutting()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a call that is not cut would stay for ever
			defer cancel()
			resp, err := http.DefaultClient.Do(w.request("/v1/chat/completions", askStream, bearer(text)...).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			readWord(resp)
			s := key.Stored{ID: "sec_1", Scheme: key.HMAC1}
			tt.change(&k, &s)
			w.lock(k, text, s)
			start := time.Now()
			w.publish(2)
			if tt.code == "" {
				time.AfterFunc(700*time.Millisecond, func() { close(goOn) }) // the cut-off has looked by then
			}
			rest, err := io.ReadAll(resp.Body)
			took := time.Since(start)
			r := w.log.last(t)
			if tt.code == "" {
				if err != nil || !strings.Contains(string(rest), "[DONE]") || r.Outcome != calllog.OK {
					t.Errorf("cut: %s, %v, %+v", rest, err, r)
				}
				return
			}
			if took > 2*time.Second {
				t.Errorf("ended after %s", took)
			}
			if !strings.Contains(string(rest), tt.code) || strings.Contains(string(rest), "[DONE]") || r.Outcome != calllog.Broken || r.ErrorCode != tt.code || !r.Estimated {
				t.Errorf("%s; recorded %s %s, estimated %v", rest, r.Outcome, r.ErrorCode, r.Estimated)
			}
			if r.Attempts[0].ErrorClass != "cut_off" {
				t.Errorf("the attempt is recorded as %q", r.Attempts[0].ErrorClass)
			}
			select {
			case <-aborted:
			case <-time.After(2 * time.Second):
				t.Error("the provider works on")
			}
		})
	}
}

func TestASecretThatWasMadeElsewhereWorksAndIsUpgraded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var told []key.Upgrade
	w.upgrade = func(u key.Upgrade) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, u)
	}
	const text = "sk-6NxIbLcY3q5uJtbBEXAMPLE"
	k := policy("imported")
	plain := w.lock(k, text, key.Stored{ID: "sec_1", Scheme: key.SHA256, Imported: true})
	w.connect("openai", answering(200, whole))
	w.start()
	ask := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`
	if a := w.chat(ask, bearer(text)...); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, wrong := range []string{"sk-6NxIbLcY3q5uJtbBEXAMPLF", "sk-short", text + " x", strings.Repeat("s", 1000)} {
		if a := w.chat(ask, bearer(wrong)...); a.status != 401 {
			t.Errorf("%.30q: %d", wrong, a.status)
		}
	}
	secret, err := key.ParseForeign(text)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	if len(told) != 1 || told[0].Plain != key.Plain(secret) || told[0].Keyed != w.hasher.Hash(secret) {
		t.Errorf("told %d", len(told))
	}
	mu.Unlock()
	delete(w.keys, plain.Hash)
	w.lock(k, text, key.Stored{ID: "sec_1", Scheme: key.HMAC1, Imported: true})
	w.publish(2)
	if a := w.chat(ask, bearer(text)...); a.status != 200 || len(told) != 1 {
		t.Errorf("after the upgrade: %d %s, told %d", a.status, a.body, len(told))
	}
}

// A key of ours is not found by a plain hash: who has a copy of the database could otherwise make one that fits.
func TestTheTwoKindsOfHashesDoNotMix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours := key.NewSecret("production")
	w.keys[key.Plain(ours)] = &snapshot.Key{Org: w.org, Key: policy("planted"), Secret: &key.Stored{ID: "sec_1", Scheme: key.SHA256, Imported: true}, Hash: key.Plain(ours)}
	w.start()
	if a := w.chat(askStream, bearer(ours.Reveal())...); a.status != 401 || a.code() != "key.unknown" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// wallet tells fixed figures.
type wallet struct{ err error }

func (p wallet) Spent(context.Context, *snapshot.Key) (gateway.Spent, error) {
	return gateway.Spent{Total: 12_345_678_901, Day: 1_000_000_000, Week: 2_000_000_000, Month: 3_000_000_001, UpTo: time.Unix(1_800_000_000, 0).UTC()}, p.err
}

func (p wallet) Left(_ context.Context, _ *snapshot.Key, of []*budget.Budget) ([]gateway.Left, error) {
	var out []gateway.Left
	for _, b := range of {
		for _, l := range b.Limits {
			out = append(out, gateway.Left{Budget: b, Window: budget.Window{Period: l.Period, To: time.Unix(1_800_003_600, 0).UTC()}, Limit: l.Amount, Spent: 1_000_000_000, Reserved: 500_000_000})
		}
	}
	return out, p.err
}

func TestAKeyAsksAboutItself(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		w := newWorld(t)
		var err error
		if down {
			err = errors.New("the database is away")
		}
		w.keyed.Self = gateway.Introspect(wallet{err}, time.Now)
		k, text := policy("Triage"), key.NewSecret("production").Reveal()
		k.Aliases, k.Endpoints = []string{"fast"}, []key.Endpoint{key.ChatEndpoint}
		end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		w.lock(k, text, key.Stored{ID: "sec_1", Scheme: key.HMAC1, Prefix: text[:12], Last4: text[53:], NotAfter: end})
		of := dimension.Selector{{Dimension: dimension.Key, Value: string(k.ID)}}
		w.org.Budgets = append(w.org.Budgets,
			budget.Budget{ID: "bud_1", Name: "own", Mode: budget.Block, Selector: of, Limits: []budget.Limit{{Period: budget.Day, Amount: 5_000_000_000}}},
			budget.Budget{ID: "bud_2", Name: "other's", Mode: budget.Block, Selector: dimension.Selector{{Dimension: dimension.Key, Value: "key_other"}}, Limits: []budget.Limit{{Period: budget.Day, Amount: 1}}},
			budget.Budget{ID: "bud_3", Name: "all", Mode: budget.Watch, Limits: []budget.Limit{{Period: budget.Month, Amount: 9_000_000_000}}})
		w.org.Limits = append(w.org.Limits, limit.Limit{ID: "lim_1", Name: "rpm", Metric: limit.Requests, Amount: 60, Per: time.Minute, Selector: of},
			limit.Limit{ID: "lim_2", Name: "other's", Metric: limit.Requests, Amount: 1, Per: time.Minute, Selector: dimension.Selector{{Dimension: dimension.Key, Value: "key_other"}}})
		w.start()
		for _, path := range []string{"/v1/key", "/key", "/api/v1/key", "/api/v1/auth/key"} {
			a := w.get(path, bearer(text)...)
			if a.status != 200 {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
			var got struct {
				Data struct {
					Label          string       `json:"label"`
					Usage          *json.Number `json:"usage"`
					UsageMonthly   *json.Number `json:"usage_monthly"`
					Limit          *json.Number `json:"limit"`
					LimitRemaining *json.Number `json:"limit_remaining"`
					LimitReset     *string      `json:"limit_reset"`
					RateLimit      struct {
						Requests int64 `json:"requests"`
					} `json:"rate_limit"`
					Aliases []string         `json:"aliases"`
					Until   time.Time        `json:"secret_not_after"`
					Budgets []map[string]any `json:"budgets"`
					Limits  []map[string]any `json:"limits"`
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatal(err)
			}
			d := got.Data
			if d.Label != text[:12]+"..."+text[53:] || len(d.Budgets) != 2 || len(d.Limits) != 1 || d.RateLimit.Requests != 60 || len(d.Aliases) != 1 || !d.Until.Equal(end) {
				t.Errorf("%s", a.body)
			}
			if strings.Contains(a.body, text[12:53]) {
				t.Error("the answer holds the secret")
			}
			if down {
				if d.Usage != nil || d.LimitRemaining != nil {
					t.Errorf("figures without a database: %s", a.body)
				}
				continue
			}
			if d.Usage.String() != "12.345678901" || d.UsageMonthly.String() != "3.000000001" || d.Limit.String() != "5.00" || d.LimitRemaining.String() != "3.50" || *d.LimitReset != "daily" {
				t.Errorf("%s", a.body)
			}
		}
		if a := w.get("/v1/key", bearer(key.NewSecret("production").Reveal())...); a.status != 401 || a.code() != "key.unknown" {
			t.Errorf("an unknown key: %d %s", a.status, a.body)
		}
	}
}
