package key

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// New is what a caller says about a key to be issued.
type New struct {
	Team        id.Team
	Name        string
	Kind        Kind        // empty: ServiceKey
	Owner       id.User     // of a personal key; empty: who makes it
	Template    id.Template // that fills in what is left empty; "": the team's standard one, if there is one
	Environment string      // empty: production
	Aliases     []string
	Models      []string
	Endpoints   []Endpoint
	Networks    []netip.Prefix
	ExpiresAt   time.Time // zero: never
	Workflow    string
	Task        string // default task type of calls of model "auto" or "task"
	Tags        map[string]string
	Privacy     Privacy // empty: metadata

	DropUnsupported bool
	BudgetStatus    int // 0: 402

	// Budget and Limits are of the key alone. Service holds them against the team's templates, and package issue makes them.
	Budget *Allowance // nil: none
	Limits Pace
}

// Change says what is to be different; nil leaves a thing as it is. The environment stays: it can be read in the secret.
type Change struct {
	Name      *string
	Team      *id.Team
	Aliases   *[]string
	Models    *[]string
	Endpoints *[]Endpoint
	Networks  *[]netip.Prefix
	ExpiresAt *time.Time // to the zero time: never
	Workflow  *string
	Task      *string
	Tags      *map[string]string
	Privacy   *Privacy

	DropUnsupported *bool
	BudgetStatus    *int
}

// State selects keys by whether they work.
type State string

// The states. The zero State is every key.
const (
	Usable   State = "live" // neither revoked nor expired nor disabled
	Expired  State = "expired"
	Disabled State = "disabled"
	Revoked  State = "revoked"
)

// Filter selects keys. The zero Filter selects all.
type Filter struct {
	Team           id.Team
	Environment    string
	State          State
	Text           string    // part of the name, the prefix or the last characters
	UnusedSince    time.Time // not used at or after; never used counts
	ExpiringBefore time.Time
	Kind           Kind
	Owner          id.User
	NeverUsed      bool
	Rotating       bool     // two live secrets
	IDs            []id.Key // nil: any; empty: none
}

// Changed is what a change makes of a key. Its secrets change with it; Added are those that were not there.
type Changed struct {
	Key   Key
	Added []Minted
}

// Store is what Service needs from storage; package keypg provides it. Personal keys are there for their owner and for admins only.
type Store interface {
	// Insert adds keys with their secrets, all or none. ErrTaken, ErrNoTeam, ErrNoOwner, ErrKnown.
	Insert(ctx context.Context, in tenant.Scope, keys ...Fresh) error
	// Key finds one of the organization's keys. ErrNotFound.
	Key(ctx context.Context, in tenant.Scope, which id.Key) (Key, error)
	// Keys lists newest first those behind after (empty: from the start), at most limit.
	Keys(ctx context.Context, in tenant.Scope, f Filter, now time.Time, after id.Key, limit int) ([]Key, error)
	// Change replaces what fn returns, in one transaction in which nobody else changes the key. ErrNotFound, ErrTaken, ErrNoTeam.
	Change(ctx context.Context, in tenant.Scope, which id.Key, fn func(Key) (Changed, error)) (Key, error)
	// MarkUsed moves last uses forward, never back, in any organization.
	MarkUsed(ctx context.Context, used map[id.Key]time.Time) error
	// MarkSecretsUsed is MarkUsed for secrets.
	MarkSecretsUsed(ctx context.Context, used map[id.Secret]time.Time) error
	// Upgrade exchanges plain hashes for keyed ones, in any organization. What is not found is passed over.
	Upgrade(ctx context.Context, list []Upgrade) error
	// Reach tells who used keys in the day before now, from the call log.
	Reach(ctx context.Context, in tenant.Scope, keys []id.Key, now time.Time) (map[id.Key]Reach, error)

	TemplateStore
}

// Fresh is a new key with its secrets.
type Fresh struct {
	Key     Key
	Secrets []Minted
}

