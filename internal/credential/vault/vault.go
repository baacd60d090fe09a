// Package vault seals provider secrets: AES-256-GCM by Tink, under data keys that a KMS wraps.
package vault

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/secret"
)

// KMS keeps the key-encryption key. What it wraps is bound to aad.
type KMS interface {
	// ID names the key that Wrap uses.
	ID() string
	Wrap(ctx context.Context, key, aad []byte) ([]byte, error)
	// Unwrap opens what the key named kek wrapped. An error that is no declared fault means that it never opens.
	Unwrap(ctx context.Context, kek string, wrapped, aad []byte) ([]byte, error)
}

// Local is the KMS of an installation without one: its key is derived from the key file.
type Local struct {
	id   string
	aead *subtle.AESGCM
}

// NewLocal derives the key-encryption key.
func NewLocal(ring *secret.Keyring) (*Local, error) {
	aead, err := subtle.NewAESGCM(ring.Derive("credential kek"))
	if err != nil {
		return nil, fmt.Errorf("local kms: %w", err)
	}
	return &Local{id: ring.ID(), aead: aead}, nil
}

// ID implements KMS.
func (l *Local) ID() string { return l.id }

// Wrap implements KMS.
func (l *Local) Wrap(_ context.Context, key, aad []byte) ([]byte, error) {
	return l.aead.Encrypt(key, aad)
}

// Unwrap implements KMS.
func (l *Local) Unwrap(_ context.Context, kek string, wrapped, aad []byte) ([]byte, error) {
	if kek != l.id {
		return nil, fmt.Errorf("wrapped by the key %s, and this installation's is %s", kek, l.id)
	}
	return l.aead.Decrypt(wrapped, aad)
}

// dekBytes is an AES-256 key.
const dekBytes = 32

// boxesMax bounds the opened data keys that are kept, one an organization. Past it one is forgotten and asked for again.
const boxesMax = 16384

// Vault is credential.Vault. It is safe for use by many goroutines, and keeps opened data keys in memory so that the KMS is
// asked once for each.
type Vault struct {
	kms KMS

	mu    sync.Mutex
	boxes map[string]*box // by organization, data key and its wrapped form
}

var _ credential.Vault = (*Vault)(nil)

// New makes a vault on a KMS.
func New(kms KMS) *Vault { return &Vault{kms: kms, boxes: map[string]*box{}} }

// NewDEK implements credential.Vault.
func (v *Vault) NewDEK(ctx context.Context, org id.Org) (credential.DEK, error) {
	d := credential.DEK{ID: id.New("dek"), KEK: v.kms.ID()}
	key := make([]byte, dekBytes)
	if _, err := rand.Read(key); err != nil {
		return credential.DEK{}, err
	}
	defer clear(key)
	wrapped, err := v.kms.Wrap(ctx, key, bind("data key", string(org), d.ID))
	if err != nil {
		return credential.DEK{}, fmt.Errorf("wrap data key: %w", err)
	}
	d.Wrapped = wrapped
	return d, nil
}

// Unlock implements credential.Vault.
func (v *Vault) Unlock(ctx context.Context, org id.Org, d credential.DEK) (credential.Box, error) {
	name := string(bind(string(org), d.ID, d.KEK, string(d.Wrapped)))
	v.mu.Lock()
	b := v.boxes[name]
	v.mu.Unlock()
	if b != nil {
		return b, nil
	}
	key, err := v.kms.Unwrap(ctx, d.KEK, d.Wrapped, bind("data key", string(org), d.ID))
	if err != nil {
		return nil, fmt.Errorf("data key %s of %s: %w", d.ID, org, declared(err))
	}
	defer clear(key)
	aead, err := subtle.NewAESGCM(key)
	if err != nil || len(key) != dekBytes {
		return nil, credential.ErrSealed.Because(fmt.Errorf("data key %s of %s has %d bytes", d.ID, org, len(key)))
	}
	b = &box{aead: aead, org: org}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.boxes) >= boxesMax {
		for any := range v.boxes {
			delete(v.boxes, any)
			break
		}
	}
	v.boxes[name] = b
	return b, nil
}

// box is an opened data key.
type box struct {
	aead *subtle.AESGCM
	org  id.Org
}

// Seal implements credential.Box.
func (b *box) Seal(to credential.Bound, s secret.Text) ([]byte, error) {
	if to.Org != b.org {
		return nil, credential.ErrSealed.Because(fmt.Errorf("a secret of %s under the key of %s", to.Org, b.org))
	}
	return b.aead.Encrypt([]byte(s.Reveal()), aad(to))
}

// Open implements credential.Box.
func (b *box) Open(from credential.Bound, ciphertext []byte) (secret.Text, error) {
	text, err := b.aead.Decrypt(ciphertext, aad(from))
	if err != nil {
		return secret.Text{}, credential.ErrSealed.Because(fmt.Errorf("%s of %s, version %d: %w", from.Credential, from.Org, from.Version, err))
	}
	return secret.NewText(string(text)), nil
}

func aad(b credential.Bound) []byte {
	parts := []string{"provider secret v1", string(b.Org), string(b.Credential), strconv.Itoa(b.Version), b.Provider, b.BaseURL}
	if b.Settings != "" { // without any it is what it was before there were settings
		parts = append(parts, b.Settings)
	}
	return bind(parts...)
}

// bind writes each part with its length, so that no two lists of parts give the same bytes.
func bind(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
