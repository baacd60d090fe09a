package route

import (
	"slices"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/health"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// choosing is the choice of targets for one call under way.
type choosing struct {
	r       Router
	org     *snapshot.Org
	ask     *Ask
	private bool // the route asks for providers that do not train on its traffic
	loose   bool // nothing sticks: each call draws for itself

	seats   []seat  // what may serve, in the order of the file
	list    []entry // of all seats
	dropped []calllog.Candidate
	batched bool  // something was dropped because it is for batches only
	missing error // why the last target that is not connected is not
	sticky  bool  // a unit decided a draw
}

// seat is one target of a route with the entries that serve it: one a credential.
type seat struct {
	of       alias.Target
	from, to int // of list
	kind     kind
	why      string
	weight   int // of the weights in its draw; 0: nothing was drawn
	sum      int
	state    health.State // of its first credential
	order    float64      // the strategy's: smaller first
}

// kind says where a target comes from.
type kind uint8

const (
	aimed    kind = iota // a target of the route, a rule or an arm
	fallback             // a fallback of the route
	spare                // a target of the route behind the one of an arm
	wished               // a fallback of the request: its models list
)

// entry is a target with one credential, as the plan will hold it.
type entry struct {
	Target
	state health.State
	index int // of its seat
	later int // its place among the credentials of its seat
}

// shape is what all targets of one part of a route have in common.
type shape struct {
	kind       kind
	on         []alias.Cause
	arm        string
	parameters *alias.Parameters
	why        string // instead of the strategy's words
}

// expect makes room for more targets, so that the lists grow once.
func (c *choosing) expect(n int) {
	c.seats, c.list = slices.Grow(c.seats, n), slices.Grow(c.list, n)
}

// unit is what draws are made from.
func (c *choosing) unit() string {
	if !c.sticks() && c.ask.Call != "" {
		return c.ask.Call
	}
	return c.ask.Unit.Value
}

// sticks reports whether there is a unit whose calls stay together.
func (c *choosing) sticks() bool { return !c.loose && c.ask.Unit.By != "" && c.ask.Unit.By != UnitCall }

// add takes a target in with each of its credentials, or notes why it cannot serve.
func (c *choosing) add(t alias.Target, s shape) bool {
	v, ok := c.r.Vendors(t.Provider)
	if !ok {
		c.missing = ErrNotConnected.Say("The provider %q is not known here.", fault.Clip(t.Provider))
		c.drop(&t, "the provider is not known here")
		return false
	}
	if why := c.unfit(v, &t); why != "" {
		c.drop(&t, why)
		return false
	}
	from := len(c.list)
	if err := c.connect(v, &t); err != nil {
		c.missing = err
		c.drop(&t, "not connected")
		return false
	}
	if c.confine(from); len(c.list) == from {
		c.drop(&t, "not known to leave the traffic of its API out of training")
		return false
	}
	for i := from; i < len(c.list); i++ {
		e := &c.list[i]
		e.index, e.later = len(c.seats), i-from
		e.Fallback, e.On, e.Via, e.Arm, e.Parameters = s.kind != aimed, s.on, t.Via, s.arm, s.parameters
	}
	c.seats = append(c.seats, seat{of: t, from: from, to: len(c.list), kind: s.kind, why: s.why})
	return true
}

// unfit says why a target may not serve the call, whatever its credential; "" when it may.
func (c *choosing) unfit(v *provider.Vendor, t *alias.Target) string {
	switch {
	case t.Off:
		return "switched off"
	case t.Via == alias.ViaBatch && !c.ask.Batch:
		c.batched = true
		return "serves batches only"
	}
	if c.ask.Filter != nil {
		return c.ask.Filter.excludes(c.org, v, t.Model, c.ask.Now)
	}
	return ""
}

// confine leaves out of what was connected last, from on, what may train on the traffic, where that is not allowed.
func (c *choosing) confine(from int) {
	if !c.private && (c.ask.Filter == nil || !c.ask.Filter.NoTraining) {
		return
	}
	kept := c.list[:from]
	for _, e := range c.list[from:] {
		if private(e.Vendor, e.Own) {
			kept = append(kept, e)
		}
	}
	c.list = kept
}

// private reports whether a vendor is known not to train on its API's traffic. What a credential's own address leads to is not known,
// unless the vendor has none but those, or runs where the organization is.
func private(v *provider.Vendor, own bool) bool {
	return v.Local || v.ID == Sandbox || v.NoTraining && (!own || v.BaseURL == "")
}

func (c *choosing) drop(t *alias.Target, why string) {
	c.dropped = append(c.dropped, calllog.Candidate{Provider: t.Provider, Model: t.Model, Credential: t.Credential, Why: why})
}

// connect appends an entry for each credential that the target can be asked with.
func (c *choosing) connect(v *provider.Vendor, t *alias.Target) error {
	if t.Credential != "" {
		cred, ok := c.org.Credentials[t.Credential]
		if !ok || cred.Provider != t.Provider {
			return ErrNotConnected.Say("The credential %s of the alias is gone. Point the alias at another one.", t.Credential)
		}
		c.through(v, t.Model, cred)
		return nil
	}
	if c.pool(v, t.Model, c.org.Pools[v.ID]) {
		return nil
	}
	if cred, ok := c.org.Credentials[c.org.Default[v.ID]]; ok && cred.Provider == v.ID {
		c.through(v, t.Model, cred)
		return nil
	}
	if v.ID == Sandbox {
		c.append(entry{Target: Target{
			Vendor: v, Model: t.Model, BaseURL: v.BaseURL,
			Health: health.Target{Org: c.org.ID, Provider: v.ID, Model: t.Model},
		}})
		return nil
	}
	return ErrNotConnected.Say(
		"The provider %s is not connected. Add a credential for it on the dashboard under Providers, or name another model.", v.Name)
}

func (c *choosing) through(v *provider.Vendor, model string, cred *snapshot.Credential) {
	c.append(entry{Target: Target{
		Vendor: v, Model: model, Credential: cred, BaseURL: cred.BaseURL, Own: cred.Credential.BaseURL != "",
		Health: health.Target{Org: c.org.ID, Provider: v.ID, Region: region(v, cred), Credential: cred.ID, Model: model},
	}})
}

func (c *choosing) append(e entry) {
	if c.r.Health != nil {
		e.state = c.r.Health(e.Health, c.ask.Now)
	}
	c.list = append(c.list, e)
}

// region is where a credential's calls go, as far as what is there fails together: a place that the credential names, the host of its
// own address, or the vendor's own place.
func region(v *provider.Vendor, cred *snapshot.Credential) string {
	for _, name := range [...]string{"region", "location"} {
		if at := cred.Settings[name]; at != "" {
			return at
		}
	}
	if own := cred.Credential.BaseURL; own != "" {
		_, host, _ := strings.Cut(own, "://")
		host, _, _ = strings.Cut(host, "/")
		return host
	}
	return v.Region
}
