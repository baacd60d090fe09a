package keyhttp

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// KeyReach is who used a key in the last 24 hours, and would be turned away without it.
type KeyReach struct {
	HourCalls  int64      `json:"calls_last_hour"`
	DayCalls   int64      `json:"calls_last_day"`
	Workflows  []string   `json:"workflows"`
	EndUsers   int64      `json:"end_users" doc:"Different ones"`
	Clients    []string   `json:"clients" doc:"Environments and dialects that calls came from"`
	LastAt     *time.Time `json:"last_at,omitempty"`
	LastClient string     `json:"last_client,omitempty"`
}

func toReach(r key.Reach) KeyReach {
	return KeyReach{r.HourCalls, r.DayCalls, texts(r.Workflows), r.EndUsers, texts(r.Clients), moment(r.LastAt), r.LastClient}
}

// Usage tells who would break without a key.
func Usage(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Tell who uses a virtual key", Description: "Over the last 24 hours, from the call log: who would be turned away without it.",
		Errors: []*fault.Error{key.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (KeyReach, error) {
			k, err := s.Key(ctx, in, id.Key(req.ID))
			if err != nil {
				return KeyReach{}, err
			}
			got, err := s.Reach(ctx, in, k.ID)
			return toReach(got[k.ID]), err
		})
}

// KeySelection selects keys like the list's query does.
type KeySelection struct {
	Team           string    `json:"team_id,omitempty"`
	Environment    string    `json:"environment,omitempty"`
	State          string    `json:"state,omitempty" enum:"live,expired,disabled,revoked"`
	Text           string    `json:"text,omitempty" maxLength:"200"`
	UnusedSince    time.Time `json:"unused_since,omitzero" required:"false"`
	ExpiringBefore time.Time `json:"expiring_before,omitzero" required:"false"`
	Kind           string    `json:"kind,omitempty" enum:"service,personal,playground"`
	Owner          string    `json:"owner_id,omitempty" maxLength:"64"`
	NeverUsed      bool      `json:"never_used,omitempty"`
	Rotating       bool      `json:"rotating,omitempty"`
}

type bulkRequest struct {
	Body struct {
		KeyEnding
		Action    string            `json:"action" enum:"disable,enable,revoke,rotate,expire_at,move_team,tag"`
		IDs       []string          `json:"ids,omitempty" maxItems:"200"`
		Filter    *KeySelection     `json:"filter,omitempty" doc:"Instead of ids: the keys that it selects, at most 200"`
		Overlap   *int64            `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"Of rotate; 86400 when left out"`
		ExpiresAt time.Time         `json:"expires_at,omitzero" required:"false" doc:"Of expire_at; left out: never"`
		TeamID    string            `json:"team_id,omitempty" maxLength:"64" doc:"Of move_team"`
		Tags      map[string]string `json:"tags,omitempty" doc:"Of tag: added to each key's; an empty value takes the tag away"`
		DryRun    bool              `json:"dry_run,omitempty" doc:"Says what would be done, and who uses the keys, and does nothing"`
	}
}

// KeyEffects are what an action did.
type KeyEffects struct {
	ID      string      `json:"id" doc:"Of this action; a repeat with the same Idempotency-Key names it"`
	DryRun  bool        `json:"dry_run"`
	Effects []KeyEffect `json:"effects"`
	Done    int         `json:"done" doc:"Keys that were changed, or would be"`
	Same    int         `json:"unchanged"`
	Failed  int         `json:"failed"`
}

// KeyEffect is what an action did to one key.
type KeyEffect struct {
	ID     string   `json:"id"`
	Name   string   `json:"name,omitempty"`
	Result string   `json:"result" enum:"done,unchanged,failed"`
	Status int      `json:"status,omitempty" doc:"Of a failure: what the same request for this key alone would be answered with"`
	Code   string   `json:"code,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Secret string   `json:"secret,omitempty" doc:"Of rotate: shown once"`
	Usage  KeyReach `json:"usage"`
}

// Bulk does one action to many keys.
func Bulk(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change many virtual keys", Secret: true,
		Description: "Each key by itself: what fails for one is told and stops no other. dry_run tells the effects in numbers first.",
		Errors:      []*fault.Error{key.ErrInvalid, key.ErrAction, key.ErrSelect, key.ErrBulkSize},
	},
		func(ctx context.Context, in tenant.Scope, req bulkRequest) (KeyEffects, error) {
			list, err := s.Bulk(ctx, in, req.bulk())
			if err != nil {
				return KeyEffects{}, err
			}
			out := KeyEffects{ID: id.New("bulk"), DryRun: req.Body.DryRun, Effects: make([]KeyEffect, len(list))}
			for i, e := range list {
				out.Effects[i] = toEffect(e)
				switch out.Effects[i].Result {
				case "done":
					out.Done++
				case "unchanged":
					out.Same++
				default:
					out.Failed++
				}
			}
			return out, nil
		})
}

func (r bulkRequest) bulk() key.Bulk {
	b := r.Body
	out := key.Bulk{
		Action: key.Action(b.Action), Calls: b.calls(), Overlap: key.DefaultOverlap, ExpiresAt: b.ExpiresAt, Team: id.Team(b.TeamID), Tags: b.Tags, DryRun: b.DryRun,
	}
	if b.Overlap != nil {
		out.Overlap = time.Duration(*b.Overlap) * time.Second
	}
	if b.IDs != nil {
		out.IDs = ids(b.IDs)
	}
	if f := b.Filter; f != nil {
		out.Filter = key.Filter{
			Team: id.Team(f.Team), Environment: f.Environment, State: key.State(f.State), Text: f.Text, UnusedSince: f.UnusedSince,
			ExpiringBefore: f.ExpiringBefore, Kind: key.Kind(f.Kind), Owner: id.User(f.Owner), NeverUsed: f.NeverUsed, Rotating: f.Rotating,
		}
	}
	return out
}

func toEffect(e key.Effect) KeyEffect {
	out := KeyEffect{ID: string(e.Key.ID), Name: e.Key.Name, Result: "done", Usage: toReach(e.Reach)}
	var f *fault.Error
	switch {
	case errors.As(e.Err, &f):
		out.Result, out.Code, out.Detail = "failed", f.Code, f.Message
		out.Status, _ = httperr.Of(e.Err)
	case e.Same:
		out.Result = "unchanged"
	case e.Secret != (key.Secret{}):
		out.Secret = e.Secret.Reveal()
	}
	return out
}
