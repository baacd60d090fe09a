package resttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Memory is a rest.Ledger for tests of endpoints.
type Memory struct {
	mu   sync.Mutex
	held map[memoryKey]rest.Held
}

var errKept = errors.New("an answer that holds a secret was given to be stored")

type memoryKey struct {
	org               id.Org
	actor, route, key string
}

func keyOf(in tenant.Scope, c rest.Claim) memoryKey {
	return memoryKey{in.Org(), c.Actor, c.Route, c.Key}
}

// Claim implements rest.Ledger.
func (m *Memory) Claim(_ context.Context, in tenant.Scope, c rest.Claim, now, cutoff time.Time) (*rest.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		m.held = map[memoryKey]rest.Held{}
	}
	if h, ok := m.held[keyOf(in, c)]; ok && !h.ClaimedAt.Before(cutoff) {
		return &h, nil
	}
	m.held[keyOf(in, c)] = rest.Held{BodyHash: c.BodyHash, ClaimedAt: now}
	return nil, nil //nolint:nilnil // no earlier claim
}

// Finish implements rest.Ledger.
func (m *Memory) Finish(_ context.Context, in tenant.Scope, c rest.Claim, o rest.Outcome) error {
	if o.Secret && len(o.Body) > 0 {
		return errKept
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.held[keyOf(in, c)]
	h.Outcome = &o
	m.held[keyOf(in, c)] = h
	return nil
}

// Drop implements rest.Ledger.
func (m *Memory) Drop(_ context.Context, in tenant.Scope, c rest.Claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, keyOf(in, c))
	return nil
}

// ExerciseLedger is the one suite for every ledger. a and b are scopes of two organizations.
func ExerciseLedger(t *testing.T, l rest.Ledger, a, b tenant.Scope) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	claim := rest.Claim{Actor: "user_1", Route: "POST /keys", Key: "k1", BodyHash: [32]byte{1}}
	ctx := t.Context()
	take := func(in tenant.Scope, c rest.Claim, now time.Time) *rest.Held {
		t.Helper()
		h, err := l.Claim(ctx, in, c, now, now.Add(-24*time.Hour))
		if err != nil {
			t.Fatalf("Claim: %v", err)
		}
		return h
	}

	if h := take(a, claim, noon); h != nil {
		t.Fatalf("a fresh claim is held: %+v", h)
	}
	if h := take(a, claim, noon); h == nil || h.Outcome != nil || h.BodyHash != claim.BodyHash || !h.ClaimedAt.Equal(noon) {
		t.Fatalf("a running claim is told as %+v", h)
	}
	if h := take(b, claim, noon); h != nil {
		t.Fatalf("another organization's claim collides: %+v", h)
	}
	other := claim
	other.Actor = "user_2"
	if h := take(a, other, noon); h != nil {
		t.Fatalf("another actor's claim collides: %+v", h)
	}

	quiet := claim
	quiet.Key = "secret"
	take(a, quiet, noon)
	shown := rest.Outcome{Status: 201, Header: map[string]string{}, Secret: true, Resource: "x"}
	if err := l.Finish(ctx, a, quiet, shown); err != nil {
		t.Fatalf("Finish with a secret: %v", err)
	}
	shown.Body = []byte("canary")
	if err := l.Finish(ctx, a, quiet, shown); err == nil {
		t.Error("an answer that holds a secret was stored")
	}
	shown.Body = nil
	if h := take(a, quiet, noon); h == nil || h.Outcome == nil {
		t.Errorf("an outcome with a secret is told as %+v", h)
	} else if diff := cmp.Diff(shown, *h.Outcome); diff != "" {
		t.Errorf("outcome with a secret (-want +got):\n%s", diff)
	}

	want := rest.Outcome{Status: 201, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"id":"x"}`), Resource: "x"}
	if err := l.Finish(ctx, a, claim, want); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	h := take(a, claim, noon.Add(time.Hour))
	if h == nil || h.Outcome == nil {
		t.Fatalf("a finished claim is told as %+v", h)
	}
	if diff := cmp.Diff(want, *h.Outcome); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if h := take(a, claim, noon.Add(25*time.Hour)); h != nil {
		t.Fatalf("a claim lives on after a day: %+v", h)
	}

	if err := l.Drop(ctx, a, other); err != nil {
		t.Fatalf("Drop: %v", err)
	}
	if h := take(a, other, noon); h != nil {
		t.Fatalf("a dropped claim is held: %+v", h)
	}

	// Of many at once exactly one gets the claim.
	race := claim
	race.Key = "race"
	var wg sync.WaitGroup
	won := make(chan bool, 8)
	for range cap(won) {
		wg.Go(func() {
			h, err := l.Claim(ctx, a, race, noon, noon.Add(-24*time.Hour))
			won <- err == nil && h == nil
		})
	}
	wg.Wait()
	close(won)
	n := 0
	for w := range won {
		if w {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of 8 simultaneous requests got the claim, want 1", n)
	}
}
