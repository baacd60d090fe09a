// Package aliashttp is the JSON face of aliases, of the routing file, and of the versions of both.
package aliashttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Alias is a semantic model name and the version it points at.
type Alias struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"What clients send as model"`
	Version   int       `json:"version"`
	Route     Route     `json:"route"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Tag implements rest.Tagged.
func (a Alias) Tag() string { return strconv.Itoa(a.Version) }

func toAlias(a alias.Alias) Alias {
	return Alias{ID: string(a.ID), Name: a.Name, Version: a.Version, Route: toRoute(a.Route), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
}

// Version is one immutable state of an alias.
type Version struct {
	Number    int       `json:"number"`
	Route     Route     `json:"route"`
	Author    string    `json:"author" doc:"Id of the user or token"`
	Message   string    `json:"message"`
	CreatedAt time.Time `json:"created_at"`
}

func toVersion(v alias.Version) Version {
	return Version{Number: v.Number, Route: toRoute(v.Route), Author: v.Author, Message: v.Message, CreatedAt: v.CreatedAt}
}

type createRequest struct {
	Body struct {
		Name    string `json:"name" maxLength:"256" doc:"Lower-case letters, digits, dots, hyphens, underscores"`
		Route   Route  `json:"route"`
		Message string `json:"message,omitempty" maxLength:"2000"`
	}
}

// Create makes an alias at version 1.
func Create(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Create an alias", Status: http.StatusCreated,
		Errors: []*fault.Error{alias.ErrInvalid, alias.ErrTaken, alias.ErrNoCredential},
	},
		func(ctx context.Context, in tenant.Scope, req createRequest) (Alias, error) {
			a, err := s.Create(ctx, in, req.Body.Name, fromRoute(req.Body.Route), req.Body.Message)
			return toAlias(a), err
		})
}

type listRequest struct {
	rest.PageQuery
	Text string `query:"text" maxLength:"200" doc:"Part of the name"`
}

// List lists aliases by name.
func List(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List aliases", Description: "By name."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Alias], error) {
			var after string
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Alias]{}, err
			}
			found, more, err := s.List(ctx, in, req.Text, after, req.Limit)
			return rest.PageFrom(found, more, toAlias, func(a alias.Alias) any { return a.Name }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one alias.
func Read(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read an alias", Errors: []*fault.Error{alias.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Alias, error) {
			a, err := s.Alias(ctx, in, id.Alias(req.ID))
			return toAlias(a), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Route   Route  `json:"route"`
		Message string `json:"message,omitempty" maxLength:"2000" doc:"What the change is for"`
	}
}

// Update makes the next version of an alias.
func Update(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change an alias", Description: "Makes the next version, used by the next call on every proxy within a second. The same route makes none.",
		Errors: []*fault.Error{alias.ErrInvalid, alias.ErrNotFound, alias.ErrNoCredential},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Alias, error) {
			a, err := s.Update(ctx, in, id.Alias(req.ID), fromRoute(req.Body.Route), req.Body.Message, func(now alias.Alias) error { return req.Check(toAlias(now).Tag()) })
			return toAlias(a), err
		})
}

// Delete removes an alias.
func Delete(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Delete an alias", Description: "Calls of it are unknown from then on; what it cost keeps its name.", Errors: []*fault.Error{alias.ErrNotFound, alias.ErrUsed}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Delete(ctx, in, id.Alias(req.ID))
		})
}

type versionsRequest struct {
	rest.PageQuery
	ID string `path:"id"`
}

// Versions lists an alias's versions, newest first.
func Versions(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the versions of an alias", Description: "Newest first.", Errors: []*fault.Error{alias.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req versionsRequest) (rest.Page[Version], error) {
			var before int
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return rest.Page[Version]{}, err
			}
			found, more, err := s.Versions(ctx, in, id.Alias(req.ID), before, req.Limit)
			return rest.PageFrom(found, more, toVersion, func(v alias.Version) any { return v.Number }), err
		})
}

type restoreRequest struct {
	ID   string `path:"id"`
	Body struct {
		Version         int    `json:"version" minimum:"1" doc:"The old version"`
		ExpectedVersion int    `json:"expected_version,omitempty" minimum:"1" doc:"The current version that you read; another one now is refused"`
		Message         string `json:"message,omitempty" maxLength:"2000"`
	}
}

// check refuses when the alias has moved on since the caller looked.
func (r restoreRequest) check(now alias.Alias) error {
	if e := r.Body.ExpectedVersion; e != 0 && e != now.Version {
		return alias.ErrStale
	}
	return nil
}

// Restore makes the next version with the route of an old one.
func Restore(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Restore an old version of an alias", Description: "As the next version; history stays.",
		Errors: []*fault.Error{alias.ErrNotFound, alias.ErrNoVersion, alias.ErrInvalid, alias.ErrNoCredential, alias.ErrStale},
	},
		func(ctx context.Context, in tenant.Scope, req restoreRequest) (Alias, error) {
			a, err := s.Restore(ctx, in, id.Alias(req.ID), req.Body.Version, req.Body.Message, req.check)
			return toAlias(a), err
		})
}
