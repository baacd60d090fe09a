package id_test

import (
	"testing"
	"time"

	"tollgate/internal/id"
)

func TestCallRoundTripsAndCarriesItsTime(t *testing.T) {
	t.Parallel()
	before := time.Now().UTC().Truncate(time.Millisecond)
	c := id.NewCall()
	got, err := id.ParseCall(c.String())
	if err != nil || got != c {
		t.Fatalf("ParseCall(%q) = %v, %v", c, got, err)
	}
	if c.Time().Before(before) || time.Since(c.Time()) > time.Minute {
		t.Errorf("time of %v is %v", c, c.Time())
	}
}

func TestJunkIsNoCall(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "call_", "call_0", "key_" + id.NewCall().String()[5:], "call_uuuuuuuuuuuuuuuuuuuuuuuuuu"} {
		if _, err := id.ParseCall(s); err == nil {
			t.Errorf("ParseCall(%q) was accepted", s)
		}
	}
}
