package aliases

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/web/layout"
	"tollgate/web/page"
)

// NewForm asks for an alias. ?name= and ?target=provider/model fill it in, and so does ?template=.
func (p Aliases) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := form{Name: v.Query("name"), OnDisconnect: alias.Drain, Rows: []formRow{{}}}
	if vendor, model, ok := strings.Cut(v.Query("target"), "/"); ok {
		f.Rows[0] = formRow{By: vendor, Model: model}
	}
	if v.Query("template") != "" {
		known, err := p.names(ctx, v)
		if err != nil {
			return page.Reply{}, err
		}
		f.fill(known, v.Query("template"))
	}
	return p.show(ctx, v, f, http.StatusOK)
}

func (p Aliases) show(ctx context.Context, v *page.Visit, f form, status int) (page.Reply, error) {
	var err error
	if f.Names, err = p.names(ctx, v); err != nil {
		return page.Reply{}, err
	}
	book, err := p.Prices.Book(ctx)
	if err != nil {
		return page.Reply{}, err
	}
	f.Models = f.Names.suggestions(book, v.Now)
	if len(f.Rows) == 0 {
		f.Rows = []formRow{{}}
	}
	title := "New alias"
	if f.editing() {
		title = "Edit " + f.Name
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Aliases}, edit(f)).As(status), nil
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Aliases) again(ctx context.Context, v *page.Visit, f form, err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, alias.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = trouble
	return p.show(ctx, v, f, status)
}

// Create makes an alias, or carries out a button of its rows.
func (p Aliases) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	r, err := f.route()
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	a, err := p.Aliases.Create(ctx, v.Scope(), f.Name, r, f.Message)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	return page.See(path(a.ID) + "?done=created"), nil
}

// EditForm asks for the next version.
func (p Aliases) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := of(a.Route)
	f.ID, f.Name, f.Version = a.ID, a.Name, a.Version
	return p.show(ctx, v, f, http.StatusOK)
}

// Edit makes the next version, unless somebody else made it meanwhile; or it carries out a button of the rows.
func (p Aliases) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.ID, f.Name = a.ID, a.Name
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	r, err := f.route()
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	after, err := p.Aliases.Update(ctx, v.Scope(), a.ID, r, f.Message, unchanged(f.Version))
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	if after.Version == f.Version {
		return page.See(path(a.ID) + "?done=same"), nil
	}
	return page.See(path(a.ID) + "?done=saved"), nil
}

// unchanged refuses a change of another version than the one that was read.
func unchanged(version int) func(alias.Alias) error {
	return func(now alias.Alias) error {
		if now.Version != version {
			return alias.ErrStale.Say("Not saved: version %d came first. Open the alias again to see it.", now.Version)
		}
		return nil
	}
}

var _ Credentials = (*credential.Service)(nil)
