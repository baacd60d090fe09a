// Package secret holds text that must not be printed, and the keyring that everything secret is derived from.
package secret

import "log/slog"

// mask is what a secret looks like wherever it is printed, logged or encoded.
const mask = "[secret]"

// Text is a secret in memory. Every way of printing or encoding it gives a mask; Reveal is the one way to the value, so that uses
// can be found. The zero value is the empty secret.
type Text struct{ value string }

// NewText wraps a secret.
func NewText(value string) Text { return Text{value} }

// Reveal returns the secret itself.
func (t Text) Reveal() string { return t.value }

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.value == "" }

// String is the mask.
func (t Text) String() string { return mask }

// GoString is the mask, for %#v.
func (t Text) GoString() string { return mask }

// MarshalText is the mask, so that no encoder leaks it.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue is the mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }
