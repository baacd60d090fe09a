// Package route decides where a call may go: a model name becomes an ordered list of targets, each with the reason it stands there.
//
// It is pure: what the call asks, a key, one organization's snapshot, a time and the health of targets in; a plan or a declared
// failure out. The same in is the same out, on every proxy: what looks like chance is a hash of the call's unit. A name is, in this
// order,
//
//  1. an alias of the organization ("fast-classifier"),
//  2. a task of its routing file ("task:classification"), or "auto": the task is told from the call's text,
//  3. "provider/model" ("openai/gpt-4o"): any model of a known provider, in the price catalogue or not,
//  4. a bare model name that exactly one connected provider lists ("gpt-4o", "claude-sonnet-4-5").
//
// A task that the call names beside its model decides whatever the model is: that is what the routing file is for.
//
// A provider is connected when the organization has a credential for it. Two need none: the built-in sandbox, and a vendor without
// authentication that has an address of its own. A key's scope is checked against what the name turned out to be; an alias
// implies its models.
//
// Of an alias's targets those are dropped that may not serve the call (switched off, for batches only, not connected, forbidden by
// the request's own filter or the route's privacy). The others stand in their tiers, within a tier in the order of the strategy, each
// with the provider's further credentials behind it; then the fallbacks; then those of all that are ejected for their health. A
// target is never removed for its health, so the last one is always tried.
package route

import (
	"strings"
	"time"

	"tollgate/internal/health"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// Sandbox is the vendor that every organization has: built in, offline, without a credential.
const Sandbox = "sandbox"

// DefaultTimeout is the deadline of a call whose alias names none: what the official clients wait.
const DefaultTimeout = 10 * time.Minute

// Router resolves names.
type Router struct {
	Vendors func(id string) (*provider.Vendor, bool)          // the provider catalogue
	Health  func(t health.Target, now time.Time) health.State // nil: every target is well, and nothing is measured
}

// Twin before any name stands for the same name. Claude Code shows in its picker of models only what begins with "claude" or
// "anthropic", so the lists for Anthropic's clients have twins of all others.
const Twin = "claude/"

// Resolve finds where a call of a name goes, or says why it goes nowhere. A plan with Classify has no targets yet.
func (r Router) Resolve(org *snapshot.Org, k *key.Key, ask *Ask) (Plan, error) {
	if ask.Task != "" {
		return r.task(org, k, ask, ask.Task, byHeader)
	}
	if a, ok := org.Aliases[ask.Name]; ok {
		return r.alias(org, k, ask, a, nil)
	}
	if name, ok := strings.CutPrefix(ask.Name, TaskPrefix); ok && name != "" {
		return r.task(org, k, ask, name, byModel)
	}
	switch ask.Name {
	case Auto, taskModel, TaskPrefix, "":
		return r.open(org, k, ask)
	}
	if of, ok := strings.CutPrefix(ask.Name, Twin); ok && of != "" && !strings.HasPrefix(of, Twin) {
		bare := *ask
		bare.Name = of
		return r.Resolve(org, k, &bare)
	}
	return r.direct(org, k, ask)
}

// withDefaults fills in what no route says.
func (p Plan) withDefaults() Plan {
	if p.Timeout <= 0 {
		p.Timeout = DefaultTimeout
	}
	if p.Attempts <= 0 {
		p.Attempts = min(len(p.Targets)+1, attemptsMax)
	}
	return p
}

// attemptsMax bounds the attempts of a call whose route does not say how many.
const attemptsMax = 10
