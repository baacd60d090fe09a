// Package keyhttp is the JSON face of virtual keys.
package keyhttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Key is a virtual key as the API shows it: all but its secret.
type Key struct {
	ID          string            `json:"id"`
	TeamID      string            `json:"team_id"`
	Name        string            `json:"name"`
	Prefix      string            `json:"prefix" doc:"The first characters of the secret, to recognise it by"`
	Last4       string            `json:"last4"`
	Environment string            `json:"environment"`
	Aliases     []string          `json:"aliases" doc:"Aliases it may call. With models empty too: everything"`
	Models      []string          `json:"models" doc:"provider/model patterns it may call directly; * stands for any characters"`
	Endpoints   []string          `json:"endpoints" doc:"Empty: every endpoint"`
	Networks    []string          `json:"networks" doc:"Empty: any network"`
	Workflow    string            `json:"workflow" doc:"Default workflow of its calls"`
	Task        string            `json:"task" doc:"Task of its calls of model auto or task; empty: none"`
	Tags        map[string]string `json:"tags" doc:"Default tags of its calls"`
	Privacy     string            `json:"privacy" enum:"none,metadata,full"`
	Drop        bool              `json:"drop_unsupported" doc:"What the target cannot express is dropped, with a warning, instead of refusing the call"`
	CreatedAt   time.Time         `json:"created_at"`
	CreatedBy   string            `json:"created_by"`
	ExpiresAt   *time.Time        `json:"expires_at,omitempty" doc:"Absent: never"`
	RevokedAt   *time.Time        `json:"revoked_at,omitempty" doc:"Absent: live"`
	LastUsedAt  *time.Time        `json:"last_used_at,omitempty" doc:"To the minute; absent: never"`

	revision int
}

// Tag implements rest.Tagged.
func (k Key) Tag() string { return strconv.Itoa(k.revision) }

// Issued is a key with its secret, which is shown this once.
type Issued struct {
	Key
	Secret string `json:"secret" doc:"Shown once"`
}

