package route

import (
	"cmp"
	"slices"

	"tollgate/internal/alias"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/provider"
)

// credentialsMax is how many credentials of a pool one call may try at one target.
const credentialsMax = 4

// headroomMin is the share of a rate limit below which a credential yields to others of its pool.
const headroomMin = 0.05

// member is a credential of a pool in its draw.
type member struct {
	id    id.Credential
	score float64
	tired bool // ejected, or its rate limit is nearly spent
}

// pool appends the credentials that share a vendor's calls: one drawn by weight for the unit, the others behind it, and behind those
// the tired ones. false: there are none.
func (c *choosing) pool(v *provider.Vendor, model string, pool []id.Credential) bool {
	if len(pool) == 0 {
		return false
	}
	drawn := seed(v.ID, c.unit())
	var buf [8]member
	members := buf[:0]
	for _, which := range pool {
		cred, ok := c.org.Credentials[which]
		if !ok || cred.Provider != v.ID {
			continue
		}
		m := member{id: which, score: score(lot(drawn, &alias.Target{Provider: v.ID, Credential: which}), cred.Weight)}
		if c.r.Health != nil {
			m.tired = tired(c.r.Health(health.Target{
				Org: c.org.ID, Provider: v.ID, Region: region(v, cred), Credential: which, Model: model,
			}, c.ask.Now))
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(truth(a.tired)-truth(b.tired), cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
	})
	for _, m := range members[:min(len(members), credentialsMax)] {
		c.through(v, model, c.org.Credentials[m.id])
	}
	c.sticky = c.sticky || len(members) > 1 && c.sticks()
	return len(members) > 0
}

func tired(s health.State) bool { return ejected(s) || s.Headroom >= 0 && s.Headroom < headroomMin }

// ejected reports a target that calls pass over while there is another. One that is due for a probe takes its place.
func ejected(s health.State) bool { return s.Open && !s.Probe }

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
