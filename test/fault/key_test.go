package fault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// K2: keys are rotated again and again under load. No call fails, and an old secret is dead a second after its time.
func TestK2ARotationUnderLoadFailsNoCall(t *testing.T) {
	proxies, rounds, overlap := harness.Size(2, 4), harness.Size(2, 8), 3*time.Second
	f := buildFleet(t, proxies, &harness.Meter{}, harness.ProxyConfig{})
	id, secret := f.owner.IssueKey("k2", nil)
	f.fence(t, "k2")
	var now atomic.Pointer[string] // the secret that the application uses
	now.Store(&secret)
	ctx, stop := context.WithCancel(t.Context())
	y := &endings{}
	p := &purse{f: f, name: "k2"}
	var load sync.WaitGroup
	for w := range 2 * proxies {
		load.Go(func() {
			client := f.proxies[w%proxies].Client(secret)
			for ctx.Err() == nil {
				if mine := *now.Load(); mine != client.Key {
					client = f.proxies[w%proxies].Client(mine)
				}
				y.note(p.spend(t.Context(), client))
			}
		})
	}
	var lives []time.Duration // of old secrets, beyond their time
	for range rounds {
		old := *now.Load()
		var made struct {
			Secret  string `json:"secret"`
			Secrets []struct {
				NotAfter time.Time `json:"not_after"`
			} `json:"secrets"`
		}
		f.owner.Do(http.MethodPost, "/keys/"+id+"/rotate", map[string]any{"overlap_seconds": int(overlap.Seconds())}).Want(http.StatusOK).Into(&made)
		end := made.Secrets[1].NotAfter
		time.Sleep(overlap / 2) // people take their time to bring out a secret
		now.Store(&made.Secret)
		time.Sleep(time.Until(end.Add(-200 * time.Millisecond)))
		for _, proxy := range f.proxies {
			if got, err := proxy.Client(old).Chat(t.Context(), replay.OpenAI, harness.Ask(models[0], "k2-old", false)); err != nil || got.Status != http.StatusOK {
				t.Errorf("the old secret has ended before its time: %v %v", got, err)
			}
		}
		for _, proxy := range f.proxies {
			until(t, proxy.Client(old), http.StatusUnauthorized)
			lives = append(lives, time.Since(end))
		}
	}
	stop()
	load.Wait()
	slices.Sort(lives)
	last := lives[len(lives)-1]
	if rest := y.unexpected(served); len(rest) > 0 || y.count(served) == 0 {
		t.Errorf("calls failed while keys were rotated: %v of %s", rest, y)
	}
	if last > time.Second {
		t.Errorf("an old secret worked %s longer than it should", last)
	}
	t.Logf("K2: %d rotations under load on %d proxies: %d calls, 0 failed; old secrets dead at most %s after their time", rounds, proxies, y.count(served), last.Round(time.Millisecond))
}

// K2, the streams: whoever revokes a key and says so ends its calls under way within two seconds.
func TestK2ARevocationCutsOpenStreams(t *testing.T) {
	t.Parallel()
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	s.provider.Script("gpt-4o-mini", replay.Turn{Words: 400, Pause: 50 * time.Millisecond}) // 20 s
	id, secret := s.owner.IssueKey("k2 streams", nil)
	client := s.Client(secret)
	harness.Eventually(t, 10*time.Second, func() error { return listing(t.Context(), client) })
	const streams = 8
	ended := make([]time.Time, streams)
	said := make([][]byte, streams)
	var reading, done sync.WaitGroup
	reading.Add(streams)
	for n := range streams {
		done.Go(func() {
			once := sync.OnceFunc(reading.Done)
			defer once()
			surface := []string{replay.OpenAI, replay.Anthropic}[n%2]
			req, err := client.Ask(t.Context(), surface, "openai/gpt-4o-mini", true)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := client.HTTP().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			first := make([]byte, 256)
			k, _ := resp.Body.Read(first)
			once()
			rest, _ := io.ReadAll(resp.Body)
			ended[n], said[n] = time.Now(), append(first[:k], rest...)
		})
	}
	reading.Wait()
	revoked := time.Now()
	s.owner.Do(http.MethodPost, "/keys/"+id+"/revoke", map[string]any{"kill_streams": true})
	done.Wait()
	latest := time.Duration(0)
	for n := range streams {
		latest = max(latest, ended[n].Sub(revoked))
		if !bytes.Contains(said[n], []byte("key.revoked")) || bytes.Contains(said[n], []byte("[DONE]")) {
			t.Errorf("stream %d ended with %q", n, said[n][max(0, len(said[n])-300):])
		}
	}
	if latest > 2*time.Second {
		t.Errorf("a stream of a revoked key went on for %s", latest)
	}
	t.Logf("K2: %d open streams of a revoked key were cut, the last after %s", streams, latest.Round(time.Millisecond))
}

