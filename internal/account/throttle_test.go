package account

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestTheThrottleTakesBoundedMemory(t *testing.T) {
	t.Parallel()
	var th throttle
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range 2 * bucketsMax {
		from := Visitor{IP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
		_ = th.logIn(fmt.Sprintf("u%d@example.com", i), from, now)
		if len(th.buckets) > bucketsMax {
			t.Fatalf("%d buckets after %d attempts", len(th.buckets), i+1)
		}
	}
}

func TestForgottenBucketsGoFirst(t *testing.T) {
	t.Parallel()
	var th throttle
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range bucketsMax - 2 {
		th.count(bucketKey{byAccount, fmt.Sprint(i)}, now)
	}
	now = now.Add(forgetAfter)
	fresh := bucketKey{byAccount, "fresh"}
	for range freeOfAccount {
		th.count(fresh, now)
	}
	th.count(bucketKey{byAccount, "one"}, now)
	th.count(bucketKey{byAccount, "too many"}, now)
	if th.wait(fresh, freeOfAccount, now) == 0 || len(th.buckets) > 10 {
		t.Errorf("%d buckets, the fresh one waits %v", len(th.buckets), th.wait(fresh, freeOfAccount, now))
	}
}

func FuzzNormalEmail(f *testing.F) {
	f.Add("Ann@Example.com")
	f.Add("\"a b\"@example.com")
	f.Add("a@[127.0.0.1]")
	f.Fuzz(func(t *testing.T, text string) {
		once, err := NormalEmail(text)
		if err != nil {
			return
		}
		if twice, err := NormalEmail(once); err != nil || twice != once {
			t.Errorf("%q becomes %q, which becomes %q, %v", text, once, twice, err)
		}
	})
}
