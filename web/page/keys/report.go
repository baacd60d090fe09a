package keys

import (
	"context"
	"errors"
	"net/http"

	"tollgate/internal/key"
	"tollgate/web/layout"
	"tollgate/web/page"
)

// reportView asks for a secret that was found in public, and tells what was done about it.
type reportView struct {
	Trouble  page.Trouble
	Note     string
	Found    *key.Found // what became of it; nil: nothing was pasted yet
	Policy   key.OnLeak
	Oversees bool
	Saved    bool
}

func (p Keys) showReport(ctx context.Context, v *page.Visit, view reportView, status int) (page.Reply, error) {
	var err error
	if view.Policy, err = p.Leaks.Policy(ctx, v.Scope()); err != nil {
		return page.Reply{}, err
	}
	if view.Policy == "" {
		view.Policy = key.LeakRevoke
	}
	view.Oversees = key.Oversees(v.Scope())
	return page.Show(layout.Frame{Title: "Report a leak", Active: layout.Keys}, report(view)).As(status), nil
}

// ReportForm asks for a secret that was found in public.
func (p Keys) ReportForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.showReport(ctx, v, reportView{Saved: v.Query("done") == "saved"}, http.StatusOK)
}

// Report ends the secret that was pasted, or only tells people, as the organization wants it. The page never shows it again.
func (p Keys) Report(ctx context.Context, v *page.Visit) (page.Reply, error) {
	found, err := p.Leaks.Report(ctx, v.Scope(), v.Form("secret"), v.Form("note"))
	if err == nil {
		return p.showReport(ctx, v, reportView{Found: &found}, http.StatusOK)
	}
	trouble, code, mendable := page.Wrong(err)
	switch {
	case errors.Is(err, key.ErrNotFound):
		trouble, code = page.Trouble{Field: "secret", Message: "It belongs to no key of this organization. It may belong to another one, or to another service."}, http.StatusUnprocessableEntity
	case !mendable:
		return page.Reply{}, err
	}
	return p.showReport(ctx, v, reportView{Trouble: trouble, Note: v.Form("note")}, code)
}

// SetLeakPolicy says what is done with keys that are found in public.
func (p Keys) SetLeakPolicy(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Leaks.SetPolicy(ctx, v.Scope(), key.OnLeak(v.Form("on_leak"))); err != nil {
		trouble, code, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		return p.showReport(ctx, v, reportView{Trouble: trouble}, code)
	}
	return page.See("/keys/report?done=saved"), nil
}
