// Package tenant is the wall between organizations: the scope that only authentication can make, the roles and
// the one table of what each role may do.
package tenant

import (
	"cmp"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// ErrNoScope means that code asked for tenant data without an authenticated organization. It is a bug, not a request error.
var ErrNoScope = fault.New(fault.Internal, "tenant.no_scope", "No organization was authenticated.")

// Actor says who acts inside an organization. Exactly one id is set.
type Actor struct {
	User  id.User  // a person in a browser or with a user token
	Token id.Token // a management token
	Key   id.Key   // a virtual key, on the data plane only
}

// ID is the one id that is set; it is what records keep as their author.
func (a Actor) ID() string { return cmp.Or(string(a.User), string(a.Token), string(a.Key)) }

// Scope is the proof that a request was authenticated for one organization. The zero Scope is refused everywhere.
// It is passed as a parameter, never through a context.
type Scope struct {
	org   id.Org
	actor Actor
	role  Role
}

// Authenticated makes a scope. Only packages account and key (and tests) may call it: internal/archtest refuses others.
func Authenticated(org id.Org, actor Actor, role Role) Scope {
	return Scope{org: org, actor: actor, role: role}
}

// Check refuses the zero scope.
func (s Scope) Check() error {
	if s.org == "" {
		return ErrNoScope
	}
	return nil
}

// Org is the organization that every query of this scope is confined to.
func (s Scope) Org() id.Org { return s.org }

// Actor is who acts.
func (s Scope) Actor() Actor { return s.actor }

// Role is the actor's role in the organization.
func (s Scope) Role() Role { return s.role }
