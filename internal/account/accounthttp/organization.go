package accounthttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// contentTag is the version of things that have no version number: it follows what a PATCH can change.
func contentTag(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// stale says in the API's words that what was compared has changed.
func stale(err error) error {
	if err != nil && isChanged(err) {
		return rest.ErrStale
	}
	return err
}

// Organization is a tenant as the API shows it.
type Organization struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	TimeZone  string    `json:"time_zone" doc:"Of days, and of the windows of budgets"`
	FiscalDay int       `json:"fiscal_day" doc:"Of the month, on which fiscal months start"`
	CreatedAt time.Time `json:"created_at"`
}

// Tag implements rest.Tagged.
func (o Organization) Tag() string {
	return contentTag(o.Name, o.TimeZone, strconv.Itoa(o.FiscalDay))
}

func toOrganization(o account.Organization) Organization {
	return Organization{ID: string(o.ID), Name: o.Name, TimeZone: o.TimeZone, FiscalDay: o.FiscalDay, CreatedAt: o.CreatedAt}
}

type signUpRequest struct {
	Body struct {
		Email        string `json:"email" maxLength:"320"`
		Password     string `json:"password" maxLength:"1024" doc:"8 to 128 characters"`
		Name         string `json:"name,omitempty" maxLength:"320" doc:"Of the person"`
		Organization string `json:"organization" maxLength:"320"`
		Team         string `json:"team,omitempty" maxLength:"320" doc:"Name of the first team; Default when left out"`
		OnlyFirst    bool   `json:"only_first,omitempty" doc:"Refuse when the installation already has an organization"`
	}
}

// Welcome is what a sign-up made.
type Welcome struct {
	Opened
	TeamID string `json:"team_id" doc:"Of the first team"`
}

// SignUp makes a user, an organization and its first team, and logs the user in as its owner.
func SignUp(s *account.Service) rest.Endpoint {
	return rest.HandlePublic(rest.About{
		Summary: "Sign up: make an account and an organization", Status: http.StatusCreated, Secret: true,
		Errors: []*fault.Error{account.ErrEmail, account.ErrPassword, account.ErrWeakPassword, account.ErrName, account.ErrEmailTaken, account.ErrNotEmpty, account.ErrThrottled},
	},
		func(ctx context.Context, from rest.Visitor, req signUpRequest) (Welcome, error) {
			b := req.Body
			made, err := s.SignUp(ctx, account.SignUp{
				Email: b.Email, Password: b.Password, Name: b.Name, Organization: b.Organization, Team: b.Team,
				OnlyFirst: b.OnlyFirst,
			}, visitor(from))
			if err != nil {
				return Welcome{}, err
			}
			open, err := opened(s, made.Entry)
			return Welcome{Opened: open, TeamID: string(made.Team.ID)}, err
		})
}

// ReadOrganization is the caller's organization.
func ReadOrganization(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read your organization"},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (Organization, error) {
			o, err := s.Organization(ctx, in)
			return toOrganization(o), err
		})
}

type organizationRequest struct {
	rest.Match
	Body struct {
		Name      *string `json:"name,omitempty" maxLength:"320"`
		TimeZone  *string `json:"time_zone,omitempty" maxLength:"64" doc:"A name like Europe/Berlin. The windows of budgets start anew by its clock"`
		FiscalDay *int    `json:"fiscal_day,omitempty" doc:"1 to 28"`
	}
}

// UpdateOrganization changes the caller's organization.
func UpdateOrganization(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change your organization", Description: "What is left out stays as it is.",
		Errors: []*fault.Error{account.ErrName, account.ErrTimeZone, account.ErrFiscalDay},
	},
		func(ctx context.Context, in tenant.Scope, req organizationRequest) (Organization, error) {
			now, err := s.Organization(ctx, in)
			if err != nil {
				return Organization{}, err
			}
			if err := req.Check(toOrganization(now).Tag()); err != nil {
				return Organization{}, err
			}
			b := req.Body
			o, err := s.UpdateOrganization(ctx, in, now, account.OrganizationChange{Name: b.Name, TimeZone: b.TimeZone, FiscalDay: b.FiscalDay})
			return toOrganization(o), stale(err)
		})
}
