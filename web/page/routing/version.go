package routing

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

type versionView struct {
	Version alias.FileVersion
	Before  int // the version it is compared with; 0: none
	Author  string
	Changes []alias.Change
	Diff    []ui.DiffLine
	Live    int
	CanUse  bool
	Clock   ui.Clock
}

// Version shows what a version of the file changed.
func (p Page) Version(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	n, err := strconv.Atoi(v.Param("version"))
	if err != nil || n < 1 {
		return page.Reply{}, alias.ErrNoFileVersion
	}
	this, err := p.Routing.FileVersion(ctx, in, n)
	if err != nil {
		return page.Reply{}, err
	}
	live, err := p.Routing.Routing(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.People, in)
	if err != nil {
		return page.Reply{}, err
	}
	out := versionView{Version: this, Author: authors.Name(this.Author), Live: live.Number, CanUse: v.Can(tenant.WriteAliases), Clock: ui.Clock{Now: v.Now}}
	var was []string
	var before alias.FileVersion
	if n > 1 {
		if before, err = p.Routing.FileVersion(ctx, in, n-1); err != nil {
			return page.Reply{}, err
		}
		out.Before, was = n-1, strings.Split(text(before), "\n")
	}
	out.Changes, out.Diff = alias.Diff(before.File, this.File), ui.DiffContext(ui.Differ(was, strings.Split(text(this), "\n")), 3)
	return page.Show(layout.Frame{Title: "Routing file v" + strconv.Itoa(n), Active: layout.Routing}, version(out)), nil
}

// Restore makes the next version with the file of an old one.
func (p Page) Restore(ctx context.Context, v *page.Visit) (page.Reply, error) {
	n, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		return page.Reply{}, alias.ErrNoFileVersion
	}
	read, err := strconv.Atoi(v.Form("current"))
	if err != nil {
		read = -1
	}
	after, err := p.Routing.RestoreFile(ctx, v.Scope(), n, "", unchanged(read))
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		live, err := p.Routing.Routing(ctx, v.Scope())
		if err != nil {
			return page.Reply{}, err
		}
		return p.show(ctx, v, view{Live: live, Text: text(live), Trouble: trouble.Message}, max(status, http.StatusBadRequest))
	}
	if after.Number == read {
		return page.See(Path + "?done=same"), nil
	}
	return page.See(Path + "?done=applied"), nil
}
