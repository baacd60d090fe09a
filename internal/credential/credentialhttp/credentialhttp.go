// Package credentialhttp is the JSON face of provider credentials. No answer holds a secret.
package credentialhttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// Credential is a provider credential as the API shows it.
type Credential struct {
	ID        string            `json:"id"`
	Provider  string            `json:"provider"`
	Name      string            `json:"name"`
	BaseURL   string            `json:"base_url" doc:"Empty: the provider's own"`
	Settings  map[string]string `json:"settings" doc:"What the provider asks for beside the secret, by the name of its field: GET /vendors"`
	Hint      string            `json:"hint" doc:"Last four characters of the secret"`
	Version   int               `json:"version" doc:"Counts replacements of the secret"`
	Default   bool              `json:"default" doc:"Used where a target names no credential and none of the provider's has a weight"`
	Weight    int               `json:"weight" doc:"Share of the provider's calls whose target names no credential; 0: none, but for the default where no other has a weight"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	CreatedBy string            `json:"created_by"`

	LastCheck   string     `json:"last_check,omitempty" doc:"What the last test found; absent: never tested"`
	LastCheckAt *time.Time `json:"last_check_at,omitempty"`

	revision int
}

// Tag implements rest.Tagged.
func (c Credential) Tag() string { return strconv.Itoa(c.revision) }

func toCredential(c credential.Credential) Credential {
	out := Credential{
		ID: string(c.ID), Provider: c.Provider, Name: c.Name, BaseURL: c.BaseURL, Settings: c.Settings, Hint: c.Hint, Version: c.Version, Default: c.Default, Weight: c.Weight,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, CreatedBy: c.CreatedBy, LastCheck: c.LastCheck, revision: c.Revision,
	}
	if out.Settings == nil {
		out.Settings = map[string]string{}
	}
	if !c.LastCheckAt.IsZero() {
		out.LastCheckAt = &c.LastCheckAt
	}
	return out
}

type connectRequest struct {
	Body struct {
		Provider string            `json:"provider" maxLength:"64" doc:"Id of a vendor: GET /vendors"`
		Name     string            `json:"name,omitempty" maxLength:"800"`
		Secret   string            `json:"secret,omitempty" maxLength:"16384" doc:"The provider's API key, or the JSON document of a cloud account. It is never shown again"`
		BaseURL  string            `json:"base_url,omitempty" maxLength:"2048"`
		Settings map[string]string `json:"settings,omitempty" doc:"What the provider asks for beside the secret, by the name of its field: GET /vendors"`
		Default  bool              `json:"default,omitempty"`
		Weight   int               `json:"weight,omitempty" minimum:"0" maximum:"1000"`
	}
}

func (r connectRequest) fresh() credential.New {
	b := r.Body
	return credential.New{Provider: b.Provider, Name: b.Name, BaseURL: b.BaseURL, Settings: b.Settings, Secret: secret.NewText(b.Secret), Default: b.Default, Weight: b.Weight}
}

// Connect stores a credential.
func Connect(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Connect a provider", Status: http.StatusCreated,
		Errors: []*fault.Error{credential.ErrInvalid, credential.ErrTaken, credential.ErrKMS},
	},
		func(ctx context.Context, in tenant.Scope, req connectRequest) (Credential, error) {
			c, err := s.Connect(ctx, in, req.fresh())
			return toCredential(c), err
		})
}

// List lists credentials by provider and name.
func List(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List credentials", Description: "By provider and name; all on one page."},
		func(ctx context.Context, in tenant.Scope, _ rest.PageQuery) (rest.Page[Credential], error) {
			found, err := s.List(ctx, in)
			return rest.PageFrom(found, false, toCredential, nil), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one credential, without its secret.
func Read(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a credential", Errors: []*fault.Error{credential.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Credential, error) {
			c, err := s.Credential(ctx, in, id.Credential(req.ID))
			return toCredential(c), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Name     *string           `json:"name,omitempty" maxLength:"800"`
		BaseURL  *string           `json:"base_url,omitempty" maxLength:"2048" doc:"Needs the secret again"`
		Settings map[string]string `json:"settings,omitempty" doc:"Replaces all of them. Needs the secret again"`
		Secret   *string           `json:"secret,omitempty" maxLength:"16384"`
		Default  bool              `json:"default,omitempty" doc:"true makes it the provider's default"`
		Weight   *int              `json:"weight,omitempty" minimum:"0" maximum:"1000"`
	}
}

// Update changes what is given of a credential.
func Update(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a credential",
		Errors:  []*fault.Error{credential.ErrInvalid, credential.ErrReenter, credential.ErrNotFound, credential.ErrTaken, credential.ErrKMS},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Credential, error) {
			ch := credential.Change{Name: req.Body.Name, BaseURL: req.Body.BaseURL, Settings: req.Body.Settings, Default: req.Body.Default, Weight: req.Body.Weight}
			if req.Body.Secret != nil {
				text := secret.NewText(*req.Body.Secret)
				ch.Secret = &text
			}
			c, err := s.Update(ctx, in, id.Credential(req.ID), ch, func(now credential.Credential) error { return req.Check(toCredential(now).Tag()) })
			return toCredential(c), err
		})
}

// Delete removes a credential and its secret.
func Delete(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Delete a credential", Description: "With its secret. Refused while an alias names it.",
		Errors: []*fault.Error{credential.ErrNotFound, credential.ErrUsed},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Delete(ctx, in, id.Credential(req.ID))
		})
}

// Result is what a test of a credential found.
type Result struct {
	Verdict string `json:"verdict" doc:"ok, rejected, unreachable, blocked, unexpected, failing or untestable"`
	Status  int    `json:"status,omitempty" doc:"Of the provider's answer; absent: there was none"`
	Message string `json:"message" doc:"What was found and whose fault it is"`
	TookMS  int64  `json:"took_ms"`
}

func toResult(r credential.Result) Result {
	return Result{Verdict: string(r.Verdict), Status: r.Status, Message: r.Message, TookMS: r.Took.Milliseconds()}
}

// Test tests a secret before it is stored.
func Test(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Test a credential before saving it", Description: "By listing the provider's models, which costs nothing.",
		Errors: []*fault.Error{credential.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req connectRequest) (Result, error) {
			r, err := s.Test(ctx, in, req.fresh())
			return toResult(r), err
		})
}

// TestStored tests a stored credential.
func TestStored(s *credential.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Test a stored credential", Errors: []*fault.Error{credential.ErrNotFound, credential.ErrKMS}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Result, error) {
			r, err := s.TestStored(ctx, in, id.Credential(req.ID))
			return toResult(r), err
		})
}
