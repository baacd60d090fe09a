package password

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"tollgate/internal/account"
)

func TestAPasswordMatchesItsHashAndNothingElse(t *testing.T) {
	t.Parallel()
	h := New()
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(hash), "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Errorf("hash = %s, want the stated cost", hash)
	}
	tests := []struct {
		name, plain string
		hash        account.PasswordHash
		want        bool
	}{
		{"the password", "correct horse", hash, true},
		{"another", "correct horse ", hash, false},
		{"no user", "", "", false},
		{"no user, any password", "correct horse", "", false},
	}
	for _, tt := range tests {
		ok, outdated, err := h.Match(t.Context(), tt.plain, tt.hash)
		if err != nil || ok != tt.want || outdated {
			t.Errorf("%s: Match = %v, %v, %v; want %v", tt.name, ok, outdated, err, tt.want)
		}
	}
	again, err := h.Hash(t.Context(), "correct horse")
	if err != nil || again == hash {
		t.Errorf("the same password hashes to the same text: salt is missing (%v)", err)
	}
}

func TestAHashOfOldCostMatchesAndIsOutdated(t *testing.T) {
	t.Parallel()
	s := salt()
	old := encode(s, argon2.IDKey([]byte("correct horse"), s, 2, 19*1024, 1, sumBytes))
	old = account.PasswordHash(strings.Replace(string(old), "m=47104,t=1,p=1", "m=19456,t=2,p=1", 1))
	if ok, outdated, err := New().Match(t.Context(), "correct horse", old); !ok || !outdated || err != nil {
		t.Errorf("Match = %v, %v, %v; want true, true", ok, outdated, err)
	}
}

func TestAHashWaitsForRoomOnlyAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	h := New()
	for range atOnce {
		h.room <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "correct horse"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hash = %v, want the deadline", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("$argon2id$v=19$m=47104,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + strings.Repeat("A", 43))
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decode(account.PasswordHash(text))
		if err == nil && (p.memory > 1<<20 || p.passes > 16 || p.lanes == 0 || len(p.sum) != sumBytes) {
			t.Errorf("accepted %+v", p)
		}
	})
}
