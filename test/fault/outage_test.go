package fault

import (
	"fmt"
	"os"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
)

func errf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// The outage: without its database the gateway serves every known key, and nothing of it is lost. 15 s here; TOLLGATE_FULL=1 makes it
// the 60 s of the promise.
func TestAnOutageOfPostgresIsNoOutageOfTheGateway(t *testing.T) {
	own := pgtest.OwnServer(t)
	s := build(t, harness.Config{DatabaseURL: own.URL()})
	s.provider.Ledger.Slim()
	outage := 15 * time.Second
	if os.Getenv("TOLLGATE_FULL") == "1" {
		outage = time.Minute
	}
	load := s.start(t.Context(), "outage", 50)
	harness.Eventually(t, 20*time.Second, func() error {
		if load.count() < 25 {
			return harness.ErrNotYet
		}
		return nil
	})
	own.Stop()
	down := time.Now()
	before := load.count()
	harness.Eventually(t, outage+30*time.Second, func() error { // the load goes on by itself: wait for the time to pass
		if time.Since(down) < outage {
			return harness.ErrNotYet
		}
		return nil
	})
	during := load.count() - before
	own.Start()
	results := load.stop()
	for _, r := range results {
		if !r.whole {
			t.Errorf("%s was not served: %d %v", r.user, r.code, r.err)
		}
	}
	if during < int(outage.Seconds())*40 {
		t.Errorf("only %d calls in %s of outage", during, outage)
	}
	log := s.settled(t, 60*time.Second)
	t.Logf("%d calls, %d of them without a database, %d in the log", len(results), during, len(log))
	s.compare(t, log, results)
}