// K3: no secret that a key has had, whoever made it, is anywhere but at its owner's.
func TestK3SecretsOfKeysLeaveNoTrace(t *testing.T) {
	database := pgtest.URL(t)
	s := build(t, harness.Config{DatabaseURL: database, Env: []string{"TOLLGATE_LOG_LEVEL=debug"}})
	id, first := s.owner.IssueKey("k3", nil)
	s.owner.Budget(harness.Budget{Name: "k3", On: map[string]string{"key": id}, Limits: map[string]int64{"total": 1}, More: map[string]any{"wait_ms": -1}})
	second := s.owner.Do(http.MethodPost, "/keys/"+id+"/rotate", map[string]any{"overlap_seconds": 3600}).Want(http.StatusOK).Text("secret")
	const foreign, unknown = "sk-canary-imported-1f9e7c55ab", "sk-canary-unknown-83dd01bb27"
	s.importKey(t, foreign)
	canaries := map[string]string{"the first secret": first, "the second secret": second, "an imported secret": foreign, "a secret that nobody has": unknown}
	until(t, s.Client(second), http.StatusPaymentRequired)
	until(t, s.Client(foreign), http.StatusOK)
	for what, secret := range canaries {
		for _, broken := range []string{secret, secret + "x", secret[:len(secret)-1]} {
			for _, dialect := range []string{replay.OpenAI, replay.Anthropic} {
				got, err := s.Client(broken).Chat(t.Context(), dialect, harness.Ask(models[0], "k3", false))
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(got.Body, []byte(secret[4:])) {
					t.Errorf("%s is in an error: %s", what, got.Body)
				}
			}
		}
	}
	s.owner.Do(http.MethodPost, "/keys/report", map[string]any{"secret": first})
	until(t, s.Client(first), http.StatusUnauthorized)
	harness.Eventually(t, 15*time.Second, func() error { // all of it is recorded
		if len(inDatabase(t, database, "sandbox/echo-mini")) == 0 {
			return harness.ErrNotYet
		}
		return nil
	})
	places := 0
	for what, canary := range canaries {
		if bytes.Contains(s.Log(), []byte(canary)) {
			t.Errorf("%s is in the log", what)
		}
		for _, file := range inFiles(t, s.DataDir, canary) {
			t.Errorf("%s is in %s", what, file)
		}
		for _, table := range inDatabase(t, database, canary) {
			t.Errorf("%s is in table %s", what, table)
		}
		for _, url := range []string{s.API + "/metrics", s.Gateway + "/metrics", s.API + "/api/v1/calls", s.API + "/api/v1/keys", s.API + "/api/v1/keys/" + id} {
			places++
			if bytes.Contains([]byte(s.get(t, url)), []byte(canary)) {
				t.Errorf("%s is at %s", what, url)
			}
		}
	}
	t.Logf("K3: %d secrets (rotated, imported, unknown) in 0 log lines, files, tables and answers (%d addresses looked at)", len(canaries), places)
}

// importKey brings a secret along that was made elsewhere, by its SHA-256 alone.
func (s *site) importKey(t *testing.T, secret string) {
	t.Helper()
	sum := sha256.Sum256([]byte(secret))
	s.owner.Do(http.MethodPost, "/keys/import", map[string]any{"keys": []map[string]any{
		{"token": hex.EncodeToString(sum[:]), "key_alias": "imported", "key_name": "sk-...ab27"},
	}, "team_id": s.owner.TeamID}).Want(http.StatusOK)
}
