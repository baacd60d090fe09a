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
	ID           string            `json:"id"`
	TeamID       string            `json:"team_id"`
	Name         string            `json:"name"`
	Kind         string            `json:"kind" enum:"service,personal,playground" doc:"personal: its owner's, seen by the owner and admins, and ending with the owner's membership"`
	OwnerID      string            `json:"owner_id,omitempty"`
	State        string            `json:"state" enum:"live,expired,disabled,revoked"`
	Secrets      []KeySecret       `json:"secrets" doc:"Newest first: those that live or ended within a month"`
	Prefix       string            `json:"prefix" doc:"The first characters of the secret, to recognise it by"`
	Last4        string            `json:"last4"`
	Environment  string            `json:"environment"`
	Aliases      []string          `json:"aliases" doc:"Aliases it may call. With models empty too: everything"`
	Models       []string          `json:"models" doc:"provider/model patterns it may call directly; * stands for any characters"`
	Endpoints    []string          `json:"endpoints" doc:"Empty: every endpoint"`
	Networks     []string          `json:"networks" doc:"Empty: any network"`
	Workflow     string            `json:"workflow" doc:"Default workflow of its calls"`
	Task         string            `json:"task" doc:"Task of its calls of model auto or task; empty: none"`
	Tags         map[string]string `json:"tags" doc:"Default tags of its calls"`
	Privacy      string            `json:"privacy" enum:"none,metadata,full"`
	Drop         bool              `json:"drop_unsupported" doc:"What the target cannot express is dropped, with a warning, instead of refusing the call"`
	BudgetStatus int               `json:"budget_status" enum:"402,429" doc:"What calls that a budget refuses are answered with"`
	TemplateID   string            `json:"template_id,omitempty"`
	CreatedAt    time.Time         `json:"created_at"`
	CreatedBy    string            `json:"created_by"`
	ExpiresAt    *time.Time        `json:"expires_at,omitempty" doc:"Absent: never"`
	DisabledAt   *time.Time        `json:"disabled_at,omitempty" doc:"Absent: enabled"`
	RevokedAt    *time.Time        `json:"revoked_at,omitempty" doc:"Absent: live"`
	LastUsedAt   *time.Time        `json:"last_used_at,omitempty" doc:"To the minute; absent: never"`

	revision int
}

// Tag implements rest.Tagged.
func (k Key) Tag() string { return strconv.Itoa(k.revision) }

