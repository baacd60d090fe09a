package notice

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"tollgate/internal/id"
)

// Seal closes and opens what channels keep to themselves: AES-256-GCM, bound to the organization and the channel, so that a row moved
// elsewhere does not open.
type Seal struct{ aead cipher.AEAD }

// NewSeal makes a Seal from 32 bytes that are derived for this and nothing else.
func NewSeal(key []byte) (*Seal, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal of channels: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal of channels: %w", err)
	}
	return &Seal{aead}, nil
}

// errSealed says no more: it may not help who tries.
var errSealed = errors.New("notice: the channel's target cannot be opened")

func (s *Seal) close(org id.Org, c id.Channel, p Private) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, bind(org, c)), nil
}

func (s *Seal) open(org id.Org, c id.Channel, sealed []byte) (p Private, err error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return p, errSealed
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], bind(org, c))
	if err != nil {
		return p, errSealed
	}
	return p, json.Unmarshal(plain, &p)
}

func bind(org id.Org, c id.Channel) []byte {
	return []byte("notice channel\x00" + string(org) + "\x00" + string(c))
}
