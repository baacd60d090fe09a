package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// rootBytes is the length of the root key.
const rootBytes = 32

// ErrKeyring is returned for a key file or variable that is no 32-byte base64 key.
var ErrKeyring = errors.New("key-encryption key must be 32 bytes in base64")

// Keyring is the installation's root secret. Each purpose gets its own key derived with HKDF-SHA-256 (RFC 5869), so that no
// two uses share key material.
type Keyring struct{ root [rootBytes]byte }

// ParseKeyring reads the base64 form.
func ParseKeyring(text string) (*Keyring, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != rootBytes {
		return nil, ErrKeyring
	}
	k := &Keyring{}
	copy(k.root[:], b)
	return k, nil
}

// OpenKeyring reads the key file, or makes one (mode 0600) when there is none. A file that others may read is refused.
func OpenKeyring(path string) (*Keyring, error) {
	k, err := readKeyring(path)
	if !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	var root [rootBytes]byte
	if _, err := rand.Read(root[:]); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Written beside and linked, never over: two processes that start together end with one key.
	temp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(base64.StdEncoding.EncodeToString(root[:]) + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return readKeyring(path)
}

func readKeyring(path string) (*Keyring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others: chmod 600 it", path)
	}
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	k, err := ParseKeyring(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Derive returns a 32-byte key for one purpose ("virtual key pepper", "credential kek", …).
func (k *Keyring) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.root[:], nil, "tollgate "+purpose, 32)
	if err != nil {
		panic(err) //nolint:forbidigo // cannot be: HKDF fails only for lengths that it cannot give
	}
	return key
}

// ID names the root key without telling anything about it.
func (k *Keyring) ID() string { return "local-" + hex.EncodeToString(k.Derive("key id")[:4]) }
