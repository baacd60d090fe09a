package keypg_test

import (
	"testing"
	"time"

	"tollgate/internal/key"
)

// TestEndingTheNewSecretTakesTheRotationBack: the old one is then the key's for good, also past the end that it was given.
func TestEndingTheNewSecretTakesTheRotationBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	k, _ := h.issue("turning")
	k, _, err := h.keys.Rotate(t.Context(), h.in, k.ID, time.Hour, key.Finish)
	if err != nil {
		t.Fatal(err)
	}
	k, err = h.keys.EndSecret(t.Context(), h.in, k.ID, k.Secrets[0].ID, key.Finish)
	if err != nil {
		t.Fatal(err)
	}
	h.forward(48 * time.Hour)
	if old := &k.Secrets[1]; !old.Live(h.now()) || k.Secrets[0].Live(h.now()) {
		t.Errorf("two days later the old secret is live: %v, the new one: %v", old.Live(h.now()), k.Secrets[0].Live(h.now()))
	}
}
