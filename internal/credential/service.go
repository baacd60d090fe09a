package credential

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// New is what a caller says about a credential to be stored.
type New struct {
	Provider string // vendor id
	Name     string // empty: the vendor's name
	BaseURL  string // empty: the vendor's own
	Settings map[string]string
	Secret   secret.Text
	Default  bool // make it the provider's default; the first one is anyhow
	Weight   int  // share of the provider's calls, 0 to 1000
}

// Change says what is to be different; nil leaves a thing as it is.
type Change struct {
	Name    *string
	BaseURL *string // needs Secret, unless the credential has none
	// Settings replaces all of them, unless it is nil. Other ones need Secret, unless the credential has none.
	Settings map[string]string
	Secret   *secret.Text // replaces the secret
	Default  bool         // true makes it the default; there is always one, so it cannot be unmade
	Weight   *int         // share of the provider's calls, 0 to 1000
}

// Vault seals secrets; package vault is one.
type Vault interface {
	NewDEK(ctx context.Context, org id.Org) (DEK, error)
	// Unlock opens a data key. ErrSealed when it never opens, ErrKMS when the key service is down.
	Unlock(ctx context.Context, org id.Org, d DEK) (Box, error)
}

// Box is an opened data key.
type Box interface {
	Seal(to Bound, s secret.Text) ([]byte, error)
	// Open gives ErrSealed for anything but what Seal made for the same Bound.
	Open(from Bound, ciphertext []byte) (secret.Text, error)
}

// Store is what Service needs from storage; package credentialpg provides it.
type Store interface {
	// DEK gives the organization's live data key, which is fresh when it had none.
	DEK(ctx context.Context, in tenant.Scope, fresh func() (DEK, error)) (DEK, error)
	// Insert adds a credential; the first of its provider is made the default. ErrTaken.
	Insert(ctx context.Context, in tenant.Scope, c Credential, s Sealed) (Credential, error)
	Credential(ctx context.Context, in tenant.Scope, which id.Credential) (Credential, error)
	// Credentials lists all, by provider and name.
	Credentials(ctx context.Context, in tenant.Scope) ([]Credential, error)
	// Sealed is a credential with its sealed secret.
	Sealed(ctx context.Context, in tenant.Scope, which id.Credential) (Credential, Sealed, error)
	// Change replaces what fn returns (a nil Sealed keeps the secret), while nobody else changes the organization's credentials.
	// One that became the default displaces the other. ErrNotFound, ErrTaken.
	Change(ctx context.Context, in tenant.Scope, which id.Credential, fn func(Credential) (Credential, *Sealed, error)) (Credential, error)
	// Delete removes one; where it was the default, the oldest other of its provider becomes it. ErrNotFound, ErrUsed naming aliases.
	Delete(ctx context.Context, in tenant.Scope, which id.Credential) error
	// Checked writes down the result of a test.
	Checked(ctx context.Context, in tenant.Scope, which id.Credential, verdict Verdict, at time.Time) error
}

// URLs judges base URLs that users give; egress.Policy does.
type URLs interface {
	CheckURL(field, text string) (string, error)
}

// Service manages credentials.
type Service struct {
	store   Store
	vault   Vault
	vendors func(id string) (provider.Vendor, bool)
	urls    URLs
	tester  *Tester
	now     func() time.Time
}

// NewService needs storage, a vault, the vendors, a judge of URLs, a tester and a clock.
func NewService(store Store, vault Vault, vendors func(string) (provider.Vendor, bool), urls URLs, tester *Tester, now func() time.Time) *Service {
	return &Service{store: store, vault: vault, vendors: vendors, urls: urls, tester: tester, now: now}
}

// Connect stores a credential.
func (s *Service) Connect(ctx context.Context, in tenant.Scope, n New) (Credential, error) {
	v, n, end, err := s.check(n)
	if err != nil {
		return Credential{}, err
	}
	now := instant(s.now())
	c := Credential{
		ID: id.Credential(id.New("cred")), Provider: v.ID, Name: cmp.Or(strings.TrimSpace(n.Name), v.Name), BaseURL: n.BaseURL, Settings: n.Settings, Hint: end,
		Version: 1, Revision: 1, Default: n.Default, Weight: n.Weight, CreatedAt: now, UpdatedAt: now, CreatedBy: in.Actor().ID(),
	}
	if err := checkName(c.Name); err != nil {
		return Credential{}, err
	}
	if err := checkWeight(c.Weight); err != nil {
		return Credential{}, err
	}
	seal, err := s.sealer(ctx, in)
	if err != nil {
		return Credential{}, err
	}
	sealed, err := seal(c, n.Secret)
	if err != nil {
		return Credential{}, err
	}
	return s.store.Insert(ctx, in, c, *sealed)
}

