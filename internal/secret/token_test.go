package secret_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/secret"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range []secret.Kind{secret.Live, secret.Test, secret.Management} {
		for range 200 {
			made := secret.NewToken(kind)
			got, err := secret.ParseToken(made.Reveal())
			if err != nil || got.Kind() != kind || got.Reveal() != made.Reveal() {
				t.Fatalf("ParseToken(%q) = %v %v", made.Reveal(), got.Kind(), err)
			}
			if len(made.Reveal()) != 57 || !strings.HasPrefix(made.Reveal(), "tg_"+string(kind)+"_") {
				t.Fatalf("form of %q", made.Reveal())
			}
			if made.Prefix() != made.Reveal()[:12] || made.Last4() != made.Reveal()[53:] {
				t.Fatalf("recognisable parts of %q", made.Reveal())
			}
			if seen[made.Reveal()] {
				t.Fatal("a token came twice")
			}
			seen[made.Reveal()] = true
			if s := fmt.Sprintf("%v %+v %#v %s", made, made, made, made); strings.Contains(s, made.Reveal()[12:]) {
				t.Fatalf("printed: %s", s)
			}
		}
	}
}

func TestEverySlipOfOneCharacterIsSeen(t *testing.T) {
	t.Parallel()
	good := secret.NewToken(secret.Live).Reveal()
	for i := range good {
		for _, c := range []byte("0aZ_-é ") {
			if good[i] == c {
				continue
			}
			bad := good[:i] + string(c) + good[i+1:]
			if _, err := secret.ParseToken(bad); err == nil {
				t.Errorf("accepted %q for %q", bad, good)
			}
		}
	}
	for _, bad := range []string{"", good[:56], good + "0", " " + good[1:], "sk-proj-1234", strings.Repeat("a", 57), strings.Repeat("é", 57)} {
		if _, err := secret.ParseToken(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestParseTokenAllocatesNothing(t *testing.T) {
	good := secret.NewToken(secret.Live).Reveal()
	if n := testing.AllocsPerRun(100, func() { _, _ = secret.ParseToken(good) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The form is public: other programs (secret scanners) check it, so it is pinned by a token made elsewhere.
func TestTheFormIsPinned(t *testing.T) {
	t.Parallel()
	const made = "tg_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
	if _, err := secret.ParseToken(made + "0WlpAb"); err != nil {
		t.Error(err)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(secret.NewToken(secret.Live).Reveal())
	f.Add("tg_live_")
	f.Add(strings.Repeat("\xff", 57))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := secret.ParseToken(text)
		if err == nil && (got.Reveal() != text || len(text) != 57) {
			t.Errorf("accepted %q as %q", text, got.Reveal())
		}
	})
}
