package aliases

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// versionsShown is how many versions the detail page lists at once.
const versionsShown = 20

type detailView struct {
	Alias      alias.Alias
	Tasks      []string
	Experiment *experiment.Experiment // that runs; nil: none
	Traffic    traffic
	Lanes      []lane
	Settings   []ui.Fact
	Versions   []versionRow
	Older      string
	CanWrite   bool
	CanTry     bool // may start an experiment
	Trouble    string
	Clock      ui.Clock
	Snippets   ui.SnippetChoice
}

type versionRow struct {
	Number       int
	What, Author string
	At           time.Time
	Live         bool
}

// brief is how patient the route is, in a line.
func (v detailView) brief() string {
	r := v.Alias.Route
	deadline := r.Timeout
	if deadline == 0 {
		deadline = alias.DefaultTimeout
	}
	cache := "cache off"
	if r.Cache.Mode == alias.CacheExact {
		cache = "cache " + patience(r.Cache.TTL)
	}
	return ui.Plural(int64(attempts(r)), "attempt", "attempts") + " · " + patience(deadline) + " deadline · " + cache
}

func (v detailView) badges() []ui.BadgeView {
	out := []ui.BadgeView{{Text: "v" + strconv.Itoa(v.Alias.Version) + ", live"}}
	if v.Experiment != nil {
		out = append(out, ui.BadgeView{Tone: ui.Info, Text: "Experiment: " + v.Experiment.Plan.Name, Href: "/experiments/" + string(v.Experiment.ID)})
	}
	return out
}

func (v detailView) lede() string {
	if len(v.Tasks) == 0 {
		return "Called by its name."
	}
	return "Task " + strings.Join(v.Tasks, ", ") + " leads here."
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
	view := detailView{
		Alias: a, CanWrite: v.Can(tenant.WriteAliases), CanTry: v.Can(tenant.WriteExperiments), Trouble: trouble, Clock: ui.Clock{Now: v.Now},
		Snippets: client.New(p.Gateway, nil, []client.Model{{Name: a.Name}}).Panel("snippet", "Call "+a.Name),
	}
	known, err := p.names(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	if err := p.history(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	if view.Traffic, err = p.traffic(ctx, in, a.Name, v.Now); err != nil {
		return page.Reply{}, err
	}
	view.Lanes, view.Settings = known.lanes(a.Route, view.Traffic), settingFacts(a.Route)
	file, err := p.Routing.Routing(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	view.Tasks = tasks(file.File)[a.Name]
	tried, err := p.running(ctx, v, experiment.Filter{Alias: a.ID})
	if err != nil {
		return page.Reply{}, err
	}
	if e, ok := tried[a.Name]; ok {
		view.Experiment = &e
	}
	return page.Show(layout.Frame{Title: a.Name, Active: layout.Aliases, Toasts: done(v)}, detail(view)).As(status), nil
}

// settingFacts are the settings of a route in pairs: what is not set says what holds then.
func settingFacts(r alias.Route) []ui.Fact {
	or := func(lines []string, none string) string {
		if len(lines) == 0 {
			return none
		}
		return strings.Join(lines, " · ")
	}
	stick := "a session stays at its model"
	if r.Sticky == alias.StickyOff {
		stick = "drawn anew for each call"
	}
	cache := "off"
	if r.Cache.Mode == alias.CacheExact {
		cache = "the same call, for " + patience(r.Cache.TTL)
	}
	kept := "what the key says"
	if r.Privacy.Payload != "" {
		kept = r.Privacy.Payload + " at most"
	}
	if r.Privacy.NoTraining {
		kept += " · no provider that trains on API traffic"
	}
	gone := "read to the end, so that its usage is known"
	if r.OnDisconnect == alias.Abort {
		gone = "cancelled"
	}
	unsupported := "the call is refused"
	if r.DropUnsupported {
		unsupported = "dropped, with a warning"
	}
	facts := []ui.Fact{{Name: "Patience", Text: or(patienceLines(r), "")}}
	if r.Prompt != nil {
		facts = append(facts, ui.Fact{Name: "Prompt", Text: r.Prompt.String()})
	}
	return append(facts, []ui.Fact{
		{Name: "Parameters", Text: or(parameterLines(r.Parameters), "as the call asks")},
		{Name: "Cache", Text: cache},
		{Name: "Stickiness", Text: stick},
		{Name: "Privacy", Text: kept},
		{Name: "Client gone", Text: gone},
		{Name: "Not expressible", Text: unsupported},
	}...)
}

// history fills in the versions.
func (p Aliases) history(ctx context.Context, v *page.Visit, view *detailView) error {
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
		view.Versions = append(view.Versions, versionRow{version.Number, what(version, earlier), authors.Name(version.Author), version.CreatedAt, version.Number == view.Alias.Version})
	}
	return nil
}

// perRequest is the mean cost of a priced call.
func perRequest(v detailView) string {
	if v.Traffic.Week.Calls <= v.Traffic.Week.Unpriced {
		return ui.Nothing
	}
	return ui.MoneyText(each(v.Traffic.Week.Cost, v.Traffic.Week.Calls-v.Traffic.Week.Unpriced))
}

// eachDelta is how the mean cost changed against the week before.
func eachDelta(t traffic) ui.Delta {
	return ui.DeltaOf(int64(each(t.Week.Cost, t.Week.Calls-t.Week.Unpriced)), int64(each(t.Before.Cost, t.Before.Calls-t.Before.Unpriced)), ui.Down)
}

// firstToken is the p95 of the week, if any call streamed.
func firstToken(t traffic) string {
	if t.FirstToken.FirstByteP95 <= 0 {
		return ui.Nothing
	}
	return ui.SpanText(t.FirstToken.FirstByteP95)
}

// estimatedBadge says when a part of the week's cost is counted by us.
func estimatedBadge(t traffic) string {
	if t.Week.Estimated > 0 {
		return "partly estimated"
	}
	return "exact"
}