// Credential finds one. ErrNotFound for another organization's too.
func (s *Service) Credential(ctx context.Context, in tenant.Scope, which id.Credential) (Credential, error) {
	return s.store.Credential(ctx, in, which)
}

// List gives all, by provider and name.
func (s *Service) List(ctx context.Context, in tenant.Scope) ([]Credential, error) {
	return s.store.Credentials(ctx, in)
}

// Update changes one. check sees it as it stands and may refuse (If-Match); nil accepts any.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Credential, ch Change, check func(Credential) error) (Credential, error) {
	// The key is unlocked before the transaction: a key service may be slow, and a transaction holds locks.
	seal := func(Credential, secret.Text) (*Sealed, error) { return nil, nil } //nolint:nilnil // nil keeps the secret
	if ch.Secret != nil || ch.BaseURL != nil || ch.Settings != nil {
		var err error
		if seal, err = s.sealer(ctx, in); err != nil {
			return Credential{}, err
		}
	}
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(c Credential) (Credential, *Sealed, error) {
		if check != nil {
			if err := check(c); err != nil {
				return Credential{}, nil, err
			}
		}
		next, text, err := s.apply(c, ch)
		if err != nil {
			return Credential{}, nil, err
		}
		next.Revision++
		next.UpdatedAt = now
		sealed, err := (*Sealed)(nil), error(nil)
		if next.Version != c.Version {
			sealed, err = seal(next, text)
		}
		return next, sealed, err
	})
}

// apply gives the changed credential, and the secret to seal where the version went up.
func (s *Service) apply(c Credential, ch Change) (Credential, secret.Text, error) {
	v, ok := s.vendors(c.Provider)
	if !ok {
		return c, secret.Text{}, ErrInvalid.Say("The provider %q is no longer supported.", c.Provider)
	}
	if ch.Name != nil {
		c.Name = strings.TrimSpace(*ch.Name)
		if err := checkName(c.Name); err != nil {
			return c, secret.Text{}, err
		}
	}
	c.Default = c.Default || ch.Default
	if ch.Weight != nil {
		c.Weight = *ch.Weight
		if err := checkWeight(c.Weight); err != nil {
			return c, secret.Text{}, err
		}
	}
	n := New{Provider: c.Provider, BaseURL: c.BaseURL, Settings: declared(v, c.Settings)}
	if ch.BaseURL != nil {
		n.BaseURL = strings.TrimSpace(*ch.BaseURL)
	}
	moved := strings.TrimRight(n.BaseURL, "/") != c.BaseURL
	if ch.Settings != nil {
		n.Settings = ch.Settings
		kept, err := checkSettings(v, n.Settings, n.BaseURL != "")
		if err != nil {
			return c, secret.Text{}, err
		}
		moved = moved || !maps.Equal(kept, c.Settings)
	}
	if moved && ch.Secret == nil && c.Hint != "" {
		return c, secret.Text{}, ErrReenter.At("secret")
	}
	if !moved && ch.Secret == nil {
		return c, secret.Text{}, nil
	}
	if ch.Secret != nil {
		n.Secret = *ch.Secret
	}
	_, n, end, err := s.checkFor(v, n)
	if err != nil {
		return c, secret.Text{}, err
	}
	c.BaseURL, c.Settings, c.Hint = n.BaseURL, n.Settings, end
	c.Version++
	return c, n.Secret, nil
}

// weightMax is the largest share that a credential can have.
const weightMax = 1000

func checkWeight(w int) error {
	if w < 0 || w > weightMax {
		return ErrInvalid.Say("A weight is a whole number from 0 to %d; 0 keeps the credential out of the draw.", weightMax).At("weight")
	}
	return nil
}

// Delete removes a credential and its secret. ErrUsed while an alias names it.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Credential) error {
	return s.store.Delete(ctx, in, which)
}

// sealer unlocks the organization's data key, making one at the first need.
func (s *Service) sealer(ctx context.Context, in tenant.Scope) (func(Credential, secret.Text) (*Sealed, error), error) {
	d, err := s.store.DEK(ctx, in, func() (DEK, error) { return s.vault.NewDEK(ctx, in.Org()) })
	if err != nil {
		return nil, err
	}
	box, err := s.vault.Unlock(ctx, in.Org(), d)
	if err != nil {
		return nil, err
	}
	return func(c Credential, text secret.Text) (*Sealed, error) {
		ciphertext, err := box.Seal(c.Binding(in.Org()), text)
		if err != nil {
			return nil, err
		}
		return &Sealed{DEK: d, Ciphertext: ciphertext}, nil
	}, nil
}

