package aliashttp

import (
	"context"
	"strconv"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// RoutingVersion is one immutable state of the routing file, without the file.
type RoutingVersion struct {
	Number    int       `json:"number"`
	Author    string    `json:"author" doc:"Id of the user or token"`
	Message   string    `json:"message"`
	CreatedAt time.Time `json:"created_at"`
}

func toRoutingVersion(v alias.FileVersion) RoutingVersion {
	return RoutingVersion{Number: v.Number, Author: v.Author, Message: v.Message, CreatedAt: v.CreatedAt}
}

// RoutingVersions lists the versions of the file, newest first.
func RoutingVersions(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the versions of the routing file", Description: "Newest first. Every change of a task or an alias makes one, however it was made."},
		func(ctx context.Context, in tenant.Scope, req struct{ rest.PageQuery }) (rest.Page[RoutingVersion], error) {
			var before int
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return rest.Page[RoutingVersion]{}, err
			}
			found, more, err := s.FileVersions(ctx, in, before, req.Limit)
			return rest.PageFrom(found, more, toRoutingVersion, func(v alias.FileVersion) any { return v.Number }), err
		})
}

type routingVersionRequest struct {
	ID string `path:"id" doc:"Number of the version"`
}

// ReadRoutingVersion is one version, with its file.
func ReadRoutingVersion(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a version of the routing file", Errors: []*fault.Error{alias.ErrNoFileVersion}},
		func(ctx context.Context, in tenant.Scope, req routingVersionRequest) (Routing, error) {
			number, err := strconv.ParseInt(req.ID, 10, 32)
			if err != nil {
				return Routing{}, alias.ErrNoFileVersion
			}
			v, err := s.FileVersion(ctx, in, int(number))
			return toRouting(v), err
		})
}

type restoreRoutingRequest struct {
	Body struct {
		Version         int    `json:"version" minimum:"1" maximum:"2147483647" doc:"The old version"`
		ExpectedVersion int    `json:"expected_version,omitempty" minimum:"1" doc:"The current version that you read; another one now is refused"`
		Message         string `json:"message,omitempty" maxLength:"2000"`
	}
}

// check refuses when the file has moved on since the caller looked.
func (r restoreRoutingRequest) check(now alias.FileVersion) error {
	if e := r.Body.ExpectedVersion; e != 0 && e != now.Number {
		return alias.ErrFileStale
	}
	return nil
}

// RestoreRouting makes the next version with the file of an old one.
func RestoreRouting(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Go back to an old version of the routing file", Description: "As the next version; history stays. What the old version needs (credentials) must still be there.",
		Errors: []*fault.Error{alias.ErrNoFileVersion, alias.ErrFile, alias.ErrFileStale, alias.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req restoreRoutingRequest) (Routing, error) {
			v, err := s.RestoreFile(ctx, in, req.Body.Version, req.Body.Message, req.check)
			return toRouting(v), err
		})
}
