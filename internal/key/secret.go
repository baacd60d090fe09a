package key

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"tollgate/internal/secret"
)

// pepperPurpose names the derived key under which secrets are hashed. A second version may live beside it while keys move over.
const pepperPurpose = "key pepper v1"

// Secret is a well-formed virtual key, as an application sends it. It prints as a mask.
type Secret struct{ token secret.Token }

// NewSecret makes a fresh one for an environment: "tg_live_…" in production, "tg_test_…" elsewhere.
func NewSecret(environment string) Secret {
	if environment == Production {
		return Secret{secret.NewToken(secret.Live)}
	}
	return Secret{secret.NewToken(secret.Test)}
}

// ParseSecret checks form and checksum, so that junk costs no lookup: ErrMalformed, or ErrManagement for a management token.
func ParseSecret(text string) (Secret, error) {
	t, err := secret.ParseToken(text)
	switch {
	case err != nil:
		return Secret{}, ErrMalformed
	case t.Kind() == secret.Management:
		return Secret{}, ErrManagement
	}
	return Secret{t}, nil
}

// Reveal returns the text itself: what is shown once.
func (s Secret) Reveal() string { return s.token.Reveal() }

// String is a mask.
func (s Secret) String() string { return s.token.String() }

// GoString is a mask, for %#v.
func (s Secret) GoString() string { return s.token.GoString() }

// Hash is HMAC-SHA-256 of a secret under the installation's pepper: what is stored and looked up.
type Hash [sha256.Size]byte

// Hasher makes hashes. It is safe for use by many goroutines and allocates nothing in the steady state.
type Hasher struct{ pool sync.Pool }

// NewHasher makes the hasher of an installation.
func NewHasher(ring *secret.Keyring) *Hasher {
	pepper := ring.Derive(pepperPurpose)
	return &Hasher{pool: sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, pepper)} }}}
}

// mac is a keyed hash with room for its input and output, so that a call converts nothing on the heap.
type mac struct {
	hash hash.Hash
	in   []byte
	out  [sha256.Size]byte
}

// Hash is what the snapshot is asked for.
func (h *Hasher) Hash(s Secret) Hash {
	m := h.pool.Get().(*mac) //nolint:forcetypeassert // New makes nothing else
	m.hash.Reset()
	m.in = append(m.in[:0], s.token.Reveal()...)
	_, _ = m.hash.Write(m.in) // a hash never fails
	m.hash.Sum(m.out[:0])
	sum := Hash(m.out)
	clear(m.in)
	h.pool.Put(m)
	return sum
}
