// Package password hashes passwords with argon2id (RFC 9106), at most a few at a time: each takes 46 MiB.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"tollgate/internal/account"
)

// The cost of a hash, as OWASP's password storage cheat sheet advises: one pass over 46 MiB, one lane.
const (
	passes    = 1
	memoryKiB = 46 * 1024
	lanes     = 1
	saltBytes = 16
	sumBytes  = 32
	atOnce    = 4
)

var errHash = errors.New("password hash cannot be read")

// Hasher implements account.Passwords.
type Hasher struct {
	room  chan struct{}
	decoy account.PasswordHash // of no password: what an unknown user is compared with
}

// New makes a hasher.
func New() *Hasher {
	h := &Hasher{room: make(chan struct{}, atOnce)}
	h.decoy = encode(salt(), make([]byte, sumBytes))
	return h
}

var _ account.Passwords = (*Hasher)(nil)

// Hash implements account.Passwords. It waits for room until ctx ends.
func (h *Hasher) Hash(ctx context.Context, plain string) (account.PasswordHash, error) {
	s := salt()
	sum, err := h.sum(ctx, plain, s, passes, memoryKiB, lanes)
	if err != nil {
		return "", err
	}
	return encode(s, sum), nil
}

// Match implements account.Passwords.
func (h *Hasher) Match(ctx context.Context, plain string, hash account.PasswordHash) (ok, outdated bool, err error) {
	real := hash != ""
	if !real {
		hash = h.decoy
	}
	p, err := decode(hash)
	if err != nil {
		return false, false, err
	}
	sum, err := h.sum(ctx, plain, p.salt, p.passes, p.memory, p.lanes)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, p.sum) == 1 && real
	return ok, ok && (p.passes != passes || p.memory != memoryKiB || p.lanes != lanes), nil
}

func (h *Hasher) sum(ctx context.Context, plain string, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	select {
	case h.room <- struct{}{}:
		defer func() { <-h.room }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(plain), salt, passes, memory, lanes, sumBytes), nil
}

func salt() []byte {
	s := make([]byte, saltBytes)
	_, _ = rand.Read(s) // never fails: the runtime stops the program instead
	return s
}

// encode writes the PHC form, which keeps the cost beside the sum.
func encode(salt, sum []byte) account.PasswordHash {
	b := base64.RawStdEncoding
	return account.PasswordHash(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		b.EncodeToString(salt), b.EncodeToString(sum)))
}

type parts struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

// decode reads the PHC form. The bounds keep a damaged row from taking all memory.
func decode(hash account.PasswordHash) (parts, error) {
	fields := strings.Split(string(hash), "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return parts{}, errHash
	}
	var p parts
	if n, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil || n != 3 {
		return parts{}, errHash
	}
	if p.memory < 8 || p.memory > 1<<20 || p.passes < 1 || p.passes > 16 || p.lanes < 1 {
		return parts{}, errHash
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(fields[4]); err != nil || len(p.salt) < 8 {
		return parts{}, errHash
	}
	if p.sum, err = base64.RawStdEncoding.DecodeString(fields[5]); err != nil || len(p.sum) != sumBytes {
		return parts{}, errHash
	}
	return p, nil
}
