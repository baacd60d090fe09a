package account

import (
	"context"
	"strings"
	"time"
	_ "time/tzdata" // time zones mean the same on machines that know none

	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// Organization is the caller's own.
func (s *Service) Organization(ctx context.Context, in tenant.Scope) (Organization, error) {
	return s.Store.Organization(ctx, in)
}

// RenameOrganization changes the name if it still is was (ErrChanged).
func (s *Service) RenameOrganization(ctx context.Context, in tenant.Scope, was, to string) (Organization, error) {
	to, err := name(to, "name")
	if err != nil {
		return Organization{}, err
	}
	if err := s.Store.RenameOrganization(ctx, in, was, to); err != nil {
		return Organization{}, err
	}
	return s.Store.Organization(ctx, in)
}

// OrganizationChange is what may be changed of an organization; nil leaves a field as it is.
type OrganizationChange struct {
	Name      *string
	TimeZone  *string
	FiscalDay *int
}

// UpdateOrganization changes an organization if it still is was (ErrChanged). Another time zone or fiscal day lets the windows of
// budgets start anew: what is spent in the windows of now stays with them.
func (s *Service) UpdateOrganization(ctx context.Context, in tenant.Scope, was Organization, c OrganizationChange) (Organization, error) {
	is := was
	if c.Name != nil {
		called, err := name(*c.Name, "name")
		if err != nil {
			return Organization{}, err
		}
		is.Name = called
	}
	if c.TimeZone != nil {
		is.TimeZone = strings.TrimSpace(*c.TimeZone)
		if err := checkZone(is.TimeZone); err != nil {
			return Organization{}, err
		}
	}
	if c.FiscalDay != nil {
		if is.FiscalDay = *c.FiscalDay; is.FiscalDay < 1 || is.FiscalDay > 28 {
			return Organization{}, ErrFiscalDay.At("fiscal_day")
		}
	}
	if err := s.Store.UpdateOrganization(ctx, in, was, is); err != nil {
		return Organization{}, err
	}
	return s.Store.Organization(ctx, in)
}

// checkZone refuses what is no name of the IANA database: "Local" is whatever this machine is set to.
func checkZone(name string) error {
	if name == "" || name == "Local" || len(name) > 64 {
		return ErrTimeZone.At("time_zone")
	}
	if _, err := time.LoadLocation(name); err != nil {
		return ErrTimeZone.Because(err).At("time_zone")
	}
	return nil
}

// Teams lists teams by id, which is by age, starting after one (empty: from the first).
func (s *Service) Teams(ctx context.Context, in tenant.Scope, after id.Team, limit int) ([]Team, error) {
	return s.Store.Teams(ctx, in, string(after), limit)
}

// Team is one team.
func (s *Service) Team(ctx context.Context, in tenant.Scope, team id.Team) (Team, error) {
	return s.Store.Team(ctx, in, team)
}

// CreateTeam makes a team.
func (s *Service) CreateTeam(ctx context.Context, in tenant.Scope, called string) (Team, error) {
	called, err := name(called, "name")
	if err != nil {
		return Team{}, err
	}
	t := Team{ID: id.Team(id.New("team")), Name: called, ColorStep: -1, CreatedAt: s.Now()}
	if err := s.Store.InsertTeam(ctx, in, t); err != nil {
		return Team{}, err
	}
	return s.Store.Team(ctx, in, t.ID)
}

// RenameTeam changes a team's name if it still is was (ErrChanged).
func (s *Service) RenameTeam(ctx context.Context, in tenant.Scope, team id.Team, was, to string) (Team, error) {
	to, err := name(to, "name")
	if err != nil {
		return Team{}, err
	}
	if err := s.Store.RenameTeam(ctx, in, team, was, to); err != nil {
		return Team{}, err
	}
	return s.Store.Team(ctx, in, team)
}

// Members lists members by user id, starting after one (empty: from the first).
func (s *Service) Members(ctx context.Context, in tenant.Scope, after id.User, limit int) ([]Member, error) {
	return s.Store.Members(ctx, in, string(after), limit)
}

// Member is one member.
func (s *Service) Member(ctx context.Context, in tenant.Scope, user id.User) (Member, error) {
	return s.Store.Member(ctx, in, user)
}

// ChangeRole gives a member another role, if the role still is was (ErrChanged; empty: whatever it is). Nobody gives, changes or
// takes away a role above their own, and the last owner stays.
func (s *Service) ChangeRole(ctx context.Context, in tenant.Scope, user id.User, was, to tenant.Role) (Member, error) {
	if !to.Known() {
		return Member{}, ErrRole.At("role")
	}
	m, err := s.Store.Member(ctx, in, user)
	if err != nil {
		return Member{}, err
	}
	if above(m.Role, in.Role()) || above(to, in.Role()) {
		return Member{}, ErrRoleTooHigh
	}
	if was == "" {
		was = m.Role
	}
	if err := s.Store.SetRole(ctx, in, user, was, to); err != nil {
		return Member{}, err
	}
	return s.Store.Member(ctx, in, user)
}

// RemoveMember takes a user out of the organization; the user's sessions there end with it.
func (s *Service) RemoveMember(ctx context.Context, in tenant.Scope, user id.User) error {
	m, err := s.Store.Member(ctx, in, user)
	if err != nil {
		return err
	}
	if above(m.Role, in.Role()) {
		return ErrRoleTooHigh
	}
	return s.Store.RemoveMember(ctx, in, user)
}

// NewToken is what a management token is made from.
type NewToken struct {
	Name      string
	Role      tenant.Role
	ExpiresAt time.Time // zero: never
}

// IssueToken makes a management token. Its secret is returned once and stored nowhere.
func (s *Service) IssueToken(ctx context.Context, in tenant.Scope, n NewToken) (Token, secret.Text, error) {
	called, err := name(n.Name, "name")
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	if !n.Role.Known() {
		return Token{}, secret.Text{}, ErrRole.At("role")
	}
	if above(n.Role, in.Role()) {
		return Token{}, secret.Text{}, ErrRoleTooHigh.At("role")
	}
	now := s.Now()
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		return Token{}, secret.Text{}, ErrTokenExpiry.At("expires_at")
	}
	made := secret.NewToken(secret.Management)
	t := Token{
		ID: id.Token(id.New("tok")), Name: called, Role: n.Role, Prefix: made.Prefix(), Last4: made.Last4(),
		CreatedBy: in.Actor().User, CreatedAt: now, ExpiresAt: n.ExpiresAt,
	}
	if err := s.Store.InsertToken(ctx, in, t, s.tokenHash(made)); err != nil {
		return Token{}, secret.Text{}, err
	}
	return t, made.Text, nil
}