// Made is a new key with what was made for it; package issue makes it.
type Made struct {
	Key    Key
	Secret Secret    // shown once
	Budget id.Budget // of the key alone; "": none
	Limits []id.Limit
}

// Service manages keys.
type Service struct {
	store  Store
	hasher *Hasher
	now    func() time.Time
}

// NewService needs storage, the installation's hasher and a clock.
func NewService(store Store, hasher *Hasher, now func() time.Time) *Service {
	return &Service{store: store, hasher: hasher, now: now}
}

// Prepare gives what n comes to once its template has filled it in, and refuses what a template bounds or no key can be: it makes nothing.
func (s *Service) Prepare(ctx context.Context, in tenant.Scope, n New) (New, error) {
	n, _, err := s.prepare(ctx, in, n)
	return n, err
}

func (s *Service) prepare(ctx context.Context, in tenant.Scope, n New) (New, Key, error) {
	now := instant(s.now())
	list, err := s.store.Templates(ctx, in)
	if err != nil {
		return n, Key{}, err
	}
	from, ok := standard(list, n.Team)
	if n.Template != "" {
		i := slices.IndexFunc(list, func(t Template) bool { return t.ID == n.Template })
		if i < 0 {
			return n, Key{}, ErrNoTemplate.At("template_id")
		}
		if from, ok = list[i], true; from.Team != "" && from.Team != n.Team {
			return n, Key{}, ErrOtherTeam.At("template_id")
		}
	}
	if ok {
		n.Template = from.ID
		from.Policy.Fill(&n, now)
	}
	k, err := draft(in, n, now)
	if err != nil || Oversees(in) {
		return n, k, err
	}
	for _, t := range bounds(list, n.Team) {
		if err := t.Policy.within(&k); err != nil {
			return n, k, err
		}
		if err := t.Policy.purse(&n); err != nil {
			return n, k, err
		}
	}
	return n, k, nil
}

// Issue makes a key. The secret is returned here and never again. The key's own budget and limits are not made: package issue does.
func (s *Service) Issue(ctx context.Context, in tenant.Scope, n New) (Key, Secret, error) {
	_, k, err := s.prepare(ctx, in, n)
	if err != nil {
		return Key{}, Secret{}, err
	}
	now := k.CreatedAt
	secret := NewSecret(k.Environment)
	fresh := s.mint(secret, now, in)
	k.Secrets = []Stored{fresh.Stored}
	k.Recognise()
	if err := s.store.Insert(ctx, in, Fresh{k, []Minted{fresh}}); err != nil {
		return Key{}, Secret{}, err
	}
	return k, secret, nil
}

// draft is the key that New describes, checked, without a secret.
func draft(in tenant.Scope, n New, now time.Time) (Key, error) {
	k := Key{
		ID: id.Key(id.New("key")), Team: n.Team, Name: strings.TrimSpace(n.Name), Kind: cmp.Or(n.Kind, ServiceKey), Owner: n.Owner, Environment: cmp.Or(n.Environment, Production),
		Aliases: set(n.Aliases), Models: set(n.Models), Endpoints: set(n.Endpoints), Networks: networks(n.Networks),
		ExpiresAt: instant(n.ExpiresAt), Workflow: strings.TrimSpace(n.Workflow), Task: strings.TrimSpace(n.Task), Tags: maps.Clone(n.Tags), Privacy: cmp.Or(n.Privacy, PrivacyMetadata),
		DropUnsupported: n.DropUnsupported, BudgetStatus: cmp.Or(n.BudgetStatus, http402), Template: n.Template, Revision: 1, CreatedAt: now, CreatedBy: in.Actor().ID(),
	}
	if k.Kind == PersonalKey {
		k.Owner = cmp.Or(k.Owner, in.Actor().User)
		if k.Owner != in.Actor().User && !Oversees(in) {
			return Key{}, ErrNotYours.At("owner_id")
		}
	}
	return k, k.check(now)
}

// Oversees reports whether the scope sees keys of other members too.
func Oversees(in tenant.Scope) bool { return in.Role() == tenant.Owner || in.Role() == tenant.Admin }

