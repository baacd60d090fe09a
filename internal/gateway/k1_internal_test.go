package gateway

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// door is a gateway that only knows who comes in, and counts the hashes that it makes: a lookup is behind each.
func door(hashes *int, keys map[key.Hash]*snapshot.Key) *Gateway {
	org := &snapshot.Org{ID: "org_1"}
	snap := snapshot.New(1, time.Unix(0, 0), []*snapshot.Org{org}, keys)
	return &Gateway{Deps: Deps{
		Snapshots: func() *snapshot.Snapshot { return snap },
		Hash:      func(key.Secret) key.Hash { *hashes++; return key.Hash{1} },
	}}
}

// spoiled is a key with something wrong: a changed character, a cut, more behind it, or noise of any length.
func spoiled(r *rand.Rand, good string) string {
	switch r.IntN(5) {
	case 0:
		return good[:r.IntN(len(good))]
	case 1:
		return good + string(rune('0'+r.IntN(10)))
	case 2:
		b := make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(33 + r.IntN(94))
		}
		return string(b)
	default: // one character of the body: the checksum finds it
		const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		i := 8 + r.IntN(len(good)-8)
		c := letters[r.IntN(len(letters))]
		if c == good[i] {
			c = letters[(strings.IndexByte(letters, c)+1)%len(letters)]
		}
		return good[:i] + string(c) + good[i+1:]
	}
}

// K1: junk costs no hash and no lookup past the checksum, unless secrets were imported that look like anything.
func TestK1MalformedKeysCostNoLookup(t *testing.T) {
	t.Parallel()
	n := 200_000
	if os.Getenv("TOLLGATE_FAULT") == "big" {
		n = 10_000_000
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	hashes := 0
	g := door(&hashes, nil)
	good := key.NewSecret(key.Production).Reveal()
	req := &http.Request{URL: &url.URL{}, Header: http.Header{}}
	for i := range n {
		if i%1000 == 0 {
			good = key.NewSecret(key.Production).Reveal()
		}
		req.Header["Authorization"] = []string{"Bearer " + spoiled(r, good)}
		if _, err := g.keyOf(req); err == nil || errors.Is(err, key.ErrUnknown) {
			t.Fatalf("seed %d: junk came past the checksum: %v", seed, err)
		}
	}
	t.Logf("K1: %d malformed keys, %d lookups past the checksum, seed %d", n, hashes, seed)
	if hashes != 0 {
		t.Errorf("%d lookups", hashes)
	}
	req.Header["Authorization"] = []string{"Bearer " + good}
	if _, err := g.keyOf(req); !errors.Is(err, key.ErrUnknown) || hashes != 1 {
		t.Errorf("a well-formed key: %v, %d lookups: the count counts nothing", err, hashes)
	}
}

// Where secrets were imported, what has their characters and length is looked up; what has not is not.
func TestK1WithImportsOnlyWhatCouldBeOneIsLookedUp(t *testing.T) {
	t.Parallel()
	hashes := 0
	g := door(&hashes, map[key.Hash]*snapshot.Key{{9}: {Org: &snapshot.Org{ID: "org_1"}, Secret: &key.Stored{Scheme: key.SHA256, Imported: true}}})
	for text, looked := range map[string]int{
		"sk-0123456789abcdefghij": 1, "sk-short": 0, strings.Repeat("x", 257): 0, "sk-0123456789 abcdefghij": 0, "sk-0123456789ä0123456789": 0,
		"tg_live_0123456789012345678901234567890123456789012345678": 0,
	} {
		before := hashes
		_, _ = g.keyOf(&http.Request{URL: &url.URL{}, Header: http.Header{"Authorization": {"Bearer " + text}}})
		if hashes-before != looked {
			t.Errorf("%q: %d lookups, want %d", text, hashes-before, looked)
		}
	}
}

// K1: what is too long allocates nothing, however long it is.
func TestK1OverlongKeysAllocateNothing(t *testing.T) {
	for _, length := range []int{58, 300, 100_000} {
		text := "tg_live_" + strings.Repeat("a", length)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := key.ParseSecret(text); err == nil {
				t.Fatal("parsed")
			}
			if _, err := key.ParseForeign(text); err == nil {
				t.Fatal("parsed")
			}
		}); n != 0 {
			t.Errorf("%d characters: %v allocations", length, n)
		}
	}
}
