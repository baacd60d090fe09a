package fault

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// A revoked key is refused within a second, a new one served within a second: p99 of a hundred.
func TestAKeyIsRefusedWithinASecondOfItsRevocation(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	const keys, workers = 100, 4
	var mu sync.Mutex
	var made, gone []time.Duration
	queue := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := range queue {
				id, secret := s.owner.IssueKey(fmt.Sprintf("key %d", n), nil)
				client := s.Client(secret)
				up := until(t, client, http.StatusOK)
				s.owner.Do(http.MethodPost, "/keys/"+id+"/revoke", map[string]any{})
				down := until(t, client, http.StatusUnauthorized)
				mu.Lock()
				made, gone = append(made, up), append(gone, down)
				mu.Unlock()
			}
		})
	}
	for n := range keys {
		queue <- n
	}
	close(queue)
	wg.Wait()
	for what, all := range map[string][]time.Duration{"issued": made, "revoked": gone} {
		slices.Sort(all)
		p50, p99 := all[len(all)/2], all[len(all)*99/100-1]
		t.Logf("%s: p50 %s, p99 %s, max %s", what, p50, p99, all[len(all)-1])
		if p99 > time.Second {
			t.Errorf("%s: p99 is %s, more than a second", what, p99)
		}
	}
}

// until calls until the answer has a status, and gives the time it took.
func until(t *testing.T, client *harness.Client, status int) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 10*time.Second {
		got, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask("sandbox/echo-mini", "warm-up", false))
		if err == nil && got.Status == status {
			return time.Since(start)
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Errorf("no status %d after 10 s", status)
	return time.Since(start)
}
