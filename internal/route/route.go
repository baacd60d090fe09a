// Package route decides where a call may go: a model name becomes an ordered list of targets, each with the reason it stands there.
//
// It is pure: a name, a key, one organization's snapshot and a time in; a plan or a declared failure out. A name is, in this order,
//
//  1. an alias of the organization ("fast-classifier"),
//  2. "provider/model" ("openai/gpt-4o"): any model of a known provider, in the price catalogue or not,
//  3. a bare model name that exactly one connected provider lists ("gpt-4o", "claude-sonnet-4-5").
//
// A provider is connected when the organization has a credential for it. Two need none: the built-in sandbox, and a vendor without
// authentication that has an address of its own. A key's scope is checked against what the name turned out to be.
package route

import (
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// Sandbox is the vendor that every organization has: built in, offline, without a credential.
const Sandbox = "sandbox"

// DefaultTimeout is the deadline of a call whose alias names none: what the official clients wait.
const DefaultTimeout = 10 * time.Minute

// The failures of resolving.
var (
	ErrModel = fault.New(fault.NotFound, "model.not_found",
		"There is no such model or alias.").At("model")
	ErrAmbiguous = fault.New(fault.Invalid, "model.ambiguous",
		"More than one connected provider serves this model. Name one as provider/model.").At("model")
	ErrNotConnected = fault.New(fault.Invalid, "provider.not_connected",
		"The provider is not connected. Add a credential for it on the dashboard under Providers.").At("model")
)

// Target is one place that the call may go.
type Target struct {
	Vendor     provider.Vendor
	Model      string               // the provider's name for it
	Credential *snapshot.Credential // nil: none needed
	BaseURL    string
	Own        bool   // BaseURL is the credential's own, not the vendor's
	Reason     string // why it stands here: "alias fast-classifier v3, target 1"
}

// Plan is where a call may go and how long it may take.
type Plan struct {
	Alias        string // empty: a model was named
	AliasVersion int
	Targets      []Target // at least one, in the order in which they are tried
	Timeout      time.Duration
	FirstByte    time.Duration // per attempt; 0: none beyond Timeout
	Attempts     int           // at least 1
	Drop         bool          // what a target cannot express is left out, with a warning
	Abort        bool          // when the client hangs up the provider's answer is abandoned, not drained
}

// Router resolves names. Vendors is the provider catalogue.
type Router struct {
	Vendors func(id string) (provider.Vendor, bool)
}

// Twin before any name stands for the same name. Claude Code shows in its picker of models only what begins with "claude" or
// "anthropic", so the lists for Anthropic's clients have twins of all others.
const Twin = "claude/"

// Resolve finds where a call of name goes, or says why it goes nowhere.
func (r Router) Resolve(org *snapshot.Org, k *key.Key, name string, now time.Time) (Plan, error) {
	if a, ok := org.Aliases[name]; ok {
		return r.alias(org, k, a)
	}
	if of, ok := strings.CutPrefix(name, Twin); ok && of != "" && !strings.HasPrefix(of, Twin) {
		return r.Resolve(org, k, of, now)
	}
	return r.direct(org, k, name, now)
}

func (r Router) alias(org *snapshot.Org, k *key.Key, a *alias.Alias) (Plan, error) {
	if err := k.AllowAlias(a.Name); err != nil {
		return Plan{}, err
	}
	p := Plan{
		Alias: a.Name, AliasVersion: a.Version,
		Timeout: a.Route.Timeout, FirstByte: a.Route.FirstByte, Attempts: a.Route.Attempts,
		Abort: a.Route.OnDisconnect == "abort", Drop: a.Route.DropUnsupported,
	}
	p.Targets = make([]Target, 0, len(a.Route.Targets))
	var missing error
	for i := range a.Route.Targets {
		t, err := r.target(org, &a.Route.Targets[i])
		if err != nil {
			missing = err // a target without a credential is passed over; the others still serve
			continue
		}
		t.Reason = "target"
		if len(p.Targets) > 0 {
			t.Reason = "fallback"
		}
		p.Targets = append(p.Targets, t)
	}
	if len(p.Targets) == 0 {
		if missing == nil {
			missing = ErrNotConnected.Say("The alias %q has no targets.", a.Name)
		}
		return Plan{}, missing
	}
	return p.withDefaults(), nil
}

func (p Plan) withDefaults() Plan {
	if p.Timeout <= 0 {
		p.Timeout = DefaultTimeout
	}
	if p.Attempts <= 0 {
		p.Attempts = len(p.Targets) + 1
	}
	return p
}

// target finds an alias target's vendor and credential.
func (r Router) target(org *snapshot.Org, t *alias.Target) (Target, error) {
	v, ok := r.Vendors(t.Provider)
	if !ok {
		return Target{}, ErrNotConnected.Say("The provider %q is not known here.", t.Provider)
	}
	if t.Credential == "" {
		return connect(org, v, t.Model)
	}
	c, ok := org.Credentials[t.Credential]
	if !ok || c.Provider != t.Provider {
		return Target{}, ErrNotConnected.Say("The credential %s of the alias is gone. Point the alias at another one.", t.Credential)
	}
	return through(&c, v, t.Model), nil
}

func through(c *snapshot.Credential, v provider.Vendor, model string) Target {
	return Target{Vendor: v, Model: model, Credential: c, BaseURL: c.BaseURL, Own: c.Credential.BaseURL != ""}
}

// connect finds the way to a vendor by the organization's default credential, or without one where none is needed.
func connect(org *snapshot.Org, v provider.Vendor, model string) (Target, error) {
	if c, ok := org.Credentials[org.Default[v.ID]]; ok && c.Provider == v.ID {
		return through(&c, v, model), nil
	}
	if v.ID == Sandbox {
		return Target{Vendor: v, Model: model, BaseURL: v.BaseURL}, nil
	}
	return Target{}, ErrNotConnected.Say(
		"The provider %s is not connected. Add a credential for it on the dashboard under Providers, or name another model.", v.Name)
}
