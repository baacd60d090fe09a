package aliases

import (
	"context"
	"fmt"
	"net/http"
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

// versionsShown is how many versions the detail page lists at once.
const versionsShown = 20

type detailView struct {
	Alias    alias.Alias
	Week     usage.Row
	Targets  []targetView
	Versions []versionRow
	Older    string
	Callers  []caller
	CanWrite bool
	Trouble  string
	Clock    ui.Clock
}

// targetView is one place of the route, with what it answered in the last days.
type targetView struct {
	Order int // 0 for the first
	Text  string
	By    string
	Row   usage.Row
}

type versionRow struct {
	Number       int
	What, Author string
	At           time.Time
	Live         bool
}

type caller struct {
	Name, Href string
	Row        usage.Row
}

func (v detailView) patience() string {
	lines := (names{}).lines(alias.Route{Timeout: v.Alias.Route.Timeout, FirstByte: v.Alias.Route.FirstByte, Attempts: attempts(v.Alias.Route), OnDisconnect: v.Alias.Route.OnDisconnect, DropUnsupported: v.Alias.Route.DropUnsupported})
	text := lines[0]
	for _, l := range lines[1:] {
		text += " · " + l
	}
	return text
}

// Detail shows an alias: its route drawn, its versions, who calls it. ?before= pages through versions.
func (p Aliases) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.detail(ctx, v, "", http.StatusOK)
}

func (p Aliases) detail(ctx context.Context, v *page.Visit, trouble string, status int) (page.Reply, error) {
	in := v.Scope()
	a, err := p.Aliases.Alias(ctx, in, id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	view := detailView{Alias: a, CanWrite: v.Can(tenant.WriteAliases), Trouble: trouble, Clock: ui.Clock{Now: v.Now}}
	if err := p.history(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	if err := p.traffic(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: a.Name, Active: layout.Aliases, Toasts: done(v)}, detail(view)).As(status), nil
}

// history fills in the versions and the targets' names.
func (p Aliases) history(ctx context.Context, v *page.Visit, view *detailView) error {
	known, err := p.names(ctx, v)
	if err != nil {
		return err
	}
	authors, err := people.ListAuthors(ctx, p.People, v.Scope())
	if err != nil {
		return err
	}
	before, err := strconv.Atoi(v.Query("before"))
	if err != nil {
		before = 0
	}
	// One more than is shown: the last row is compared with it.
	versions, _, err := p.Aliases.Versions(ctx, v.Scope(), view.Alias.ID, before, versionsShown+1)
	if err != nil {
		return err
	}
	for i, version := range versions {
		if i == versionsShown {
			view.Older = path(view.Alias.ID) + "?before=" + strconv.Itoa(versions[i-1].Number)
			break
		}
		var earlier *alias.Version
		if i+1 < len(versions) {
			earlier = &versions[i+1]
		}
		view.Versions = append(view.Versions, versionRow{version.Number, known.what(version, earlier), authors.Name(version.Author), version.CreatedAt, version.Number == view.Alias.Version})
	}
	for i, t := range view.Alias.Route.Targets {
		row := targetView{Order: i, Text: target(t), By: known.vendor(t.Provider)}
		if t.Credential != "" {
			row.By += ", by " + known.credential(t.Credential)
		}
		view.Targets = append(view.Targets, row)
	}
	return nil
}

// traffic fills in the last 7 days: the whole, each target's part, and the keys that call.
func (p Aliases) traffic(ctx context.Context, v *page.Visit, view *detailView) error {
	q := usage.Query{From: v.Now.AddDate(0, 0, -7), To: v.Now, Filter: map[usage.Dimension][]string{usage.Alias: {view.Alias.Name}}}
	q.GroupBy = []usage.Dimension{usage.Provider, usage.Model}
	byModel, err := p.Usage.Costs(ctx, v.Scope(), q)
	if err != nil {
		return err
	}
	view.Week = byModel.Total
	for i, t := range view.Alias.Route.Targets {
		for _, r := range byModel.Rows {
			if r.Values[usage.Provider] == t.Provider && r.Values[usage.Model] == t.Model {
				view.Targets[i].Row = r
			}
		}
	}
	q.GroupBy = []usage.Dimension{usage.Key}
	byKey, err := p.Usage.Costs(ctx, v.Scope(), q)
	if err != nil {
		return err
	}
	for _, r := range byKey.Rows {
		which := r.Values[usage.Key]
		name := r.Names[usage.Key]
		if name == "" {
			name = which
		}
		view.Callers = append(view.Callers, caller{name, "/keys/" + which, r})
		if len(view.Callers) == 8 {
			break
		}
	}
	return nil
}

type versionView struct {
	Alias   alias.Alias
	Version alias.Version
	Before  int // the version it is compared with; 0: none
	Author  string
	Changes []change
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
	view.Changes = differ(was, known.lines(versions[0].Route))
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
	Alias alias.Alias
	Week  usage.Row
	Hour  usage.Row
}

// DeleteForm states what a deletion would do, with numbers.
func (p Aliases) DeleteForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
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
	return page.Show(layout.Frame{Title: "Delete " + a.Name, Active: layout.Aliases}, remove(deleteView{a, week.Total, hour.Total})), nil
}

// Delete removes an alias.
func (p Aliases) Delete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Aliases.Delete(ctx, v.Scope(), id.Alias(v.Param("id"))); err != nil {
		return page.Reply{}, err
	}
	return page.See("/aliases?done=deleted"), nil
}

// perRequest is the mean cost of a priced call.
func perRequest(v detailView) string {
	if v.Week.Calls <= v.Week.Unpriced {
		return ui.Nothing
	}
	return ui.MoneyText(each(v.Week.Cost, v.Week.Calls-v.Week.Unpriced))
}

// curve is the path from the middle of one side to the i-th of n nodes on the other.
func curve(i, n int) string {
	y := (2*i + 1) * 50 / n
	return fmt.Sprintf("M0 50C18 50 18 %d 36 %d", y, y)
}
