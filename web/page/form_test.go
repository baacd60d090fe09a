package page

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/fault"
)

func TestOnlyWhatAPersonCanMendStaysInTheForm(t *testing.T) {
	t.Parallel()
	for kind := range fault.Kinds {
		err := fmt.Errorf("while saving: %w", fault.New(kind, "some.code", "A sentence.").At("name"))
		trouble, status, mendable := Wrong(err)
		want := kind != fault.Internal && kind != fault.NotFound && kind != fault.Forbidden && kind != fault.PaymentRequired && kind != fault.TooLarge
		if mendable != want {
			t.Errorf("kind %d: mendable = %v, want %v", kind, mendable, want)
		}
		if mendable && (trouble.At("name") != "A sentence." || status < 400) {
			t.Errorf("kind %d: %+v with status %d", kind, trouble, status)
		}
	}
	if _, _, mendable := Wrong(errors.New("disk full")); mendable {
		t.Error("an undeclared error was shown in a form")
	}
}

func TestAMessageStandsAtItsFieldOrAboveTheForm(t *testing.T) {
	t.Parallel()
	part := Trouble{Field: "networks.2", Message: "No."}
	if part.At("networks") != "No." || part.At("net") != "" || part.Above("networks") != "" || part.Above("name") != "No." {
		t.Error("a part of a field lost its message")
	}
	if whole := (Trouble{Message: "No."}); whole.Above("networks") != "No." || whole.At("networks") != "" {
		t.Error("a message of no field does not stand above")
	}
}

func TestManyValuesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"a", "b", "c"}, Words(" a, b\r\nc ,")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "x=y", "c": ""}, Pairs("a=1, b = x=y\nc,,")); diff != "" {
		t.Error(diff)
	}
}

func TestALogInLeadsToOurOwnPagesOnly(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/costs?x=1": "/costs?x=1", "": "/", "https://evil.example": "/", "//evil.example": "/", "/\\evil.example": "/", "/a\r\nSet-Cookie: x": "/",
	} {
		if got := Next(path); got != want {
			t.Errorf("Next(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzFieldsOfManyValues(f *testing.F) {
	f.Add("a, b\nc=d")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range Words(text) {
			if w == "" || len(Words(w)) != 1 {
				t.Errorf("Words(%q) gave %q", text, w)
			}
		}
		for k, v := range Pairs(text) {
			if k == "" || Pairs(k + "=" + v)[k] != v {
				t.Errorf("Pairs(%q) gave %q=%q", text, k, v)
			}
		}
	})
}
