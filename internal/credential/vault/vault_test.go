package vault_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/credential"
	"tollgate/internal/credential/vault"
	"tollgate/internal/secret"
)

func local(t *testing.T, b string) *vault.Local {
	t.Helper()
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(b, 32))))
	if err != nil {
		t.Fatal(err)
	}
	kms, err := vault.NewLocal(ring)
	if err != nil {
		t.Fatal(err)
	}
	return kms
}

var bound = credential.Bound{Org: "org_a", Credential: "cred_a", Version: 1, Provider: "openai", BaseURL: "https://api.openai.com/v1"}

func sealed(t *testing.T, v *vault.Vault) credential.Sealed {
	t.Helper()
	d, err := v.NewDEK(t.Context(), bound.Org)
	if err != nil {
		t.Fatal(err)
	}
	box, err := v.Unlock(t.Context(), bound.Org, d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := box.Seal(bound, secret.NewText("sk-hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	return credential.Sealed{DEK: d, Ciphertext: c}
}

func open(ctx context.Context, v *vault.Vault, to credential.Bound, s credential.Sealed) (secret.Text, error) {
	box, err := v.Unlock(ctx, to.Org, s.DEK)
	if err != nil {
		return secret.Text{}, err
	}
	return box.Open(to, s.Ciphertext)
}

func TestASealedSecretOpensForWhatItIsFor(t *testing.T) {
	t.Parallel()
	kms := local(t, "a")
	s := sealed(t, vault.New(kms))
	if strings.Contains(string(s.Ciphertext)+string(s.DEK.Wrapped), "hunter2") {
		t.Error("the secret can be read in its sealed form")
	}
	got, err := open(t.Context(), vault.New(local(t, "a")), bound, s) // another process
	if err != nil || got.Reveal() != "sk-hunter2" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
}

func TestASealedSecretOpensForNothingElse(t *testing.T) {
	t.Parallel()
	v := vault.New(local(t, "a"))
	s := sealed(t, v)
	for name, spoil := range map[string]func(*credential.Bound){
		"organization": func(b *credential.Bound) { b.Org = "org_b" },
		"credential":   func(b *credential.Bound) { b.Credential = "cred_b" },
		"version":      func(b *credential.Bound) { b.Version = 2 },
		"provider":     func(b *credential.Bound) { b.Provider = "anthropic" },
		"base URL":     func(b *credential.Bound) { b.BaseURL = "https://evil.example/v1" },
		"setting":      func(b *credential.Bound) { b.Settings = `{"region":"eu-west-1"}` },
		"shifted text": func(b *credential.Bound) { b.Provider, b.BaseURL = "openaih", b.BaseURL[1:] },
	} {
		b := bound
		spoil(&b)
		if _, err := open(t.Context(), v, b, s); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := open(t.Context(), vault.New(local(t, "b")), bound, s); !errors.Is(err, credential.ErrSealed) || !strings.Contains(err.Error(), "this installation's") {
		t.Errorf("another key-encryption key: %v", err)
	}
	// Swapped between two organizations: ciphertext under the other's key, and the other's key under this name.
	other := bound
	other.Org = "org_b"
	d, err := v.NewDEK(t.Context(), other.Org)
	if err != nil {
		t.Fatal(err)
	}
	for name, swap := range map[string]credential.Sealed{
		"data key":           {DEK: d, Ciphertext: s.Ciphertext},
		"data key by its id": {DEK: credential.DEK{ID: s.DEK.ID, KEK: d.KEK, Wrapped: d.Wrapped}, Ciphertext: s.Ciphertext},
	} {
		for _, b := range []credential.Bound{bound, other} {
			if _, err := open(t.Context(), v, b, swap); !errors.Is(err, credential.ErrSealed) {
				t.Errorf("another organization's %s: %v", name, err)
			}
		}
	}
}

func TestASealedSecretIsBoundToItsSettings(t *testing.T) {
	t.Parallel()
	v := vault.New(local(t, "a"))
	d, err := v.NewDEK(t.Context(), bound.Org)
	if err != nil {
		t.Fatal(err)
	}
	box, err := v.Unlock(t.Context(), bound.Org, d)
	if err != nil {
		t.Fatal(err)
	}
	c := credential.Credential{ID: bound.Credential, Version: 1, Provider: "bedrock", Settings: map[string]string{"region": "eu-west-1", "x": "1"}}
	sealed, err := box.Seal(c.Binding(bound.Org), secret.NewText("sk-hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := box.Open(c.Binding(bound.Org), sealed); err != nil || got.Reveal() != "sk-hunter2" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	for name, other := range map[string]map[string]string{
		"none": nil, "another value": {"region": "us-east-1", "x": "1"}, "one less": {"region": "eu-west-1"}, "one more": {"region": "eu-west-1", "x": "1", "y": "2"},
		"two written as one": {"region": `eu-west-1","x":"1`}, "exchanged": {"region": "1", "x": "eu-west-1"},
	} {
		c.Settings = other
		if _, err := box.Open(c.Binding(bound.Org), sealed); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

// A row that was sealed before there were settings.
func TestWhatAnEarlierReleaseSealedOpens(t *testing.T) {
	t.Parallel()
	bytes := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s := credential.Sealed{
		DEK: credential.DEK{
			ID: "dek_06h07t2dvdvw7e97e5mmqcj8e8", KEK: "local-bf26f710",
			Wrapped: bytes("6479885b23d11de15f4ef4696ec3c916c35c6356be1495ffeecabb6348d6a61cc63dcc3fe2116e86cd08f1ea043fef67afbc5e5ea82133cca000022f"),
		},
		Ciphertext: bytes("8a1179d2154f9698397ea2b228561dccabfd77b89057bec6089d74a1c4ef1fa0ae2bf4e3f1ec"),
	}
	for name, settings := range map[string]map[string]string{"no settings": nil, "the column's default": {}} {
		c := credential.Credential{ID: bound.Credential, Version: 1, Provider: bound.Provider, BaseURL: bound.BaseURL, Settings: settings}
		got, err := open(t.Context(), vault.New(local(t, "a")), c.Binding(bound.Org), s)
		if err != nil || got.Reveal() != "sk-hunter2" {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
}

func TestEveryFlippedByteIsSeen(t *testing.T) {
	t.Parallel()
	s := sealed(t, vault.New(local(t, "a")))
	flip := func(b []byte, i int) []byte {
		out := append([]byte(nil), b...)
		out[i] ^= 0x40
		return out
	}
	v := vault.New(local(t, "a"))
	for i := range s.Ciphertext {
		if _, err := open(t.Context(), v, bound, credential.Sealed{DEK: s.DEK, Ciphertext: flip(s.Ciphertext, i)}); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("ciphertext byte %d: %v", i, err)
		}
	}
	for i := range s.DEK.Wrapped {
		d := s.DEK
		d.Wrapped = flip(d.Wrapped, i)
		if _, err := open(t.Context(), v, bound, credential.Sealed{DEK: d, Ciphertext: s.Ciphertext}); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("wrapped key byte %d: %v", i, err)
		}
	}
	for n := range s.Ciphertext {
		if _, err := open(t.Context(), v, bound, credential.Sealed{DEK: s.DEK, Ciphertext: s.Ciphertext[:n]}); !errors.Is(err, credential.ErrSealed) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
}

// counting is a KMS that may be down.
type counting struct {
	*vault.Local
	unwraps int
	down    bool
}

func (c *counting) Unwrap(ctx context.Context, kek string, wrapped, aad []byte) ([]byte, error) {
	c.unwraps++
	if c.down {
		return nil, credential.ErrKMS
	}
	return c.Local.Unwrap(ctx, kek, wrapped, aad)
}

func TestTheKMSIsAskedOnceForAKey(t *testing.T) {
	t.Parallel()
	kms := &counting{Local: local(t, "a")}
	v := vault.New(kms)
	s := sealed(t, v)
	kms.down = true
	for range 3 {
		if _, err := open(t.Context(), v, bound, s); err != nil {
			t.Fatal(err)
		}
	}
	if kms.unwraps != 1 {
		t.Errorf("%d unwraps, want 1", kms.unwraps)
	}
	if _, err := open(t.Context(), vault.New(kms), bound, s); !errors.Is(err, credential.ErrKMS) {
		t.Errorf("a key service that is down: %v", err)
	}
}
