package fault

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// upstream is one way in which a provider fails, and what the client must see of it.
type upstream struct {
	name   string
	turn   replay.Turn
	stream bool
	status int    // of the answer; 200: the stream breaks after content
	log    string // the outcome
}

func TestAFailingProviderIsNeverMistakenForAnAnswer(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	tests := []upstream{
		{"hangs", replay.Turn{Hang: true}, false, 504, "failed"},
		{"hangs, asked for a stream", replay.Turn{Hang: true}, true, 504, "failed"},
		{"resets in mid-body", replay.Turn{Cutting: replay.Odd, Break: 2, How: replay.Reset}, false, 502, "failed"},
		{"closes in mid-body", replay.Turn{Cutting: replay.Odd, Break: 2, How: replay.Closed}, false, 502, "failed"},
		{"resets in mid-stream", replay.Turn{Break: 6, How: replay.Reset, Pause: time.Millisecond}, true, 200, "broken"},
		{"closes in mid-stream", replay.Turn{Break: 6, How: replay.Closed, Pause: time.Millisecond}, true, 200, "broken"},
		{"ends the stream too early", replay.Turn{Break: 6, How: replay.Ended, Pause: time.Millisecond}, true, 200, "broken"},
		{"sends an error in mid-stream", replay.Turn{Break: 6, How: replay.Errored, Pause: 10 * time.Millisecond}, true, 200, "broken"},
		{"resets before any content", replay.Turn{Break: 1, How: replay.Reset}, true, 502, "failed"},
		{"sends garbage", replay.Turn{Body: []byte("<html>Service temporarily wonderful</html>")}, false, 502, "failed"},
		{"sends garbage for a stream", replay.Turn{Body: []byte("\x00\x01\x02 no stream at all")}, true, 502, "failed"},
		{"sends an error with status 200", replay.Turn{Body: replay.ErrorBody(replay.OpenAI, "server_error", "Provider returned error")}, false, 502, "failed"},
		{"answers 500", replay.Turn{Status: 500, Body: replay.ErrorBody(replay.OpenAI, "server_error", "oh no")}, false, 500, "failed"},
		{"answers 503 with HTML", replay.Turn{Status: 503, Body: []byte("<html>busy</html>")}, true, 503, "failed"},
	}
	for n, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := "gpt-4o-mini-" + string(rune('a'+n)) // a script of its own
			s.provider.Script(model, tt.turn)
			alias := "failing-" + string(rune('a'+n))
			s.owner.Do(http.MethodPost, "/aliases", map[string]any{"name": alias, "route": map[string]any{
				"targets": []map[string]string{{"provider": "openai", "model": model}}, "attempts": 1, "timeout_ms": 2000,
			}}).Want(http.StatusCreated)
			s.known(t, alias)
			user := "fails-" + alias
			got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask(alias, user, tt.stream))
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status {
				t.Errorf("status %d, want %d: %.300s", got.Status, tt.status, got.Body)
			}
			if tt.status == http.StatusOK {
				a := replay.Read(replay.OpenAI, true, got.Body)
				if a.Text == "" || a.Error == "" || a.Done || strings.Contains(string(got.Body), "[DONE]") {
					t.Errorf("a broken stream looks like %.600s", got.Body)
				}
			} else if errorOf(got.Body).Error.Message == "" {
				t.Errorf("no error in the client's dialect: %.300s", got.Body)
			}
			s.outcome(t, user, tt.log)
		})
	}
}

// known waits until the data plane knows an alias.
func (s *site) known(t *testing.T, alias string) {
	t.Helper()
	harness.Eventually(t, 5*time.Second, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Gateway+"/v1/models/"+alias, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.owner.Key)
		got, err := s.client.Do(req)
		if err != nil {
			return err
		}
		return got.Failed()
	})
}

// outcome waits for a user's call in the log and compares how it ended.
func (s *site) outcome(t *testing.T, user, want string) {
	t.Helper()
	harness.Eventually(t, 10*time.Second, func() error {
		for _, c := range s.owner.Calls(nil) {
			if c.EndUser == user {
				if c.Outcome != want {
					return errf("%s is logged as %s, want %s", user, c.Outcome, want)
				}
				return nil
			}
		}
		return errf("%s is not in the log", user)
	})
}

// A primary that fails is made good by the fallback, and the client sees only the good answer.
func TestAFallbackIsInvisible(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	turns := map[string]replay.Turn{
		"rate-limited": {Status: 429, Header: map[string]string{"retry-after": "30"}, Body: replay.ErrorBody(replay.Anthropic, "rate_limit_error", "slow down")},
		"overloaded":   {Status: 529, Body: replay.ErrorBody(replay.Anthropic, "overloaded_error", "Overloaded")},
		"erring":       {Status: 500, Body: replay.ErrorBody(replay.Anthropic, "api_error", "oh no")},
		"resetting":    {Break: 1, How: replay.Reset},
		"error-first":  {Body: []byte(replay.StreamError(replay.Anthropic))},
		"silent":       {Hang: true},
	}
	for name, turn := range turns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.provider.Script("claude-"+name, turn)
			s.owner.Do(http.MethodPost, "/aliases", map[string]any{"name": name, "route": map[string]any{
				"first_byte_ms": 1000,
				"targets":       []map[string]string{{"provider": "anthropic", "model": "claude-" + name}, {"provider": "openai", "model": "gpt-4o-mini"}},
			}}).Want(http.StatusCreated)
			s.known(t, name)
			for _, stream := range []bool{false, true} {
				if name == "error-first" && !stream {
					continue
				}
				got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask(name, "falls-back", stream))
				if err != nil {
					t.Fatal(err)
				}
				a, attempts := replay.Read(replay.OpenAI, stream, got.Body), "2"
				if name == "rate-limited" && stream { // it has asked for a pause, and gets it
					attempts = "1"
				}
				if got.Status != http.StatusOK || !a.Done || a.Error != "" || a.Text == "" || got.Header.Get("X-Tollgate-Attempts") != attempts || got.Header.Get("X-Tollgate-Provider") != "openai" {
					t.Errorf("stream %v: %d %v %.300s", stream, got.Status, got.Header, got.Body)
				}
			}
		})
	}
}
