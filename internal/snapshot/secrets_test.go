package snapshot

import (
	"net/netip"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
)

func TestEverySecretFindsItsKeyUntilItsTime(t *testing.T) {
	t.Parallel()
	h := hashed(key.Key{ID: "key_1", Privacy: key.PrivacyNone}, hashOf(1), hashOf(2), hashOf(3))
	h.Key.Secrets[1].NotAfter = noon
	h.Key.Secrets[2].Scheme, h.Key.Secrets[2].Imported = key.SHA256, true
	c := compiler{open: new(opener).open, vendors: vendors}
	o := &OrgConfig{ID: "org_a", Keys: []HashedKey{h}}
	is := c.compile(t.Context(), o, nil, nil)
	s := New(1, noon, nil, nil).with(1, noon, nil, map[id.Org]*compiled{"org_a": is})
	allow := func(k *Key, ok bool, at time.Time) error {
		t.Helper()
		if !ok {
			t.Fatal("not found")
		}
		return k.Allow(netip.Addr{}, key.ChatEndpoint, at)
	}
	fresh, ok := s.Key(hashOf(1))
	if err := allow(fresh, ok, noon.Add(time.Hour)); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	old, ok := s.Key(hashOf(2))
	if err := allow(old, ok, noon.Add(-1)); err != nil {
		t.Errorf("the old secret before its time: %v", err)
	}
	if err := allow(old, ok, noon); err == nil {
		t.Error("the old secret at its time")
	}
	if _, ok := s.Key(hashOf(3)); ok {
		t.Error("a plain hash is among the keyed ones")
	}
	if _, ok := s.Plain(hashOf(3)); !ok || !s.Imports() || s.Keys() != 3 {
		t.Errorf("the imported secret: %v, %d secrets", s.Imports(), s.Keys())
	}
	// After the first use of the imported secret the plain hash is gone; the snapshot before keeps it.
	h.Key.Secrets = append([]key.Stored(nil), h.Key.Secrets...)
	h.Key.Secrets[2].Scheme = key.HMAC1
	after := c.compile(t.Context(), &OrgConfig{ID: "org_a", Keys: []HashedKey{h}}, nil, is)
	next := s.with(2, noon, map[id.Org]*compiled{"org_a": is}, map[id.Org]*compiled{"org_a": after})
	if _, ok := next.Plain(hashOf(3)); ok || !next.Imports() {
		t.Error("the plain hash is still there")
	}
	if _, ok := next.Key(hashOf(3)); !ok {
		t.Error("the keyed hash is not")
	}
	if _, ok := s.Plain(hashOf(3)); !ok {
		t.Error("a published snapshot was changed")
	}
	gone := next.with(3, noon, map[id.Org]*compiled{"org_a": after}, map[id.Org]*compiled{"org_a": nil})
	if gone.Imports() || gone.Keys() != 0 {
		t.Errorf("of an organization that is gone %d secrets stay", gone.Keys())
	}
}

// What a refused configuration takes out of use is in force all the same; it gives nothing back.
func TestARefusedConfigurationStillEndsSecretsAndDisablesKeys(t *testing.T) {
	t.Parallel()
	config := func(change func(*key.Key)) *Config {
		h := hashed(key.Key{ID: "key_1", Privacy: key.PrivacyNone}, hashOf(1), hashOf(2))
		change(&h.Key)
		return &Config{Orgs: map[id.Org]*OrgConfig{"org_a": {ID: "org_a", Keys: []HashedKey{h}}}}
	}
	free := func(*key.Key) {}
	tests := []struct {
		name    string
		was, is func(*key.Key)
		touched bool
		want    func(*key.Key) bool
	}{
		{"nothing", free, free, false, func(k *key.Key) bool { return true }},
		{"disabled, with a cut", free, func(k *key.Key) { k.DisabledAt, k.Cuts = noon, 1 }, true, func(k *key.Key) bool { return k.DisabledAt.Equal(noon) && k.Cuts == 1 }},
		{"a secret ended", free, func(k *key.Key) { k.Secrets[1].RevokedAt, k.Secrets[1].Cut = noon, true }, true, func(k *key.Key) bool { return !k.Secrets[1].Live(noon) && k.Secrets[1].Cut && k.Secrets[0].Live(noon) }},
		{"a secret is to end", free, func(k *key.Key) { k.Secrets[1].NotAfter = noon }, true, func(k *key.Key) bool { return !k.Secrets[1].Live(noon) }},
		{"enabled again", func(k *key.Key) { k.DisabledAt = noon }, free, false, func(k *key.Key) bool { return !k.DisabledAt.IsZero() }},
		{"a secret goes on again", func(k *key.Key) { k.Secrets[1].NotAfter = noon }, free, false, func(k *key.Key) bool { return !k.Secrets[1].Live(noon) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			was := config(tt.was)
			got, touched := revoked(was, config(tt.is))
			if (len(touched) > 0) != tt.touched || !tt.want(&got.Orgs["org_a"].Keys[0].Key) {
				t.Errorf("touched %d, %+v", len(touched), got.Orgs["org_a"].Keys[0].Key)
			}
			if tt.touched && tt.want(&was.Orgs["org_a"].Keys[0].Key) {
				t.Error("the configuration that is in force was changed in place")
			}
		})
	}
}
