package fault

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// A full disk: a call that cannot be recorded is not made. When there is room again, calls are served again, by themselves.
func TestAFullDiskRefusesCallsBeforeTheProviderIsCalled(t *testing.T) {
	dir, err := os.MkdirTemp("", "tollgate-full-") //nolint:usetesting // unmounted at the end of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	disk, ok := smallDisk(t, filepath.Join(dir, "spool"))
	if !ok {
		return // the quota's test below holds the same promise without privileges
	}
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t), DataDir: dir})
	disk.fill(t)
	s.refusesWhileFull(t, s.client)
	disk.empty(t)
	s.recovers(t)
}

// A spool at its quota is the same as a full disk: the database is down for so long that call records reach their limit.
func TestASpoolAtItsQuotaRefusesCallsBeforeTheProviderIsCalled(t *testing.T) {
	own := pgtest.OwnServer(t)
	s := build(t, harness.Config{DatabaseURL: own.URL(), Env: []string{"TOLLGATE_SPOOL_QUOTA_BYTES=67108864"}})
	_, secret := s.owner.IssueKey("keeps bodies", map[string]any{"privacy": "full"})
	client := s.Client(secret)
	until(t, client, http.StatusOK)
	own.Stop()
	body := []byte(`{"model":"openai/gpt-4o-mini","user":"filler","messages":[{"role":"user","content":"` + strings.Repeat("full of words ", 20_000) + `"}]}`)
	for n := 0; ; n++ {
		got, err := client.Chat(t.Context(), replay.OpenAI, body)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status == http.StatusServiceUnavailable {
			t.Logf("full after %d calls", n)
			break
		}
		if n > 1000 {
			t.Fatalf("not full after %d calls: %v", n, got.Failed())
		}
	}
	s.refusesWhileFull(t, client)
	own.Start()
	s.recovers(t)
}

// refusesWhileFull: from the first refusal on no provider is called, in either dialect.
func (s *site) refusesWhileFull(t *testing.T, client *harness.Client) {
	t.Helper()
	var refused *harness.Reply
	harness.Eventually(t, 20*time.Second, func() error { // what is left of the space is used up first
		got, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask(models[0], "full", true))
		if err != nil {
			return err
		}
		if got.Status != http.StatusServiceUnavailable {
			return harness.ErrNotYet
		}
		refused = got
		return nil
	})
	if code := errorCode(refused.Body); code != "log.unavailable" {
		t.Errorf("refused with %s: %s", code, refused.Body)
	}
	asked := s.provider.Ledger.Len()
	for _, dialect := range []string{replay.OpenAI, replay.Anthropic} {
		body := harness.Ask(models[1], "full", false)
		if dialect == replay.Anthropic {
			body = []byte(`{"model":"anthropic/claude-haiku-4-5","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}`)
		}
		got, err := client.Chat(t.Context(), dialect, body)
		if err != nil || got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s on a full disk: %+v %v", dialect, got, err)
		}
	}
	if now := s.provider.Ledger.Len(); now != asked {
		t.Errorf("the provider was called %d times for calls that cannot be recorded", now-asked)
	}
}

// recovers: there is room again, and nobody has to do anything.
func (s *site) recovers(t *testing.T) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func() error {
		got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask(models[1], "after", true))
		if err != nil {
			return err
		}
		return got.Failed()
	})
	s.logged(t, "after")
	log := s.owner.Calls(url.Values{"end_user": {"filler"}})
	filled := len(s.provider.Ledger.Of(func(c replay.Call) bool { return c.User == "filler" }))
	harness.Eventually(t, 30*time.Second, func() error {
		if log = s.owner.Calls(url.Values{"end_user": {"filler"}, "outcome": {"ok"}}); len(log) != filled {
			return errf("%d of %d records of the time before are in the log", len(log), filled)
		}
		return nil
	})
}

// logged waits for a user's call in the log.
func (s *site) logged(t *testing.T, user string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		for _, c := range s.owner.Calls(nil) {
			if c.EndUser == user && c.Outcome == "ok" {
				return nil
			}
		}
		return errf("no call of %s in the log", user)
	})
}

// disk is a file system that can be filled.
type disk struct{ ballast string }

// smallDisk makes dir a file system of its own. That needs root: false without.
func smallDisk(t *testing.T, dir string) (disk, bool) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Logf("no file system of its own for the spool: %v: %s", err, out)
		return disk{}, false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return disk{filepath.Join(dir, "ballast")}, true
}

func (d disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); err != nil {
			size /= 2
		}
	}
}

func (d disk) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		t.Fatal(err)
	}
}