// KeySecret is one secret of a key as the API shows it: never itself.
type KeySecret struct {
	ID         string     `json:"id"`
	Prefix     string     `json:"prefix"`
	Last4      string     `json:"last4"`
	Scheme     string     `json:"scheme" enum:"hmac1,sha256" doc:"sha256: imported, and not used since"`
	Imported   bool       `json:"imported"`
	Live       bool       `json:"live"`
	NotAfter   *time.Time `json:"not_after,omitempty" doc:"When it ends; absent: with the key"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"Absent: never"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// Issued is a key with its secret, which is shown this once.
type Issued struct {
	Key
	Secret   string   `json:"secret" doc:"Shown once"`
	BudgetID string   `json:"budget_id,omitempty" doc:"The budget that was made for the key alone"`
	LimitIDs []string `json:"limit_ids,omitempty" doc:"The limits that were made for the key alone"`
}

func toKey(k key.Key, now time.Time) Key {
	return Key{
		Kind: string(k.Kind), OwnerID: string(k.Owner), State: string(k.State(now)), Secrets: secrets(k, now), BudgetStatus: k.BudgetStatus,
		TemplateID: string(k.Template), DisabledAt: moment(k.DisabledAt),
		ID: string(k.ID), TeamID: string(k.Team), Name: k.Name, Prefix: k.Prefix, Last4: k.Last4, Environment: k.Environment,
		Aliases: texts(k.Aliases), Models: texts(k.Models), Endpoints: texts(k.Endpoints), Networks: networks(k), Workflow: k.Workflow, Task: k.Task,
		Tags: orEmpty(k.Tags), Privacy: string(k.Privacy), Drop: k.DropUnsupported, CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy,
		ExpiresAt: moment(k.ExpiresAt), RevokedAt: moment(k.RevokedAt), LastUsedAt: moment(k.LastUsedAt), revision: k.Revision,
	}
}

func secrets(k key.Key, now time.Time) []KeySecret {
	out := make([]KeySecret, len(k.Secrets))
	for i, s := range k.Secrets {
		out[i] = KeySecret{
			ID: string(s.ID), Prefix: s.Prefix, Last4: s.Last4, Scheme: string(s.Scheme), Imported: s.Imported, Live: k.RevokedAt.IsZero() && s.Live(now),
			NotAfter: moment(s.NotAfter), CreatedAt: s.CreatedAt, CreatedBy: s.CreatedBy, LastUsedAt: moment(s.LastUsedAt), RevokedAt: moment(s.RevokedAt),
		}
	}
	return out
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
		Kind        string            `json:"kind,omitempty" enum:"service,personal"`
		OwnerID     string            `json:"owner_id,omitempty" maxLength:"64" doc:"Member that a personal key belongs to; left out: you"`
		TemplateID  string            `json:"template_id,omitempty" maxLength:"64" doc:"Fills in what is left out; left out: the team's standard template, if there is one"`
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
		Status      int               `json:"budget_status,omitempty" enum:"402,429" doc:"What calls that a budget refuses are answered with; 402 when left out"`
		Budget      *KeyBudget        `json:"budget,omitempty" doc:"A blocking budget of the key alone"`
		Limits      *KeyLimits        `json:"limits,omitempty" doc:"Limits of the key alone"`
	}
}

// Issuer makes keys with what is theirs alone; issue.Service does.
type Issuer interface {
	Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Made, error)
}

// Issue makes a key. Its secret is in this answer and never again.
func Issue(s Issuer, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Issue a virtual key", Status: http.StatusCreated, Secret: true,
		Description: "With budget or limits, those are made with the key: all of it, or nothing.",
		Errors:      []*fault.Error{key.ErrInvalid, key.ErrTaken, key.ErrNoTeam, key.ErrNoOwner, key.ErrNoTemplate, key.ErrOtherTeam, key.ErrBeyond, key.ErrNotYours},
	},
		func(ctx context.Context, in tenant.Scope, req issueRequest) (Issued, error) {
			b := req.Body
			nets, err := key.ParseNetworks(b.Networks)
			if err != nil {
				return Issued{}, err
			}
			allowance, err := b.Budget.allowance()
			if err != nil {
				return Issued{}, err
			}
			made, err := s.Issue(ctx, in, key.New{
				Kind: key.Kind(b.Kind), Owner: id.User(b.OwnerID), Template: id.Template(b.TemplateID), BudgetStatus: b.Status, Budget: allowance, Limits: b.Limits.pace(),
				Team: id.Team(b.TeamID), Name: b.Name, Environment: b.Environment, Aliases: b.Aliases, Models: b.Models,
				Endpoints: endpoints(b.Endpoints), Networks: nets, ExpiresAt: b.ExpiresAt, Workflow: b.Workflow, Task: b.Task, Tags: b.Tags, Privacy: key.Privacy(b.Privacy),
				DropUnsupported: b.Drop,
			})
			if err != nil {
				return Issued{}, err
			}
			return Issued{Key: toKey(made.Key, now()), Secret: made.Secret.Reveal(), BudgetID: string(made.Budget), LimitIDs: texts(made.Limits)}, nil
		})
}

type listRequest struct {
	rest.PageQuery
	Team        string `query:"team"`
	Environment string `query:"environment"`
	State       string `query:"state" enum:"live,expired,disabled,revoked"`
	Text        string `query:"text" maxLength:"200" doc:"Part of the name, the prefix or the last characters"`

	UnusedSince    time.Time `query:"unused_since" doc:"Not used at or after; never used counts"`
	ExpiringBefore time.Time `query:"expiring_before" doc:"Live, and expiring before"`

	Kind      string   `query:"kind" enum:"service,personal,playground"`
	Owner     string   `query:"owner" maxLength:"64"`
	NeverUsed bool     `query:"never_used"`
	Rotating  bool     `query:"rotating" doc:"With an old secret that has not ended yet"`
	IDs       []string `query:"id" maxItems:"200" doc:"These only"`
}

func (r listRequest) filter() key.Filter {
	f := key.Filter{
		Team: id.Team(r.Team), Environment: r.Environment, State: key.State(r.State), Text: r.Text, UnusedSince: r.UnusedSince, ExpiringBefore: r.ExpiringBefore,
		Kind: key.Kind(r.Kind), Owner: id.User(r.Owner), NeverUsed: r.NeverUsed, Rotating: r.Rotating,
	}
	if len(r.IDs) > 0 {
		f.IDs = ids(r.IDs)
	}
	return f
}

func ids(list []string) []id.Key {
	out := make([]id.Key, len(list))
	for i, s := range list {
		out[i] = id.Key(s)
	}
	return out
}

// List lists keys, newest first.
func List(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List virtual keys", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Key], error) {
			var after id.Key
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Key]{}, err
			}
			found, more, err := s.List(ctx, in, req.filter(), after, req.Limit)
			return rest.PageFrom(found, more, func(k key.Key) Key { return toKey(k, now()) }, func(k key.Key) any { return k.ID }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one key.
func Read(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a virtual key", Errors: []*fault.Error{key.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Key, error) {
			k, err := s.Key(ctx, in, id.Key(req.ID))
			return toKey(k, now()), err
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
		Status    *int               `json:"budget_status,omitempty" enum:"402,429"`
		ExpiresAt *time.Time         `json:"expires_at,omitempty" doc:"0001-01-01T00:00:00Z: never"`
	}
}

func (r updateRequest) change() (key.Change, error) {
	b := r.Body
	c := key.Change{
		Name: b.Name, Team: (*id.Team)(b.TeamID), Aliases: b.Aliases, Models: b.Models, ExpiresAt: b.ExpiresAt, Workflow: b.Workflow, Task: b.Task, Tags: b.Tags,
		Privacy: (*key.Privacy)(b.Privacy), DropUnsupported: b.Drop, BudgetStatus: b.Status,
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
func Update(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a virtual key", Description: "Fields left out stay. The secret and the environment cannot be changed.",
		Errors: []*fault.Error{key.ErrInvalid, key.ErrNotFound, key.ErrTaken, key.ErrNoTeam, key.ErrDead},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Key, error) {
			c, err := req.change()
			if err != nil {
				return Key{}, err
			}
			k, err := s.Update(ctx, in, id.Key(req.ID), c, func(k key.Key) error { return req.Check(toKey(k, now()).Tag()) })
			return toKey(k, now()), err
		})
}
