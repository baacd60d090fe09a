package key

import (
	"context"
	"errors"
	"maps"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Action is what is done to many keys at once.
type Action string

// The actions.
const (
	DoDisable Action = "disable"
	DoEnable  Action = "enable"
	DoRevoke  Action = "revoke"
	DoRotate  Action = "rotate"
	DoExpire  Action = "expire_at" // sets the expiry
	DoMove    Action = "move_team"
	DoTag     Action = "tag" // adds tags, and takes those with empty values away
)

// Actions are all actions.
var Actions = []Action{DoDisable, DoEnable, DoRevoke, DoRotate, DoExpire, DoMove, DoTag}

// Bulk is one action on many keys: those named, or those that a filter selects.
type Bulk struct {
	Action    Action
	IDs       []id.Key // nil: by Filter
	Filter    Filter
	Calls     Streams       // of disable, revoke, rotate
	Overlap   time.Duration // of rotate
	ExpiresAt time.Time     // of expire_at; zero: never
	Team      id.Team       // of move_team
	Tags      map[string]string
	DryRun    bool // says what would be done, and to whom, and does nothing
}

// Effect is what an action did to one key, or would do.
type Effect struct {
	Key    Key // as it is now; its id alone where Err is ErrNotFound
	Reach  Reach
	Secret Secret // of a rotation: shown once
	Same   bool   // it was so already
	Err    error  // why nothing was done: a declared failure
}

// BulkMax is the most keys of one action.
const BulkMax = reachKeysMax

// The failures of an action as a whole; those of one key are its Effect's.
var (
	ErrAction   = fault.New(fault.Invalid, "key.unknown_action", "That is no action on keys.").At("action")
	ErrSelect   = fault.New(fault.Invalid, "key.nothing_selected", "Name the keys, or select them by a filter: an action on every key of the organization is not meant by leaving both out.").At("ids")
	ErrBulkSize = fault.New(fault.Invalid, "key.too_many", "At most 200 keys at once. Narrow the filter, or name fewer.").At("ids")
)

// Bulk does one action to many keys, each by itself: what fails for one is told and stops no other. Effects come in the order of the ids,
// or newest key first.
func (s *Service) Bulk(ctx context.Context, in tenant.Scope, b Bulk) ([]Effect, error) {
	keys, err := s.selected(ctx, in, &b)
	if err != nil {
		return nil, err
	}
	reach, err := s.Reach(ctx, in, keys...)
	if err != nil {
		return nil, err
	}
	out := make([]Effect, len(keys))
	for i, which := range keys {
		e := &out[i]
		e.Key.ID, e.Reach = which, reach[which]
		var was Key
		if was, err = s.store.Key(ctx, in, which); err == nil {
			e.Key = was
			e.Same, err = b.same(&was)
		}
		if err == nil && !e.Same && !b.DryRun {
			e.Key, e.Secret, err = s.act(ctx, in, which, &b)
		}
		if err != nil && !declared(err) {
			return nil, err
		}
		e.Err = err
	}
	return out, nil
}

// selected are the keys that an action is for.
func (s *Service) selected(ctx context.Context, in tenant.Scope, b *Bulk) ([]id.Key, error) {
	if err := b.check(s.now()); err != nil {
		return nil, err
	}
	if b.IDs != nil {
		return b.IDs, nil
	}
	list, err := s.store.Keys(ctx, in, b.Filter, s.now(), "", BulkMax+1)
	if err != nil {
		return nil, err
	}
	if len(list) > BulkMax {
		return nil, ErrBulkSize
	}
	ids := make([]id.Key, len(list))
	for i, k := range list {
		ids[i] = k.ID
	}
	return ids, nil
}

func (b *Bulk) check(now time.Time) error {
	switch {
	case b.IDs == nil && b.Filter.zero():
		return ErrSelect
	case len(b.IDs) > BulkMax:
		return ErrBulkSize
	}
	switch b.Action {
	case DoDisable, DoEnable, DoRevoke:
	case DoRotate:
		if b.Overlap < 0 || b.Overlap > OverlapMax {
			return ErrInvalid.Say("The old secret may go on for 0 to 30 days.").At("overlap_seconds")
		}
	case DoExpire:
		if !b.ExpiresAt.IsZero() && !b.ExpiresAt.After(now) {
			return ErrInvalid.Say("The expiry lies in the past. To end keys now, revoke them.").At("expires_at")
		}
	case DoMove:
		if b.Team == "" {
			return ErrInvalid.Say("Name the team that the keys go to.").At("team_id")
		}
	case DoTag:
		if len(b.Tags) == 0 {
			return ErrInvalid.Say("Name the tags.").At("tags")
		}
	default:
		return ErrAction
	}
	return nil
}

// same reports that a key is as the action would make it, or why it cannot be.
func (b *Bulk) same(k *Key) (bool, error) {
	if !k.RevokedAt.IsZero() {
		if b.Action == DoRevoke {
			return true, nil
		}
		return false, ErrDead
	}
	switch b.Action {
	case DoDisable:
		return !k.DisabledAt.IsZero(), nil
	case DoEnable:
		return k.DisabledAt.IsZero(), nil
	case DoExpire:
		return k.ExpiresAt.Equal(instant(b.ExpiresAt)), nil
	case DoMove:
		return k.Team == b.Team, nil
	case DoTag:
		return maps.Equal(k.Tags, tagged(k.Tags, b.Tags)), nil
	case DoRevoke, DoRotate:
	}
	return false, nil
}

// act does the action to one key.
func (s *Service) act(ctx context.Context, in tenant.Scope, which id.Key, b *Bulk) (k Key, secret Secret, err error) {
	switch b.Action {
	case DoDisable:
		k, err = s.Disable(ctx, in, which, b.Calls)
	case DoEnable:
		k, err = s.Enable(ctx, in, which)
	case DoRevoke:
		k, err = s.Revoke(ctx, in, which, b.Calls)
	case DoRotate:
		k, secret, err = s.Rotate(ctx, in, which, b.Overlap, b.Calls)
	case DoExpire:
		k, err = s.Update(ctx, in, which, Change{ExpiresAt: &b.ExpiresAt}, nil)
	case DoMove:
		k, err = s.Update(ctx, in, which, Change{Team: &b.Team}, nil)
	case DoTag:
		k, err = s.tag(ctx, in, which, b.Tags)
	}
	return k, secret, err
}

// tag changes tags that the key has at the time, not those that it had when it was looked at.
func (s *Service) tag(ctx context.Context, in tenant.Scope, which id.Key, tags map[string]string) (Key, error) {
	return s.alter(ctx, in, which, time.Time{}, nil, func(k *Key) { k.Tags = tagged(k.Tags, tags) })
}

// tagged are tags with others added; an empty value takes one away.
func tagged(have, add map[string]string) map[string]string {
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range add {
		if v == "" {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

// zero reports a filter that selects everything.
func (f *Filter) zero() bool {
	return f.Team == "" && f.Environment == "" && f.State == "" && f.Text == "" && f.UnusedSince.IsZero() && f.ExpiringBefore.IsZero() &&
		f.Kind == "" && f.Owner == "" && !f.NeverUsed && !f.Rotating && f.IDs == nil
}

// declared reports a failure that is told to callers.
func declared(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable
}
