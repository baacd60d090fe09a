// Package settings is the page of an organization: its name, teams, members, management tokens, and the reader's own sessions. Each
// section has its own form and says itself what is wrong in it.
package settings

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Accounts is what the page needs; *account.Service provides it.
type Accounts interface {
	Organization(ctx context.Context, in tenant.Scope) (account.Organization, error)
	RenameOrganization(ctx context.Context, in tenant.Scope, was, to string) (account.Organization, error)
	UpdateOrganization(ctx context.Context, in tenant.Scope, was account.Organization, c account.OrganizationChange) (account.Organization, error)
	Teams(ctx context.Context, in tenant.Scope, after id.Team, limit int) ([]account.Team, error)
	CreateTeam(ctx context.Context, in tenant.Scope, called string) (account.Team, error)
	RenameTeam(ctx context.Context, in tenant.Scope, team id.Team, was, to string) (account.Team, error)
	Members(ctx context.Context, in tenant.Scope, after id.User, limit int) ([]account.Member, error)
	Member(ctx context.Context, in tenant.Scope, user id.User) (account.Member, error)
	ChangeRole(ctx context.Context, in tenant.Scope, user id.User, was, to tenant.Role) (account.Member, error)
	RemoveMember(ctx context.Context, in tenant.Scope, user id.User) error
	Tokens(ctx context.Context, in tenant.Scope, after id.Token, limit int) ([]account.Token, error)
	IssueToken(ctx context.Context, in tenant.Scope, n account.NewToken) (account.Token, secret.Text, error)
	RevokeToken(ctx context.Context, in tenant.Scope, token id.Token) error
	Sessions(ctx context.Context, in tenant.Scope) ([]account.Session, error)
	EndSession(ctx context.Context, in tenant.Scope, sid id.Session) error
	EndOtherSessions(ctx context.Context, in tenant.Scope, except id.Session) error
}

var _ Accounts = (*account.Service)(nil)

// Settings answers its pages. All fields are required.
type Settings struct{ Accounts Accounts }

// Section is a part of the page, and its anchor.
type section string

const (
	organization section = "organization"
	calendar     section = "calendar"
	teams        section = "teams"
	members      section = "members"
	tokens       section = "tokens"
	sessions     section = "sessions"
)

type view struct {
	Organization account.Organization
	Teams        people.Teams
	Members      []account.Member
	Authors      people.Authors
	Tokens       []account.Token
	Sessions     []account.Session

	Me      account.Login
	Role    tenant.Role
	Clock   ui.Clock
	Wrong   section // where Trouble belongs
	Trouble page.Trouble
	Typed   map[string]string // what was typed into the form that is wrong
	Secret  string            // of a token just made: shown this once
	Made    account.Token
}

func (v view) can(p tenant.Permission) bool { return v.Role.Can(p) }

// at is the message of a field of a section.
func (v view) at(s section, field string) string {
	if v.Wrong != s {
		return ""
	}
	return v.Trouble.At(field)
}

// above is the message that belongs to a section but to none of its fields.
func (v view) above(s section, shown ...string) string {
	if v.Wrong != s {
		return ""
	}
	return v.Trouble.Above(shown...)
}

func (v view) typed(s section, field, otherwise string) string {
	if text, ok := v.Typed[field]; ok && v.Wrong == s {
		return text
	}
	return otherwise
}

// may reports whether the reader may give, change or take away a role: none above their own.
func (v view) may(role tenant.Role) bool {
	if !v.can(tenant.WriteMembers) {
		return false
	}
	for _, r := range tenant.Roles { // from most to least powerful
		if r == v.Role {
			return true
		}
		if r == role {
			return false
		}
	}
	return false
}

// roles are those that the reader may give.
func (v view) roles() []ui.Option {
	var out []ui.Option
	for _, r := range tenant.Roles {
		if v.may(r) {
			out = append(out, ui.Option{Value: string(r), Text: string(r)})
		}
	}
	return out
}

func (v view) live(t account.Token) bool { return t.Live(v.Clock.Now) }

