package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"tollgate/internal/fault"
)

var (
	errA = fault.New(fault.Invalid, "a.bad", "A is bad.")
	errB = fault.New(fault.Invalid, "a.bad", "A is bad.")
)

func TestDerivedErrorsMatchTheirDeclaration(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk")
	got := fmt.Errorf("layer: %w", errA.At("x").Say("A %d", 1).Because(cause))
	if !errors.Is(got, errA) {
		t.Error("derived error does not match its declaration")
	}
	if errors.Is(got, errB) {
		t.Error("derived error matches another declaration with equal text")
	}
	if !errors.Is(got, cause) {
		t.Error("the cause is lost")
	}
	if errA.Field != "" || errA.Message != "A is bad." {
		t.Error("the declared variable was changed by deriving from it")
	}
}
