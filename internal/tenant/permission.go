package tenant

import "tollgate/internal/fault"

// Role is what a member or management token is in its organization. The zero Role may do nothing.
type Role string

// The roles, from most to least powerful.
const (
	Owner     Role = "owner"
	Admin     Role = "admin"
	Developer Role = "developer"
	Billing   Role = "billing"
	Viewer    Role = "viewer"
)

// Roles lists every role.
var Roles = []Role{Owner, Admin, Developer, Billing, Viewer}

// Permission is one thing that a route does. Every route declares one.
type Permission string

// The permissions.
const (
	ReadOrganization  Permission = "organization.read"
	WriteOrganization Permission = "organization.write"
	ReadTeams         Permission = "teams.read"
	WriteTeams        Permission = "teams.write"
	ReadMembers       Permission = "members.read"
	WriteMembers      Permission = "members.write"
	ReadTokens        Permission = "tokens.read"
	WriteTokens       Permission = "tokens.write"
	ReadKeys          Permission = "keys.read"
	WriteKeys         Permission = "keys.write"
	GovernKeys        Permission = "keys.govern" // templates, imports, what is done with leaks
	ReadCredentials   Permission = "credentials.read"
	WriteCredentials  Permission = "credentials.write"
	ReadAliases       Permission = "aliases.read"
	WriteAliases      Permission = "aliases.write"
	ReadExperiments   Permission = "experiments.read"
	WriteExperiments  Permission = "experiments.write"
	ReadPrices        Permission = "prices.read"
	WritePrices       Permission = "prices.write"
	ReadCalls         Permission = "calls.read"
	WriteScores       Permission = "scores.write" // to judge calls
	WriteBatches      Permission = "batches.write"
	ReadCosts         Permission = "costs.read"
	ReadBudgets       Permission = "budgets.read"
	WriteBudgets      Permission = "budgets.write"
	ReadLimits        Permission = "limits.read"
	WriteLimits       Permission = "limits.write"
	ReadNotices       Permission = "notices.read"
	WriteNotices      Permission = "notices.write" // to mark them as read
	ReadChannels      Permission = "channels.read"
	WriteChannels     Permission = "channels.write"
	ReadPrompts       Permission = "prompts.read"
	WritePrompts      Permission = "prompts.write"
	ReleasePrompts    Permission = "prompts.release" // to move protected labels, and to protect them
	UsePlayground     Permission = "playground.use"  // to make calls from the dashboard: they cost money
	OwnSession        Permission = "session.own"     // a user's own sessions: every role
)

// allowed is the one permission table. Owner and Admin are written out, so that a new permission is a decision.
var allowed = map[Permission][]Role{
	ReadOrganization:  {Owner, Admin, Developer, Billing, Viewer},
	WriteOrganization: {Owner, Admin},
	ReadTeams:         {Owner, Admin, Developer, Billing, Viewer},
	WriteTeams:        {Owner, Admin},
	ReadMembers:       {Owner, Admin, Developer, Billing, Viewer},
	WriteMembers:      {Owner, Admin},
	ReadTokens:        {Owner, Admin},
	WriteTokens:       {Owner, Admin},
	ReadKeys:          {Owner, Admin, Developer, Billing, Viewer},
	WriteKeys:         {Owner, Admin, Developer},
	GovernKeys:        {Owner, Admin},
	ReadCredentials:   {Owner, Admin, Developer, Viewer},
	WriteCredentials:  {Owner, Admin},
	ReadAliases:       {Owner, Admin, Developer, Billing, Viewer},
	WriteAliases:      {Owner, Admin, Developer},
	ReadExperiments:   {Owner, Admin, Developer, Billing, Viewer},
	WriteExperiments:  {Owner, Admin, Developer},
	ReadPrices:        {Owner, Admin, Developer, Billing, Viewer},
	WritePrices:       {Owner, Admin, Billing},
	ReadCalls:         {Owner, Admin, Developer, Viewer},
	WriteScores:       {Owner, Admin, Developer},
	WriteBatches:      {Owner, Admin, Developer},
	ReadCosts:         {Owner, Admin, Developer, Billing, Viewer},
	ReadBudgets:       {Owner, Admin, Developer, Billing, Viewer},
	WriteBudgets:      {Owner, Admin, Billing},
	ReadLimits:        {Owner, Admin, Developer, Billing, Viewer},
	WriteLimits:       {Owner, Admin},
	ReadNotices:       {Owner, Admin, Developer, Billing, Viewer},
	WriteNotices:      {Owner, Admin, Developer, Billing},
	ReadChannels:      {Owner, Admin, Developer, Billing, Viewer},
	WriteChannels:     {Owner, Admin},
	ReadPrompts:       {Owner, Admin, Developer, Billing, Viewer},
	WritePrompts:      {Owner, Admin, Developer},
	ReleasePrompts:    {Owner, Admin},
	UsePlayground:     {Owner, Admin, Developer},
	OwnSession:        {Owner, Admin, Developer, Billing, Viewer},
}

// ErrForbidden means that the role may not do this.
var ErrForbidden = fault.New(fault.Forbidden, "role.forbidden", "Your role does not allow this.")

// Known reports whether p is in the table; a route with an unknown permission does not start.
func (p Permission) Known() bool { return allowed[p] != nil }

// Can reports whether the role holds the permission.
func (r Role) Can(p Permission) bool {
	for _, have := range allowed[p] {
		if have == r {
			return true
		}
	}
	return false
}

// Known reports whether r is one of Roles.
func (r Role) Known() bool {
	for _, k := range Roles {
		if k == r {
			return true
		}
	}
	return false
}

// Allow returns nil when the scope's role holds p, ErrForbidden (naming the role needed) when it does not.
func (s Scope) Allow(p Permission) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.role.Can(p) {
		return nil
	}
	return ErrForbidden.Say("Your role (%s) does not allow this. An owner can grant the role %s.", s.role, least(p))
}

// least is the least powerful role that holds p.
func least(p Permission) Role {
	roles := allowed[p]
	if len(roles) == 0 {
		return Owner
	}
	return roles[len(roles)-1]
}