// Page shows the settings.
func (s Settings) Page(ctx context.Context, v *page.Visit) (page.Reply, error) {
	view, err := s.view(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	return show(view, done(v)), nil
}

func show(v view, toasts []ui.Toast) page.Reply {
	return page.Show(layout.Frame{Title: "Settings", Active: layout.Settings, Toasts: toasts}, all(v))
}

func (s Settings) view(ctx context.Context, v *page.Visit) (view, error) {
	in := v.Scope()
	out := view{Me: v.Login, Role: in.Role(), Clock: ui.Clock{Now: v.Now}}
	var err error
	if out.Organization, err = s.Accounts.Organization(ctx, in); err != nil {
		return view{}, err
	}
	if out.Teams, err = people.ListTeams(ctx, s.Accounts, in); err != nil {
		return view{}, err
	}
	if out.Members, err = people.ListMembers(ctx, s.Accounts, in); err != nil {
		return view{}, err
	}
	if out.Tokens, err = people.ListTokens(ctx, s.Accounts, in); err != nil {
		return view{}, err
	}
	out.Authors = people.AuthorsOf(out.Members, out.Tokens)
	out.Sessions, err = s.Accounts.Sessions(ctx, in)
	return out, err
}

// after leads back to a section, or shows the page with what went wrong there.
func (s Settings) after(ctx context.Context, v *page.Visit, where section, word string, err error) (page.Reply, error) {
	if err == nil {
		return page.See("/settings?done=" + word + "#" + string(where)), nil
	}
	trouble, status, mendable := page.Wrong(err)
	if errors.Is(err, account.ErrRoleTooHigh) { // a choice of this form, not a page that is closed
		trouble, status, mendable = page.Trouble{Field: "role", Message: account.ErrRoleTooHigh.Message}, http.StatusForbidden, true
	}
	if !mendable {
		return page.Reply{}, err
	}
	out, err := s.view(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	out.Wrong, out.Trouble, out.Typed = where, trouble, map[string]string{}
	for name := range v.HTTP.PostForm {
		out.Typed[name] = v.Form(name)
	}
	return show(out, nil).As(status), nil
}

// RenameOrganization saves the name.
func (s Settings) RenameOrganization(ctx context.Context, v *page.Visit) (page.Reply, error) {
	_, err := s.Accounts.RenameOrganization(ctx, v.Scope(), v.Form("was"), strings.TrimSpace(v.Form("name")))
	return s.after(ctx, v, organization, "saved", err)
}

// SetCalendar saves the time zone, and the day on which fiscal months start.
func (s Settings) SetCalendar(ctx context.Context, v *page.Visit) (page.Reply, error) {
	was, err := s.Accounts.Organization(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	day, err := strconv.Atoi(strings.TrimSpace(v.Form("fiscal_day")))
	if err != nil {
		return s.after(ctx, v, calendar, "", account.ErrFiscalDay.At("fiscal_day"))
	}
	if v.Form("was_zone") != was.TimeZone || v.Form("was_day") != strconv.Itoa(was.FiscalDay) {
		return s.after(ctx, v, calendar, "", account.ErrChanged)
	}
	zone := strings.TrimSpace(v.Form("time_zone"))
	_, err = s.Accounts.UpdateOrganization(ctx, v.Scope(), was, account.OrganizationChange{TimeZone: &zone, FiscalDay: &day})
	return s.after(ctx, v, calendar, "calendar", err)
}

// CreateTeam makes a team.
func (s Settings) CreateTeam(ctx context.Context, v *page.Visit) (page.Reply, error) {
	_, err := s.Accounts.CreateTeam(ctx, v.Scope(), strings.TrimSpace(v.Form("new")))
	return s.after(ctx, v, teams, "team", err)
}

// RenameTeam saves a team's name.
func (s Settings) RenameTeam(ctx context.Context, v *page.Visit) (page.Reply, error) {
	_, err := s.Accounts.RenameTeam(ctx, v.Scope(), id.Team(v.Param("id")), v.Form("was"), strings.TrimSpace(v.Form("name")))
	return s.after(ctx, v, teams, "saved", err)
}

// ChangeRole gives a member another role.
func (s Settings) ChangeRole(ctx context.Context, v *page.Visit) (page.Reply, error) {
	_, err := s.Accounts.ChangeRole(ctx, v.Scope(), id.User(v.Param("id")), tenant.Role(v.Form("was")), tenant.Role(v.Form("role")))
	return s.after(ctx, v, members, "role", err)
}

type removeView struct {
	Member account.Member
	Self   bool
}

// RemoveForm asks whether a member may go.
func (s Settings) RemoveForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	m, err := s.Accounts.Member(ctx, v.Scope(), id.User(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: "Remove " + people.Called(m.User), Active: layout.Settings},
		remove(removeView{m, m.User.ID == v.Login.User.ID})), nil
}

// Remove takes a member out of the organization.
func (s Settings) Remove(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.User(v.Param("id"))
	err := s.Accounts.RemoveMember(ctx, v.Scope(), which)
	if err == nil && which == v.Login.User.ID {
		return page.See("/login"), nil
	}
	return s.after(ctx, v, members, "removed", err)
}

// IssueToken makes a management token and shows its secret: this once, in the answer to the form itself.
func (s Settings) IssueToken(ctx context.Context, v *page.Visit) (page.Reply, error) {
	n := account.NewToken{Name: strings.TrimSpace(v.Form("name")), Role: tenant.Role(v.Form("role"))}
	if text := v.Form("expires_at"); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return s.after(ctx, v, tokens, "", account.ErrTokenExpiry.Say("Write the last day as year-month-day.").At("expires_at"))
		}
		n.ExpiresAt = day.AddDate(0, 0, 1)
	}
	made, text, err := s.Accounts.IssueToken(ctx, v.Scope(), n)
	if err != nil {
		return s.after(ctx, v, tokens, "", err)
	}
	out, err := s.view(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	out.Made, out.Secret = made, text.Reveal()
	return page.Show(layout.Frame{Title: made.Name + " created", Active: layout.Settings}, token(out)).As(http.StatusCreated), nil
}

// RevokeToken ends a management token.
func (s Settings) RevokeToken(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return s.after(ctx, v, tokens, "token", s.Accounts.RevokeToken(ctx, v.Scope(), id.Token(v.Param("id"))))
}

// EndSession ends one of the reader's own sessions.
func (s Settings) EndSession(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return s.after(ctx, v, sessions, "session", s.Accounts.EndSession(ctx, v.Scope(), id.Session(v.Param("id"))))
}

// EndOtherSessions ends all of the reader's sessions but this one.
func (s Settings) EndOtherSessions(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return s.after(ctx, v, sessions, "sessions", s.Accounts.EndOtherSessions(ctx, v.Scope(), v.Login.Session.ID))
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	text := map[string]string{
		"saved": "Saved.", "calendar": "Saved. Budgets count by it from now on.", "team": "Team created.", "role": "Role changed. It counts at the next request.", "removed": "Member removed, with their sessions here.",
		"token": "Token revoked.", "session": "Session ended.", "sessions": "All other sessions ended.",
	}[v.Query("done")]
	if text == "" {
		return nil
	}
	return []ui.Toast{{Text: text}}
}
