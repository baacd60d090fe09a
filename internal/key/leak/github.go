// Package leak takes in what scanners found: GitHub's secret scanning, and any other that signs with a shared secret.
//
// GitHub's protocol is that of its secret scanning partner program
// (https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program): a POST of
// a JSON array of matches, signed with ECDSA on P-256 over the SHA-256 of the body, by a key that GitHub publishes under an identifier.
package leak

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"tollgate/internal/fault"
)

// GitHubKeys is where GitHub publishes its keys.
const GitHubKeys = "https://api.github.com/meta/public_keys/secret_scanning"

// Bounds of what is fetched, and how often.
const (
	keysMax    = 1 << 20
	keysFresh  = 24 * time.Hour // a list is used for so long without asking again
	keysPause  = time.Minute    // between two fetches: an unknown identifier must not make us hammer
	fetchLimit = 10 * time.Second
)

// Why a message is not taken. The sender learns no more.
var (
	ErrSignature = fault.New(fault.Unauthenticated, "leak.bad_signature", "The message is not signed by who may report leaks here.")
	ErrKeys      = fault.New(fault.Unavailable, "leak.no_keys", "The keys that messages are signed with cannot be read now. Send it again later.")
	ErrForm      = fault.New(fault.Invalid, "leak.unreadable", "The message is no list of leaks.")
)

// GitHub verifies messages of GitHub's secret scanning. It is safe for use by many goroutines.
type GitHub struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	keys    map[string]*ecdsa.PublicKey
	fetched time.Time // of keys
	tried   time.Time // of the last fetch, however it went
}

// NewGitHub takes the address of GitHub's list of keys, and the client by which it is read.
func NewGitHub(url string, client *http.Client, now func() time.Time) *GitHub {
	return &GitHub{url: url, client: client, now: now}
}

// Verify returns nil when body was signed by the key of that identifier. ErrSignature, ErrKeys.
func (g *GitHub) Verify(ctx context.Context, identifier, signature string, body []byte) error {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(sig) == 0 || identifier == "" {
		return ErrSignature
	}
	k, err := g.key(ctx, identifier)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if !ecdsa.VerifyASN1(k, sum[:], sig) {
		return ErrSignature
	}
	return nil
}

// key finds a key by its identifier. A list that does not have it is read again, but not more often than once a minute.
func (g *GitHub) key(ctx context.Context, identifier string) (*ecdsa.PublicKey, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	k, ok := g.keys[identifier]
	if ok && now.Sub(g.fetched) < keysFresh {
		return k, nil
	}
	if g.tried.IsZero() || now.Sub(g.tried) >= keysPause {
		g.tried = now
		keys, err := g.fetch(ctx)
		switch {
		case err == nil:
			g.keys, g.fetched = keys, now
			k, ok = keys[identifier]
		case !ok:
			return nil, ErrKeys.Because(err)
		} // else the list that we have is old, and better than none
	}
	switch {
	case ok:
		return k, nil
	case g.keys == nil:
		return nil, ErrKeys
	}
	return nil, ErrSignature
}

func (g *GitHub) fetch(ctx context.Context) (map[string]*ecdsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := g.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	var list struct {
		PublicKeys []struct {
			Identifier string `json:"key_identifier"`
			Key        string `json:"key"`
		} `json:"public_keys"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, keysMax)).Decode(&list); err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range list.PublicKeys {
		if pub, err := parseKey(k.Key); err == nil && k.Identifier != "" {
			keys[k.Identifier] = pub
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the list holds no key")
	}
	return keys, nil
}

func parseKey(text string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	got, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	pub, ok := got.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, errors.New("no key on P-256")
	}
	return pub, nil
}
