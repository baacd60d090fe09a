package aliases

import (
	"context"
	"strconv"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

type versionView struct {
	Alias   alias.Alias
	Version alias.Version
	Before  int // the version it is compared with; 0: none
	Author  string
	Changes []ui.DiffLine
	Clock   ui.Clock
	Live    bool
	CanUse  bool
}

// Version shows what a version changed.
func (p Aliases) Version(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	a, err := p.Aliases.Alias(ctx, in, id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	n, err := strconv.Atoi(v.Param("version"))
	if err != nil || n < 1 || n > a.Version {
		return page.Reply{}, alias.ErrNoVersion
	}
	versions, _, err := p.Aliases.Versions(ctx, in, a.ID, n+1, 2)
	if err != nil {
		return page.Reply{}, err
	}
	if len(versions) == 0 || versions[0].Number != n {
		return page.Reply{}, alias.ErrNoVersion
	}
	known, err := p.names(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.People, in)
	if err != nil {
		return page.Reply{}, err
	}
	view := versionView{Alias: a, Version: versions[0], Author: authors.Name(versions[0].Author), Clock: ui.Clock{Now: v.Now}, Live: n == a.Version, CanUse: v.Can(tenant.WriteAliases)}
	var was []string
	if len(versions) > 1 {
		view.Before, was = versions[1].Number, known.lines(versions[1].Route)
	}
	view.Changes = ui.Differ(was, known.lines(versions[0].Route))
	return page.Show(layout.Frame{Title: a.Name + " v" + strconv.Itoa(n), Active: layout.Aliases}, version(view)), nil
}

// Restore makes the next version with the route of an old one.
func (p Aliases) Restore(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Alias(v.Param("id"))
	n, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		return page.Reply{}, alias.ErrNoVersion
	}
	read, err := strconv.Atoi(v.Form("current"))
	if err != nil {
		read = 0
	}
	after, err := p.Aliases.Restore(ctx, v.Scope(), which, n, "", unchanged(read))
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		return p.detail(ctx, v, trouble.Message, status)
	}
	if after.Version == read {
		return page.See(path(which) + "?done=same"), nil
	}
	return page.See(path(which) + "?done=saved"), nil
}

type deleteView struct {
	Alias   alias.Alias
	Week    usage.Row
	Hour    usage.Row
	Trouble string
}

// DeleteForm states what a deletion would do, with numbers.
func (p Aliases) DeleteForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.deleteForm(ctx, v, "", 0)
}

func (p Aliases) deleteForm(ctx context.Context, v *page.Visit, trouble string, status int) (page.Reply, error) {
	in := v.Scope()
	a, err := p.Aliases.Alias(ctx, in, id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	filter := map[usage.Dimension][]string{usage.Alias: {a.Name}}
	week, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.AddDate(0, 0, -7), To: v.Now, Filter: filter})
	if err != nil {
		return page.Reply{}, err
	}
	hour, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.Add(-time.Hour), To: v.Now, Filter: filter})
	if err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: "Delete " + a.Name, Active: layout.Aliases}, remove(deleteView{a, week.Total, hour.Total, trouble})).As(status), nil
}

// Delete removes an alias. One that a task leads to stays, and the page says which task.
func (p Aliases) Delete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Aliases.Delete(ctx, v.Scope(), id.Alias(v.Param("id"))); err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		return p.deleteForm(ctx, v, trouble.Message, status)
	}
	return page.See("/aliases?done=deleted"), nil
}
