package key

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Allow reports why a call from an address to an endpoint at now is refused, or nil. An invalid address is no known network.
func (k *Key) Allow(from netip.Addr, to Endpoint, now time.Time) error {
	switch {
	case !k.RevokedAt.IsZero():
		return ErrRevoked
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return ErrExpired
	case !k.DisabledAt.IsZero():
		return ErrDisabled
	case !k.inNetwork(from):
		return ErrNetwork
	case len(k.Endpoints) > 0 && !slices.Contains(k.Endpoints, to):
		return ErrEndpoint
	}
	return nil
}

func (k *Key) inNetwork(from netip.Addr) bool {
	if len(k.Networks) == 0 {
		return true
	}
	// A dual-stack listener shows IPv4 clients as ::ffff:a.b.c.d; people write a.b.c.d. A zone is of this machine only.
	from = from.Unmap().WithZone("")
	for _, n := range k.Networks {
		if n.Contains(from) {
			return true
		}
	}
	return false
}

// AllowAlias reports why a call of an alias is refused, or nil.
func (k *Key) AllowAlias(name string) error {
	if k.unscoped() || slices.Contains(k.Aliases, name) {
		return nil
	}
	return ErrAlias.Say("This key may not call the alias %q.", fault.Clip(name)).At("model")
}

// AllowModel reports why a direct call of a provider's model is refused, or nil.
func (k *Key) AllowModel(provider, model string) error {
	if k.unscoped() {
		return nil
	}
	for _, pattern := range k.Models {
		if match(pattern, provider, model) {
			return nil
		}
	}
	return ErrModel.Say("This key may not call the model %q directly.", fault.Clip(provider+"/"+model)).At("model")
}

func (k *Key) unscoped() bool { return len(k.Aliases) == 0 && len(k.Models) == 0 }

// match compares "provider/model" with a pattern in which "*" stands for any run of characters. The provider is compared by
// itself, so that "open*/x" never reaches across the slash.
func match(pattern, provider, model string) bool {
	p, m, ok := strings.Cut(pattern, "/")
	return ok && glob(p, provider) && glob(m, model)
}

// glob matches without backtracking into earlier stars: linear for patterns of bounded length.
func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	for {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
}

// Scope is the tenant scope of a call made with the key: one organization, and no role on the control plane. Only the
// snapshot makes it, for a key it found by its hash.
func (k *Key) Scope(org id.Org) tenant.Scope {
	return tenant.Authenticated(org, tenant.Actor{Key: k.ID}, "")
}
