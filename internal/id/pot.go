package id

import (
	"encoding/hex"
	"errors"

	"github.com/gofrs/uuid/v5"
)

// Pot names one window of one budget for one subject: money that is counted together. It is a hash of what it stands for, so that
// whoever knows the budget and the time knows the pot, without asking. The zero value is no pot.
type Pot [16]byte

// Holder names who holds leases: one run of a proxy, or a batch. The zero value is nobody.
type Holder [16]byte

// NewHolder returns a fresh holder.
func NewHolder() Holder { return Holder(uuid.Must(uuid.NewV7())) }

// ErrHex is returned for text that is no pot and no holder.
var ErrHex = errors.New("not 32 hexadecimal digits")

// String is 32 hexadecimal digits.
func (p Pot) String() string { return hex.EncodeToString(p[:]) }

// MarshalText is String.
func (p Pot) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what String writes, or a UUID's text.
func (p *Pot) UnmarshalText(b []byte) error { return unhex((*[16]byte)(p), b) }

// String is 32 hexadecimal digits.
func (h Holder) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Holder) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what String writes, or a UUID's text.
func (h *Holder) UnmarshalText(b []byte) error { return unhex((*[16]byte)(h), b) }

func unhex(into *[16]byte, text []byte) error {
	u, err := uuid.FromString(string(text)) // with hyphens or without
	if err != nil {
		return ErrHex
	}
	*into = u
	return nil
}