// Key finds one key. ErrNotFound for another organization's too.
func (s *Service) Key(ctx context.Context, in tenant.Scope, which id.Key) (Key, error) {
	return s.store.Key(ctx, in, which)
}

// List gives the keys behind after (empty: from the newest), newest first, at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after id.Key, limit int) ([]Key, bool, error) {
	keys, err := s.store.Keys(ctx, in, f, s.now(), after, limit+1)
	if err != nil {
		return nil, false, err
	}
	if len(keys) > limit {
		return keys[:limit], true, nil
	}
	return keys, false, nil
}

// Update changes a key. check sees the key as it stands, before it is changed, and may refuse (If-Match); nil accepts any.
// A revoked key is ErrDead; who is no owner or admin does not take it beyond the team's template.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Key, c Change, check func(Key) error) (Key, error) {
	expiry := time.Time{}
	if c.ExpiresAt != nil { // one that has passed may stay, and the name be mended
		expiry = s.now()
	}
	return s.alter(ctx, in, which, expiry, check, c.apply)
}

// alter changes a live key within its team's bounds. expiry is as for Key.check.
func (s *Service) alter(ctx context.Context, in tenant.Scope, which id.Key, expiry time.Time, check func(Key) error, apply func(*Key)) (Key, error) {
	var list []Template
	if !Oversees(in) {
		var err error
		if list, err = s.store.Templates(ctx, in); err != nil {
			return Key{}, err
		}
	}
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		if check != nil {
			if err := check(k); err != nil {
				return Changed{}, err
			}
		}
		if !k.RevokedAt.IsZero() {
			return Changed{}, ErrDead
		}
		apply(&k)
		if err := k.check(expiry); err != nil {
			return Changed{}, err
		}
		for _, t := range bounds(list, k.Team) {
			if err := t.Policy.within(&k); err != nil {
				return Changed{}, err
			}
		}
		k.Revision++
		return Changed{Key: k}, nil
	})
}

// MarkUsed records when keys were last used, for the shipper of call logs: across organizations, in batches, never per call.
func (s *Service) MarkUsed(ctx context.Context, used map[id.Key]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	return s.store.MarkUsed(ctx, used)
}

// MarkSecretsUsed is MarkUsed for the secrets that were sent.
func (s *Service) MarkSecretsUsed(ctx context.Context, used map[id.Secret]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	return s.store.MarkSecretsUsed(ctx, used)
}

// Upgrade stores imported secrets that were used by their keyed hashes, for proxies: across organizations.
func (s *Service) Upgrade(ctx context.Context, list []Upgrade) error {
	if len(list) == 0 {
		return nil
	}
	return s.store.Upgrade(ctx, list)
}

func (c Change) apply(k *Key) {
	assign(&k.Team, c.Team)
	assign(&k.Privacy, c.Privacy)
	assign(&k.DropUnsupported, c.DropUnsupported)
	assign(&k.BudgetStatus, c.BudgetStatus)
	if c.Name != nil {
		k.Name = strings.TrimSpace(*c.Name)
	}
	if c.Workflow != nil {
		k.Workflow = strings.TrimSpace(*c.Workflow)
	}
	if c.Task != nil {
		k.Task = strings.TrimSpace(*c.Task)
	}
	if c.ExpiresAt != nil {
		k.ExpiresAt = instant(*c.ExpiresAt)
	}
	if c.Aliases != nil {
		k.Aliases = set(*c.Aliases)
	}
	if c.Models != nil {
		k.Models = set(*c.Models)
	}
	if c.Endpoints != nil {
		k.Endpoints = set(*c.Endpoints)
	}
	if c.Networks != nil {
		k.Networks = networks(*c.Networks)
	}
	if c.Tags != nil {
		k.Tags = maps.Clone(*c.Tags)
	}
}

func assign[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// set is sorted and without doubles, so that equal scopes look equal.
func set[T ~string](list []T) []T {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func networks(list []netip.Prefix) []netip.Prefix {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(out)
}

// instant is a time as the database keeps it: to the microsecond, UTC; zero stays zero.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
