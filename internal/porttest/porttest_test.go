package porttest

import "testing"

func TestNoAddressIsGivenTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 5 * size { // over several blocks, and none of them is listened on
		addr := Addr(t)
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
	}
}

func TestTwoProgramsHaveBlocksOfTheirOwn(t *testing.T) {
	one, other := new(owned), new(owned)
	t.Cleanup(func() { one.free(); other.free() })
	seen := map[string]bool{}
	for range 3 * size {
		for _, o := range []*owned{one, other} {
			addr, err := o.addr(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if seen[addr] {
				t.Fatalf("%s was given to both", addr)
			}
			seen[addr] = true
		}
	}
}

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	o := new(owned)
	t.Cleanup(o.free)
	if _, err := o.addr(t.Context()); err != nil {
		t.Fatal(err)
	}
	taken, err := listen(t.Context(), loopback(o.next))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	addr, err := o.addr(t.Context())
	if err != nil || addr == taken.Addr().String() {
		t.Fatalf("%s, %v: it is taken", addr, err)
	}
	l, err := listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func (o *owned) free() {
	for _, l := range o.locks {
		_ = l.Close()
	}
}
