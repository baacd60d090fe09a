package httperr_test

import (
	"errors"
	"fmt"
	"testing"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
)

func TestEveryKindHasAStatus(t *testing.T) {
	t.Parallel()
	seen := map[int]fault.Kind{}
	for k := fault.Kind(0); k < fault.Kinds; k++ {
		status, _ := httperr.Of(fmt.Errorf("layer: %w", fault.New(k, "x", "X.")))
		if status < 400 {
			t.Errorf("kind %d has status %d", k, status)
		}
		if other, dup := seen[status]; dup {
			t.Errorf("kinds %d and %d share status %d", k, other, status)
		}
		seen[status] = k
	}
}

func TestUndeclaredTextStaysInside(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("pq: secret"), fault.New(fault.Internal, "db.broken", "secret")} {
		if status, f := httperr.Of(err); status != 500 || f.Code != "internal" {
			t.Errorf("Of(%v) = %d %s", err, status, f.Code)
		}
	}
}