// check finds the vendor and does checkFor.
func (s *Service) check(n New) (provider.Vendor, New, string, error) {
	v, ok := s.vendors(n.Provider)
	if !ok {
		return v, n, "", ErrInvalid.Say("There is no provider %q.", fault.Clip(n.Provider)).At("provider")
	}
	return s.checkFor(v, n)
}

// checkFor refuses what the vendor cannot be called with, and gives the normal form and the hint of the secret.
func (s *Service) checkFor(v provider.Vendor, n New) (provider.Vendor, New, string, error) {
	if builtIn(v) {
		return v, n, "", ErrInvalid.Say("%s is built in and needs no credential.", v.Name).At("provider")
	}
	n.BaseURL = strings.TrimSpace(n.BaseURL)
	if n.BaseURL == "" && v.BaseURL == "" {
		return v, n, "", ErrInvalid.Say("This provider needs the base URL of your server.").At("base_url")
	}
	var err error
	if n.Settings, err = checkSettings(v, n.Settings, n.BaseURL != ""); err != nil {
		return v, n, "", err
	}
	switch {
	case n.BaseURL != "":
		n.BaseURL, err = s.urls.CheckURL("base_url", n.BaseURL)
	case strings.Contains(v.BaseURL, "{"): // what the settings make of it is a URL that a user gave
		_, err = s.urls.CheckURL("settings", v.Base(n.Settings))
	}
	if err != nil {
		return v, n, "", err
	}
	var end string
	to := Credential{BaseURL: n.BaseURL, Settings: n.Settings}
	n.Secret, end, err = s.tester.signer.Check(v.Auth, to.Address(v), secret.NewText(strings.TrimSpace(n.Secret.Reveal())))
	if err != nil {
		return v, n, "", err
	}
	if end != "" { // a document: the signer has read it
		return v, n, end, checkLength(n.Secret)
	}
	return v, n, hint(n.Secret), checkSecret(v, n.Secret)
}

// builtIn vendors are served in the process: their base URL is no web address.
func builtIn(v provider.Vendor) bool { return v.BaseURL != "" && !strings.Contains(v.BaseURL, "://") }

// secretBytesMax bounds a secret; the longest known are service account documents of a few kilobytes.
const secretBytesMax = 8192

func checkSecret(v provider.Vendor, s secret.Text) error {
	text := s.Reveal()
	switch {
	case text == "" && (slices.Contains(strings.Split(v.Auth, "|"), "none") || v.BaseURL == ""):
		return nil // a server of one's own may ask for none
	case text == "":
		return ErrInvalid.Say("Enter the API key that %s gave you.", v.Name).At("secret")
	case len(text) > secretBytesMax:
		return checkLength(s)
	case strings.HasPrefix(text, "tg_"):
		return ErrInvalid.Say("This is a Tollgate key. Enter the API key that %s gave you.", v.Name).At("secret")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return ErrInvalid.Say("An API key holds no spaces and no characters beyond ASCII.").At("secret")
	}
	return nil
}

func checkLength(s secret.Text) error {
	if len(s.Reveal()) > secretBytesMax {
		return ErrInvalid.Say("A secret has at most %d characters.", secretBytesMax).At("secret")
	}
	return nil
}

func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > 200 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return ErrInvalid.Say("A name has 1 to 200 characters on one line.").At("name")
	}
	return nil
}

// hint is the end of a secret that is long enough to show four characters of it; short ones show a dot, so that "" means no secret.
func hint(s secret.Text) string {
	text := s.Reveal()
	switch {
	case text == "":
		return ""
	case len(text) < 16:
		return "…"
	}
	return text[len(text)-4:]
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// reveal opens a stored secret, for "test this credential". The data plane opens its own, from the snapshot.
func (s *Service) reveal(ctx context.Context, in tenant.Scope, which id.Credential) (Credential, secret.Text, error) {
	c, sealed, err := s.store.Sealed(ctx, in, which)
	if err != nil {
		return Credential{}, secret.Text{}, err
	}
	text, err := Open(ctx, s.vault, in.Org(), c, sealed)
	return c, text, err
}

// Open opens a sealed secret for its credential. ErrSealed, ErrKMS.
func Open(ctx context.Context, v Vault, org id.Org, c Credential, s Sealed) (secret.Text, error) {
	box, err := v.Unlock(ctx, org, s.DEK)
	if err != nil {
		return secret.Text{}, err
	}
	return box.Open(c.Binding(org), s.Ciphertext)
}
