// Package credential holds an organization's secrets for providers. They are write-only: sealed on arrival, opened only by the
// data plane and by "test this credential".
//
// Envelope: an organization has a data-encryption key (DEK), wrapped by the installation's key-encryption key (KEK), which is
// in a key file or a key service and never in the database. A secret is sealed under the DEK and bound to what it is for: the
// organization, the credential, its version, the provider, the base URL and the settings, which say where calls go too. So a row
// that is moved to another tenant, rolled back, mixed with another or pointed at another host does not open, and whoever changes
// base URL or settings must know the secret. The provider of a credential never changes.
//
// Settings are what a vendor asks for beside the secret (a region, a project). They are not secret, fill placeholders in the
// vendor's addresses, and are of characters that cannot leave the place they fill.
//
// Exactly one credential of each provider that has any is the default: the one that is used where a route names none.
package credential

import (
	"time"

	"tollgate/internal/id"
)

// Credential is one provider secret without the secret.
type Credential struct {
	ID        id.Credential
	Provider  string // vendor id
	Name      string
	BaseURL   string            // override; empty: the vendor's own
	Settings  map[string]string // by the name of the vendor's field; what is empty is absent
	Hint      string            // last 4 characters of the secret; "…" for a short one, empty for none
	Version   int               // counts replacements of the secret
	Revision  int               // counts changes, for If-Match; a test is none
	Default   bool              // used when a target names none; exactly one per provider that has any
	Weight    int               // share of the provider's calls, 0 to 1000; 0: used only where it is named, or is the default and none has a weight
	CreatedAt time.Time
	UpdatedAt time.Time
	CreatedBy string
	// LastCheck is the result of the last "test this credential"; zero time: never tested.
	LastCheckAt time.Time
	LastCheck   string // a Verdict
}

// DEK is a data-encryption key, wrapped.
type DEK struct {
	ID      string // "dek_…"
	KEK     string // id of the key-encryption key that wrapped it
	Wrapped []byte
}

// Sealed is an encrypted secret with the key that opens it, wrapped.
type Sealed struct {
	DEK        DEK
	Ciphertext []byte
}

// Bound is what a sealed secret is bound to: it opens for exactly this and nothing else.
type Bound struct {
	Org        id.Org
	Credential id.Credential
	Version    int
	Provider   string
	BaseURL    string
	Settings   string // in one canonical form; empty: there are none
}

// Binding is what the secret of c is bound to.
func (c Credential) Binding(org id.Org) Bound {
	return Bound{Org: org, Credential: c.ID, Version: c.Version, Provider: c.Provider, BaseURL: c.BaseURL, Settings: canonical(c.Settings)}
}
