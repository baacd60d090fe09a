package keys

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// askView is a question before something is done to a key: what it would do, in numbers.
type askView struct {
	Key     key.Key
	Do      action
	Reach   []string
	Busy    bool // calls of the last hour would be turned away
	Week    usage.Row
	Trouble string
	Overlap string // of a rotation
	Turning bool   // a rotation is under way
	Cut     bool
	Clock   ui.Clock
}

// action is what a page asks about: its word is the end of the address.
type action string

const (
	revoking  action = "revoke"
	disabling action = "disable"
	rotating  action = "rotate"
)

func (a action) title(k key.Key) string {
	switch a {
	case revoking:
		return "Revoke " + k.Name
	case disabling:
		return "Disable " + k.Name
	case rotating:
		return "Rotate " + k.Name
	}
	return k.Name
}

func (a action) button() string {
	switch a {
	case revoking:
		return "Revoke key"
	case disabling:
		return "Disable key"
	case rotating:
		return "Make the new secret"
	}
	return ""
}

// overlaps are how long the old secret of a rotation goes on.
func overlaps() []ui.Option {
	return []ui.Option{
		{Value: "0s", Text: "Ends now", Note: "Whoever still has it gets 401 within a second"},
		{Value: "1h", Text: "1 hour", Note: "For a deploy that is ready"},
		{Value: "24h", Text: "24 hours", Note: "Usual"},
		{Value: "168h", Text: "7 days", Note: "For many places"},
	}
}

func (p Keys) ask(ctx context.Context, v *page.Visit, do action, trouble error) (page.Reply, error) {
	in := v.Scope()
	k, err := p.Keys.Key(ctx, in, id.Key(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	if !k.RevokedAt.IsZero() {
		return page.See(path(k.ID)), nil
	}
	view := askView{Key: k, Do: do, Overlap: "24h", Cut: do == revoking, Turning: k.Rotating(v.Now), Clock: ui.Clock{Now: v.Now}}
	status := http.StatusOK
	if trouble != nil {
		t, code, mendable := page.Wrong(trouble)
		if !mendable {
			return page.Reply{}, trouble
		}
		view.Trouble, status, view.Overlap, view.Cut = t.Message, code, v.Form("overlap"), v.Form("cut") != ""
	}
	reach, err := p.Keys.Reach(ctx, in, k.ID)
	if err != nil {
		return page.Reply{}, err
	}
	view.Reach, view.Busy = reachWords(view.Clock, reach[k.ID]), reach[k.ID].HourCalls > 0
	if k.LastUsedAt.IsZero() && reach[k.ID].DayCalls == 0 {
		view.Reach = []string{"No call ever used this key."}
	}
	if v.Can(tenant.ReadCosts) {
		filter := map[usage.Dimension][]string{usage.Key: {string(k.ID)}}
		week, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.AddDate(0, 0, -7), To: v.Now, Filter: filter})
		if err != nil {
			return page.Reply{}, err
		}
		view.Week = week.Total
	}
	return page.Show(layout.Frame{Title: do.title(k), Active: layout.Keys}, askLife(view)).As(status), nil
}

// RevokeForm states what a revocation would do, with numbers.
func (p Keys) RevokeForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, revoking, nil)
}

// DisableForm states what disabling would do, with numbers.
func (p Keys) DisableForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, disabling, nil)
}

// RotateForm asks how long the old secret goes on.
func (p Keys) RotateForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, rotating, nil)
}

// streams says what becomes of calls under way, by the box of the form.
func streams(v *page.Visit) key.Streams { return key.Streams(v.Form("cut") != "") }

// Revoke ends a key for good.
func (p Keys) Revoke(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Revoke(ctx, v.Scope(), id.Key(v.Param("id")), streams(v))
	return p.acted(ctx, v, k, "revoked", revoking, err)
}

// Disable makes proxies refuse a key until it is enabled again.
func (p Keys) Disable(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Disable(ctx, v.Scope(), id.Key(v.Param("id")), streams(v))
	return p.acted(ctx, v, k, "disabled", disabling, err)
}

// Enable takes Disable back.
func (p Keys) Enable(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Enable(ctx, v.Scope(), id.Key(v.Param("id")))
	return p.acted(ctx, v, k, "enabled", disabling, err)
}

// CancelRotation ends the new secret, and lets the old one go on.
func (p Keys) CancelRotation(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.CancelRotation(ctx, v.Scope(), id.Key(v.Param("id")))
	return p.acted(ctx, v, k, "cancelled", rotating, err)
}

// EndSecret ends one secret of a rotation now.
func (p Keys) EndSecret(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.EndSecret(ctx, v.Scope(), id.Key(v.Param("id")), id.Secret(v.Param("secret")), streams(v))
	return p.acted(ctx, v, k, "ended", rotating, err)
}

// acted leads on after an action, or asks again with why it was refused.
func (p Keys) acted(ctx context.Context, v *page.Visit, k key.Key, done string, do action, err error) (page.Reply, error) {
	if err != nil {
		if _, _, mendable := page.Wrong(err); mendable {
			return p.ask(ctx, v, do, err)
		}
		return page.Reply{}, err
	}
	return page.See(path(k.ID) + "?done=" + done), nil
}

// errOverlap is for an overlap that the form does not have.
var errOverlap = fault.New(fault.Invalid, "page.overlap", "Choose how long the old secret goes on.")

// Rotate gives a key a new secret, and shows it: this once, in the answer to the form itself.
func (p Keys) Rotate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Key(v.Param("id"))
	if _, err := p.Keys.Key(ctx, v.Scope(), which); err != nil {
		return page.Reply{}, err
	}
	overlap, err := time.ParseDuration(v.Form("overlap"))
	if err != nil || overlap < 0 {
		return p.ask(ctx, v, rotating, errOverlap)
	}
	k, secret, err := p.Keys.Rotate(ctx, v.Scope(), which, overlap, streams(v))
	if err != nil {
		return p.acted(ctx, v, k, "", rotating, err)
	}
	view := rotatedView{Key: k, Secret: secret.Reveal(), Clock: ui.Clock{Now: v.Now}, Old: ends(ui.Clock{Now: v.Now}, k, v.Now), Now: overlap == 0}
	return page.Show(layout.Frame{Title: k.Name + " rotated", Active: layout.Keys}, rotated(view)).As(http.StatusCreated), nil
}

// rotatedView is a new secret, shown once.
type rotatedView struct {
	Key    key.Key
	Secret string
	Old    string // when the old one ends
	Now    bool   // it has ended already
	Clock  ui.Clock
}
