package fault

import (
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// SIGTERM while streams run: none is cut, all are recorded, the process ends by itself with status 0.
func TestATerminationCutsNoStream(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	for _, model := range []string{"gpt-4o-mini", "claude-haiku-4-5"} {
		s.provider.Script(model, replay.Turn{Words: 40, Pause: 50 * time.Millisecond}) // two seconds
	}
	const streams = 60
	done := make(chan result, streams)
	for n := range streams {
		go func() { done <- s.one(t.Context(), "term-"+string(rune('A'+n)), models[n%2], true) }()
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if len(s.booked()) < streams {
			return harness.ErrNotYet
		}
		return nil
	})
	s.Terminate()
	var results []result
	for range streams {
		r := <-done
		results = append(results, r)
		if !r.whole {
			t.Errorf("%s was cut: %d %v", r.user, r.code, r.err)
		}
	}
	if err := s.Wait(30 * time.Second); err != nil {
		t.Errorf("the process did not end well: %v", err)
	}
	s.Launch()
	s.WaitReady(30 * time.Second)
	s.compare(t, s.settled(t, 20*time.Second), results)
}