// Tokens lists management tokens by id, which is by age; revoked ones too.
func (s *Service) Tokens(ctx context.Context, in tenant.Scope, after id.Token, limit int) ([]Token, error) {
	return s.Store.Tokens(ctx, in, string(after), limit)
}

// Token is one management token.
func (s *Service) Token(ctx context.Context, in tenant.Scope, token id.Token) (Token, error) {
	return s.Store.Token(ctx, in, token)
}

// RevokeToken ends a management token at once. Revoking twice is no failure.
func (s *Service) RevokeToken(ctx context.Context, in tenant.Scope, token id.Token) error {
	t, err := s.Store.Token(ctx, in, token)
	if err != nil {
		return err
	}
	if above(t.Role, in.Role()) {
		return ErrRoleTooHigh
	}
	return s.Store.RevokeToken(ctx, in, token, s.Now())
}

// ManagementToken recognises a management token and gives its scope. Junk costs no lookup; a virtual key is told apart.
func (s *Service) ManagementToken(ctx context.Context, text string) (tenant.Scope, error) {
	parsed, err := secret.ParseToken(text)
	if err != nil {
		return tenant.Scope{}, ErrToken.Because(err)
	}
	if parsed.Kind() != secret.Management {
		return tenant.Scope{}, ErrVirtualKey
	}
	org, t, err := s.Store.TokenByHash(ctx, s.tokenHash(parsed))
	if err != nil {
		return tenant.Scope{}, err
	}
	now := s.Now()
	if !t.Live(now) {
		return tenant.Scope{}, ErrToken
	}
	in := tenant.Authenticated(org, tenant.Actor{Token: t.ID}, t.Role)
	if now.Sub(t.LastUsedAt) >= touchEvery {
		if err := s.Store.TouchToken(ctx, in, t.ID, now); err != nil {
			return tenant.Scope{}, err
		}
	}
	return in, nil
}

func (s *Service) tokenHash(t secret.Token) Hash { return keyed(s.TokenPepper, t.Reveal()) }
