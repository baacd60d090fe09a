package key

import (
	"time"

	"tollgate/internal/id"
)

// Scheme says how the hash that a secret is found by is made.
type Scheme string

// The schemes.
const (
	HMAC1  Scheme = "hmac1"  // HMAC-SHA-256 under the installation's pepper
	SHA256 Scheme = "sha256" // of the plain text, as it was imported; only until the first use
)

// Stored is what is kept of one secret of a key.
type Stored struct {
	ID         id.Secret
	Scheme     Scheme
	Imported   bool   // made elsewhere: it does not begin with "tg_"
	Prefix     string // "tg_live_AbCd", for people to recognise it
	Last4      string
	NotAfter   time.Time // when it ends, or ended; zero: with the key
	Cut        bool      // calls under way end with it; otherwise they go on
	CreatedAt  time.Time
	CreatedBy  string    // id of the user or token
	LastUsedAt time.Time // zero: never, to the minute
	RevokedAt  time.Time // zero: it was not ended before its time
}

// Live reports whether the secret is good at now, whatever the key is.
func (s *Stored) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && (s.NotAfter.IsZero() || now.Before(s.NotAfter))
}

// Allow reports why the secret may not be used at now, or nil. nil stands for a call that no secret was sent for.
func (s *Stored) Allow(now time.Time) error {
	if s == nil || s.Live(now) {
		return nil
	}
	return ErrEnded
}

// Minted is a secret on its way into storage.
type Minted struct {
	Stored
	Hash Hash
}

// live gives the places of the live secrets, newest first.
func (k *Key) live(now time.Time) []int {
	var at []int
	for i := range k.Secrets {
		if k.Secrets[i].Live(now) {
			at = append(at, i)
		}
	}
	return at
}

// Rotating reports whether the key has a secret that is about to be replaced: two live ones.
func (k *Key) Rotating(now time.Time) bool { return len(k.live(now)) > 1 }

// State is what the key is at now: Usable, Disabled, Expired or Revoked.
func (k *Key) State(now time.Time) State {
	switch {
	case !k.RevokedAt.IsZero():
		return Revoked
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return Expired
	case !k.DisabledAt.IsZero():
		return Disabled
	}
	return Usable
}

// secret finds one by its id.
func (k *Key) secret(which id.Secret) (*Stored, bool) {
	for i := range k.Secrets {
		if k.Secrets[i].ID == which {
			return &k.Secrets[i], true
		}
	}
	return nil, false
}

// Recognise takes what people recognise the key by from its newest secret.
func (k *Key) Recognise() {
	k.Prefix, k.Last4 = "", ""
	if len(k.Secrets) > 0 {
		k.Prefix, k.Last4 = k.Secrets[0].Prefix, k.Secrets[0].Last4
	}
}
