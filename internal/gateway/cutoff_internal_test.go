package gateway

import (
	"errors"
	"testing"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// A call's secret may be found by another hash by now: that of an imported one is exchanged at its first use. What ended another secret
// of the key does not end the call; what ended its own does.
func TestACallEndsWithItsOwnSecretWhateverHashThatHas(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_900_000_000, 0)
	org := &snapshot.Org{ID: "org_1"}
	was := &snapshot.Key{Org: org, Key: key.Key{ID: "key_1"}, Secret: &key.Stored{ID: "sec_own", Scheme: key.SHA256, Imported: true}, Hash: key.Hash{1}}
	in := func(own, other key.Stored) *snapshot.Snapshot {
		k := key.Key{ID: "key_1", Secrets: []key.Stored{own, other}}
		return snapshot.New(2, now, []*snapshot.Org{org}, map[key.Hash]*snapshot.Key{{7}: {Org: org, Key: k, Secret: &k.Secrets[1], Hash: key.Hash{7}}})
	}
	ended := key.Stored{ID: "sec_x", RevokedAt: now, Cut: true}
	own, other := key.Stored{ID: "sec_own"}, ended
	if why, _ := doomed(was, in(own, other), now, false); why != nil {
		t.Errorf("another secret ended: %v", why)
	}
	own = ended
	own.ID = "sec_own"
	if why, _ := doomed(was, in(own, key.Stored{ID: "sec_x"}), now, false); !errors.Is(why, key.ErrSecretCut) {
		t.Errorf("its own secret ended: %v", why)
	}
	if why, _ := doomed(was, in(own, key.Stored{ID: "sec_x"}), now, true); why != nil {
		t.Errorf("a call for which no secret was sent: %v", why)
	}
	own.RevokedAt, own.NotAfter = time.Time{}, now.Add(time.Hour)
	if why, due := doomed(was, in(own, other), now, false); why != nil || !due.Equal(now.Add(time.Hour)) {
		t.Errorf("its own secret ends later: %v, %s", why, due)
	}
}
