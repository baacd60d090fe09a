package usertoken

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tollgate/internal/account"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func signer() *Signer { return New(bytes.Repeat([]byte{7}, 32)) }

func TestATokenIsGoodForTenMinutes(t *testing.T) {
	t.Parallel()
	s := signer()
	text, expires, err := s.Sign("user_a", "sess_a", noon)
	if err != nil || !expires.Equal(noon.Add(10*time.Minute)) {
		t.Fatalf("Sign = %v, %v", expires, err)
	}
	user, session, err := s.Verify(text, noon.Add(10*time.Minute-time.Second))
	if err != nil || user != "user_a" || session != "sess_a" {
		t.Errorf("Verify = %v, %v, %v", user, session, err)
	}
	if _, _, err := s.Verify(text, noon.Add(10*time.Minute)); !errors.Is(err, account.ErrUserToken) {
		t.Errorf("an expired token: %v", err)
	}
}

// W2: everything that is not exactly what Sign makes is refused.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	s := signer()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, strange, _ := ed25519.GenerateKey(rand.Reader)
	good := func() claims {
		return claims{RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: "user_a",
			IssuedAt: jwt.NewNumericDate(noon), ExpiresAt: jwt.NewNumericDate(noon.Add(life)),
		}, Session: "sess_a"}
	}
	with := func(change func(*claims)) claims { c := good(); change(&c); return c }
	sign := func(m jwt.SigningMethod, c jwt.Claims, key any, kid any) string {
		tok := jwt.NewWithClaims(m, c)
		if kid != nil {
			tok.Header["kid"] = kid
		}
		text, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	public := []byte(s.key.Public().(ed25519.PublicKey))
	whole := sign(jwt.SigningMethodEdDSA, good(), s.key, s.kid)
	if _, _, err := s.Verify(whole, noon); err != nil {
		t.Fatalf("the good one is refused: %v", err)
	}
	head, rest, _ := strings.Cut(whole, ".")
	tests := map[string]string{
		"alg none":                    sign(jwt.SigningMethodNone, good(), jwt.UnsafeAllowNoneSignatureType, s.kid),
		"HS256 keyed with our public": sign(jwt.SigningMethodHS256, good(), public, s.kid),
		"RS256":                       sign(jwt.SigningMethodRS256, good(), rsaKey, s.kid),
		"another Ed25519 key":         sign(jwt.SigningMethodEdDSA, good(), strange, s.kid),
		"no kid":                      sign(jwt.SigningMethodEdDSA, good(), s.key, nil),
		"another kid":                 sign(jwt.SigningMethodEdDSA, good(), s.key, "x"),
		"kid of another type":         sign(jwt.SigningMethodEdDSA, good(), s.key, 1),
		"another issuer":              sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Issuer = "x" }), s.key, s.kid),
		"another audience":            sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Audience = jwt.ClaimStrings{"x"} }), s.key, s.kid),
		"no audience":                 sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Audience = nil }), s.key, s.kid),
		"no expiry":                   sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.ExpiresAt = nil }), s.key, s.kid),
		"expired":                     sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(noon) }), s.key, s.kid),
		"a day long":                  sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(noon.Add(24 * time.Hour)) }), s.key, s.kid),
		"issued in the future":        sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.IssuedAt = jwt.NewNumericDate(noon.Add(time.Minute)) }), s.key, s.kid),
		"not issued":                  sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.IssuedAt = nil }), s.key, s.kid),
		"no session":                  sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Session = "" }), s.key, s.kid),
		"no user":                     sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Subject = "" }), s.key, s.kid),
		"a token as user":             sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.Subject = "tok_a" }), s.key, s.kid),
		"oversized":                   sign(jwt.SigningMethodEdDSA, with(func(c *claims) { c.ID = strings.Repeat("a", 4096) }), s.key, s.kid),
		"a changed claim":             head + "." + "e30" + rest[strings.Index(rest, "."):],
		"no signature":                whole[:strings.LastIndex(whole, ".")+1],
		"empty":                       "",
		"dots":                        "..",
		"two tokens":                  whole + "." + whole,
	}
	for name, text := range tests {
		if _, _, err := s.Verify(text, noon); !errors.Is(err, account.ErrUserToken) {
			t.Errorf("%s: Verify = %v, want ErrUserToken", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := signer()
	text, _, err := s.Sign("user_a", "sess_a", noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, forged string) {
		if _, _, err := s.Verify(forged, noon); err == nil && forged != text {
			t.Errorf("accepted %q", forged)
		}
	})
}