func toKey(k key.Key) Key {
	return Key{
		ID: string(k.ID), TeamID: string(k.Team), Name: k.Name, Prefix: k.Prefix, Last4: k.Last4, Environment: k.Environment,
		Aliases: texts(k.Aliases), Models: texts(k.Models), Endpoints: texts(k.Endpoints), Networks: networks(k), Workflow: k.Workflow, Task: k.Task,
		Tags: orEmpty(k.Tags), Privacy: string(k.Privacy), Drop: k.DropUnsupported, CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy,
		ExpiresAt: moment(k.ExpiresAt), RevokedAt: moment(k.RevokedAt), LastUsedAt: moment(k.LastUsedAt), revision: k.Revision,
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func networks(k key.Key) []string {
	out := make([]string, len(k.Networks))
	for i, n := range k.Networks {
		out[i] = n.String()
	}
	return out
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func endpoints(words []string) []key.Endpoint {
	out := make([]key.Endpoint, len(words))
	for i, w := range words {
		out[i] = key.Endpoint(w)
	}
	return out
}

type issueRequest struct {
	Body struct {
		TeamID      string            `json:"team_id" maxLength:"64"`
		Name        string            `json:"name" maxLength:"800"`
		Environment string            `json:"environment,omitempty" maxLength:"64" doc:"production when left out; it cannot be changed later"`
		Aliases     []string          `json:"aliases,omitempty"`
		Models      []string          `json:"models,omitempty"`
		Endpoints   []string          `json:"endpoints,omitempty" doc:"chat, embeddings, images, audio, moderations, files, rerank, models. Left out: every endpoint, also later ones"`
		Networks    []string          `json:"networks,omitempty" doc:"203.0.113.0/24 or one address"`
		Workflow    string            `json:"workflow,omitempty"`
		Task        string            `json:"task,omitempty" maxLength:"64" doc:"Task of its calls of model auto or task"`
		Tags        map[string]string `json:"tags,omitempty" doc:"At most 32; keys to 64 bytes, values to 256"`
		Privacy     string            `json:"privacy,omitempty" enum:"none,metadata,full"`
		Drop        bool              `json:"drop_unsupported,omitempty" doc:"Drop what the target cannot express (with a warning) instead of refusing the call"`
		ExpiresAt   time.Time         `json:"expires_at,omitzero" required:"false" doc:"Left out: never"`
	}
}

// Issue makes a key. Its secret is in this answer and never again.
func Issue(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Issue a virtual key", Status: http.StatusCreated, Secret: true,
		Errors: []*fault.Error{key.ErrInvalid, key.ErrTaken, key.ErrNoTeam},
	},
		func(ctx context.Context, in tenant.Scope, req issueRequest) (Issued, error) {
			b := req.Body
			nets, err := key.ParseNetworks(b.Networks)
			if err != nil {
				return Issued{}, err
			}
			k, secret, err := s.Issue(ctx, in, key.New{
				Team: id.Team(b.TeamID), Name: b.Name, Environment: b.Environment, Aliases: b.Aliases, Models: b.Models,
				Endpoints: endpoints(b.Endpoints), Networks: nets, ExpiresAt: b.ExpiresAt, Workflow: b.Workflow, Task: b.Task, Tags: b.Tags, Privacy: key.Privacy(b.Privacy),
				DropUnsupported: b.Drop,
			})
			if err != nil {
				return Issued{}, err
			}
			return Issued{Key: toKey(k), Secret: secret.Reveal()}, nil
		})
}

type listRequest struct {
	rest.PageQuery
	Team        string `query:"team"`
	Environment string `query:"environment"`
	State       string `query:"state" enum:"live,expired,revoked"`
	Text        string `query:"text" maxLength:"200" doc:"Part of the name, the prefix or the last characters"`

	UnusedSince    time.Time `query:"unused_since" doc:"Not used at or after; never used counts"`
	ExpiringBefore time.Time `query:"expiring_before" doc:"Live, and expiring before"`
}

// List lists keys, newest first.
func List(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List virtual keys", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Key], error) {
			var after id.Key
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Key]{}, err
			}
			f := key.Filter{
				Team: id.Team(req.Team), Environment: req.Environment, State: key.State(req.State), Text: req.Text,
				UnusedSince: req.UnusedSince, ExpiringBefore: req.ExpiringBefore,
			}
			found, more, err := s.List(ctx, in, f, after, req.Limit)
			return rest.PageFrom(found, more, toKey, func(k key.Key) any { return k.ID }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one key.
func Read(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a virtual key", Errors: []*fault.Error{key.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Key, error) {
			k, err := s.Key(ctx, in, id.Key(req.ID))
			return toKey(k), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		TeamID    *string            `json:"team_id,omitempty" maxLength:"64"`
		Name      *string            `json:"name,omitempty" maxLength:"800"`
		Aliases   *[]string          `json:"aliases,omitempty"`
		Models    *[]string          `json:"models,omitempty"`
		Endpoints *[]string          `json:"endpoints,omitempty"`
		Networks  *[]string          `json:"networks,omitempty"`
		Workflow  *string            `json:"workflow,omitempty"`
		Task      *string            `json:"task,omitempty" maxLength:"64"`
		Tags      *map[string]string `json:"tags,omitempty"`
		Privacy   *string            `json:"privacy,omitempty" enum:"none,metadata,full"`
		Drop      *bool              `json:"drop_unsupported,omitempty"`
		ExpiresAt *time.Time         `json:"expires_at,omitempty" doc:"0001-01-01T00:00:00Z: never"`
	}
}

func (r updateRequest) change() (key.Change, error) {
	b := r.Body
	c := key.Change{
		Name: b.Name, Team: (*id.Team)(b.TeamID), Aliases: b.Aliases, Models: b.Models, ExpiresAt: b.ExpiresAt, Workflow: b.Workflow, Task: b.Task, Tags: b.Tags,
		Privacy: (*key.Privacy)(b.Privacy), DropUnsupported: b.Drop,
	}
	if b.Endpoints != nil {
		list := endpoints(*b.Endpoints)
		c.Endpoints = &list
	}
	if b.Networks != nil {
		nets, err := key.ParseNetworks(*b.Networks)
		if err != nil {
			return c, err
		}
		c.Networks = &nets
	}
	return c, nil
}

// Update changes what is given of a key. Proxies obey within a second.
func Update(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a virtual key", Description: "Fields left out stay. The secret and the environment cannot be changed.",
		Errors: []*fault.Error{key.ErrInvalid, key.ErrNotFound, key.ErrTaken, key.ErrNoTeam, key.ErrDead},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Key, error) {
			c, err := req.change()
			if err != nil {
				return Key{}, err
			}
			k, err := s.Update(ctx, in, id.Key(req.ID), c, func(now key.Key) error { return req.Check(toKey(now).Tag()) })
			return toKey(k), err
		})
}

// Revoke ends a key for good.
func Revoke(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Revoke a virtual key", Description: "For good; every proxy refuses it within a second. What it spent stays on record.",
		Errors: []*fault.Error{key.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Key, error) {
			k, err := s.Revoke(ctx, in, id.Key(req.ID))
			return toKey(k), err
		})
}
