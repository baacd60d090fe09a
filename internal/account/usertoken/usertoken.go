// Package usertoken makes and checks the short-lived tokens with which a person's command line calls the API: JWTs signed with
// Ed25519, good for ten minutes and only as long as their session lives.
//
// What is accepted is exact: one algorithm, one key, issuer and audience, all claims present, at most 2 KiB. The key is derived from
// the installation's root key, so every process has it and none stores it.
package usertoken

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tollgate/internal/account"
	"tollgate/internal/id"
)

const (
	issuer   = "tollgate"
	audience = "tollgate-api"
	life     = 10 * time.Minute
	bytesMax = 2048
)

var (
	errKey   = errors.New("another key")
	errClaim = errors.New("a claim is missing or wrong")
	errSize  = errors.New("too long")
)

// Signer implements account.Signer.
type Signer struct {
	key ed25519.PrivateKey
	kid string
}

// New makes a signer from 32 secret bytes: keyring.Derive("user token").
func New(seed []byte) *Signer {
	key := ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256(key[ed25519.SeedSize:]) // the public half
	return &Signer{key: key, kid: hex.EncodeToString(sum[:8])}
}

var _ account.Signer = (*Signer)(nil)

type claims struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
}

// Sign implements account.Signer.
func (s *Signer) Sign(user id.User, session id.Session, now time.Time) (string, time.Time, error) {
	expires := now.Add(life).Truncate(time.Second)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: string(user),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Session: string(session),
	})
	t.Header["kid"] = s.kid
	text, err := t.SignedString(s.key)
	return text, expires, err
}

// Verify implements account.Signer.
func (s *Signer) Verify(token string, now time.Time) (id.User, id.Session, error) {
	if len(token) > bytesMax {
		return "", "", account.ErrUserToken.Because(errSize)
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, s.find,
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithStrictDecoding())
	if err != nil {
		return "", "", account.ErrUserToken.Because(err)
	}
	// A token that lives longer than ours do was not made by Sign.
	if c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > life || !strings.HasPrefix(c.Subject, "user_") || !strings.HasPrefix(c.Session, "sess_") {
		return "", "", account.ErrUserToken.Because(errClaim)
	}
	return id.User(c.Subject), id.Session(c.Session), nil
}

func (s *Signer) find(t *jwt.Token) (any, error) {
	if t.Header["kid"] != s.kid {
		return nil, errKey
	}
	return s.key.Public(), nil
}
