package snapshot

import (
	"context"
	"maps"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
)

// Config is the stored configuration at one revision, secrets sealed. It is what the file holds. It is not changed once it is in
// use: a change makes another, which shares what stayed.
type Config struct {
	Rev       int64
	Taken     time.Time
	Imported  []price.Record            // the installation's price rows; the shipped catalogue is not stored
	Overrides map[id.Org][]price.Record // organizations' own prices
	Orgs      map[id.Org]*OrgConfig
}

// OrgConfig is one organization's part.
type OrgConfig struct {
	ID          id.Org
	Name        string
	Teams       map[id.Team]string
	Aliases     []alias.Alias
	Tasks       map[string]string // task -> alias
	Auto        alias.Auto
	Experiments []experiment.Running
	Credentials []SealedCredential
	Keys        []HashedKey
	Zone        string // time zone, "Europe/Berlin"; "": UTC
	FiscalDay   int    // 0 is 1
	Budgets     []budget.Budget
	Limits      []limit.Limit
	Prompts     []*prompt.Stored  // that are not archived, by id
	PromptAt    map[string]string // environment -> label of calls that name none
	Broken      []Bad             // objects that could not be read; they keep their last good form
}

// SealedCredential is a credential with its sealed secret.
type SealedCredential struct {
	Credential credential.Credential
	Sealed     credential.Sealed
}

// HashedKey is a virtual key with the hashes that its secrets are found by, in the order of Key.Secrets.
type HashedKey struct {
	Key    key.Key
	Hashes []key.Hash
}

// Bad is an object that could not be read or compiled.
type Bad struct {
	Org    id.Org
	Kind   string // "key", "secret" (of a key), "credential", "alias", "experiment", "routing"
	ID     string
	Reason string // for the log and the operator; without secrets
}

// Delta is what has changed since a revision.
type Delta struct {
	Rev       int64
	Orgs      map[id.Org]*OrgConfig     // nil value: the organization has gone. Without Prompts: those are in
	Prompts   map[id.Org]PromptsDelta   // of organizations whose prompts changed
	Imported  *[]price.Record           // nil: unchanged
	Overrides map[id.Org][]price.Record // nil: unchanged; else all of them
}

// ErrPruned means that the changes since a revision are no longer known: load everything.
var ErrPruned = fault.New(fault.Internal, "snapshot.pruned", "The changes since this revision are no longer known.")

// Source is where configuration comes from; package snapshotpg reads it from PostgreSQL.
type Source interface {
	// Rev is the revision of now.
	Rev(ctx context.Context) (int64, error)
	// Full is everything at one revision.
	Full(ctx context.Context) (*Config, error)
	// Since is what changed after a revision, at one later revision. ErrPruned.
	Since(ctx context.Context, rev int64) (Delta, error)
	// Listen calls got when the revision has perhaps moved, until ctx ends. It is a hint: it may be late, or never come.
	Listen(ctx context.Context, got func()) error
}

// with is the configuration after a change.
func (c *Config) with(d Delta, taken time.Time) *Config {
	next := &Config{Rev: d.Rev, Taken: taken, Imported: c.Imported, Overrides: c.Overrides, Orgs: maps.Clone(c.Orgs)}
	if d.Imported != nil {
		next.Imported = *d.Imported
	}
	if d.Overrides != nil {
		next.Overrides = d.Overrides
	}
	for org, o := range d.Orgs {
		if o == nil {
			delete(next.Orgs, org)
			continue
		}
		whole := *o
		if was := c.Orgs[org]; was != nil {
			whole.Prompts = was.Prompts
		}
		whole.Prompts = d.Prompts[org].Over(whole.Prompts)
		next.Orgs[org] = &whole
	}
	return next
}

// calendar is how the organization counts days. A zone that this machine does not know is UTC: windows then start at another hour, and
// hold all the same.
func (o *OrgConfig) calendar() budget.Calendar {
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		zone = time.UTC
	}
	return budget.Calendar{Zone: zone, FiscalDay: o.FiscalDay}
}
