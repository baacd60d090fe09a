package key_test

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tollgate/internal/key"
	"tollgate/internal/secret"
)

func TestAllow(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	office := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	tests := []struct {
		name string
		key  key.Key
		from string
		want error
	}{
		{"an unrestricted key may", key.Key{}, "198.51.100.1", nil},
		{"a key is dead at its expiry", key.Key{ExpiresAt: noon}, "198.51.100.1", key.ErrExpired},
		{"a key lives until its expiry", key.Key{ExpiresAt: noon.Add(1)}, "198.51.100.1", nil},
		{"a revoked key is dead, whenever it was revoked", key.Key{RevokedAt: noon.Add(time.Hour)}, "198.51.100.1", key.ErrRevoked},
		{"revocation is told before expiry", key.Key{RevokedAt: noon, ExpiresAt: noon}, "198.51.100.1", key.ErrRevoked},
		{"a network may", key.Key{Networks: office}, "203.0.113.9", nil},
		{"a network may, seen through a dual-stack listener", key.Key{Networks: office}, "::ffff:203.0.113.9", nil},
		{"a network may in IPv6, with a zone", key.Key{Networks: office}, "2001:db8::9%eth0", nil},
		{"another network may not", key.Key{Networks: office}, "203.0.114.9", key.ErrNetwork},
		{"no address is in no network", key.Key{Networks: office}, "", key.ErrNetwork},
		{"an endpoint outside the list may not", key.Key{Endpoints: []key.Endpoint{key.ModelsEndpoint}}, "198.51.100.1", key.ErrEndpoint},
		{"a key made for chat and models does not widen to what came later", key.Key{Endpoints: []key.Endpoint{key.EmbeddingsEndpoint, key.ModelsEndpoint}}, "198.51.100.1", key.ErrEndpoint},
		{"an endpoint on the list may", key.Key{Endpoints: []key.Endpoint{key.ChatEndpoint}}, "198.51.100.1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			from, _ := netip.ParseAddr(tt.from)
			if err := tt.key.Allow(from, key.ChatEndpoint, noon); !errors.Is(err, tt.want) {
				t.Errorf("Allow(%s) = %v, want %v", tt.from, err, tt.want)
			}
		})
	}
}

func TestScopeOfAliasesAndModels(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		key     key.Key
		aliases map[string]bool
		models  map[string]bool
	}{
		{"a free key calls everything", key.Key{}, map[string]bool{"fast": true}, map[string]bool{"openai/gpt-4o": true}},
		{
			"a key scoped to an alias calls nothing else",
			key.Key{Aliases: []string{"fast"}},
			map[string]bool{"fast": true, "smart": false, "fas": false},
			map[string]bool{"openai/gpt-4o": false},
		},
		{
			"a key scoped to models calls no alias",
			key.Key{Models: []string{"openai/*"}},
			map[string]bool{"fast": false},
			map[string]bool{"openai/gpt-4o": true, "openai/a/b": true, "openrouter/openai/gpt-4o": false, "anthropic/x": false},
		},
		{
			"a pattern is anchored at both ends",
			key.Key{Models: []string{"openai/gpt-4o*mini"}},
			nil,
			map[string]bool{"openai/gpt-4o-mini": true, "openai/gpt-4omini": true, "openai/gpt-4o-mini-x": false, "openai/xgpt-4o-mini": false, "openai/gpt-4o": false},
		},
		{
			"parts between stars come in order and do not overlap",
			key.Key{Models: []string{"a/x*y*x"}},
			nil,
			map[string]bool{"a/xyx": true, "a/x-y-x": true, "a/xy": false, "a/xx": false, "a/x": false},
		},
		{
			"a star of the provider does not cross the slash",
			key.Key{Models: []string{"open*/gpt"}},
			nil,
			map[string]bool{"openai/gpt": true, "openrouter/x/gpt": false},
		},
		{"a pattern without a provider matches nothing", key.Key{Models: []string{"*"}}, nil, map[string]bool{"openai/gpt": false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, want := range tt.aliases {
				if err := tt.key.AllowAlias(name); (err == nil) != want || (err != nil && !errors.Is(err, key.ErrAlias)) {
					t.Errorf("AllowAlias(%q) = %v, want allowed %v", name, err, want)
				}
			}
			for name, want := range tt.models {
				provider, model, _ := strings.Cut(name, "/")
				if err := tt.key.AllowModel(provider, model); (err == nil) != want || (err != nil && !errors.Is(err, key.ErrModel)) {
					t.Errorf("AllowModel(%q) = %v, want allowed %v", name, err, want)
				}
			}
		})
	}
}

func ring(t *testing.T, b byte) *secret.Keyring {
	t.Helper()
	r, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSecretKinds(t *testing.T) {
	t.Parallel()
	if s := key.NewSecret(key.Production).Reveal(); !strings.HasPrefix(s, "tg_live_") {
		t.Error(s)
	}
	s := key.NewSecret("staging").Reveal()
	if !strings.HasPrefix(s, "tg_test_") {
		t.Error(s)
	}
	if got, err := key.ParseSecret(s); err != nil || got.Reveal() != s {
		t.Error(err)
	}
	if _, err := key.ParseSecret(secret.NewToken(secret.Management).Reveal()); !errors.Is(err, key.ErrManagement) {
		t.Errorf("a management token: %v", err)
	}
	if _, err := key.ParseSecret(s[:56]); !errors.Is(err, key.ErrMalformed) {
		t.Errorf("a cut key: %v", err)
	}
}

func TestHashDependsOnSecretAndPepper(t *testing.T) {
	t.Parallel()
	a, b := key.NewSecret("x"), key.NewSecret("x")
	h := key.NewHasher(ring(t, 1))
	first, again := h.Hash(a), h.Hash(a)
	if first != again || first != key.NewHasher(ring(t, 1)).Hash(a) {
		t.Error("one secret has two hashes")
	}
	if h.Hash(a) == h.Hash(b) {
		t.Error("two secrets share a hash")
	}
	if h.Hash(a) == key.NewHasher(ring(t, 2)).Hash(a) {
		t.Error("the pepper does not matter")
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(key.NewSecret("x").Reveal())
	f.Add("Bearer tg_live_")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := key.ParseSecret(text); err == nil && s.Reveal() != text {
			t.Errorf("%q became %q", text, s.Reveal())
		}
	})
}

// The matcher of model patterns agrees with the obvious, slow one.
func FuzzModelPattern(f *testing.F) {
	f.Add("gpt-4o*mini*", "gpt-4o-mini-mini")
	f.Add("*a*a*", "aa")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, model string) {
		if len(pattern) > 50 || strings.Contains(pattern, "\n") || strings.Contains(model, "\n") || !utf8.ValidString(pattern) || !utf8.ValidString(model) {
			return
		}
		slow := regexp.MustCompile(`\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `\z`).MatchString(model)
		k := key.Key{Models: []string{"p/" + pattern}}
		if fast := k.AllowModel("p", model) == nil; fast != slow {
			t.Errorf("%q on %q: %v, want %v", pattern, model, fast, slow)
		}
	})
}
