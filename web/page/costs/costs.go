// Package costs is the page that answers what was spent on what: figures, bars by day, and one table of one or two levels.
package costs

import (
	"context"
	"slices"
	"strings"
	"time"

	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/filter"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

// Usage is what the page asks of package usage.
type Usage interface {
	spend.Costs
	LastData(ctx context.Context, in tenant.Scope, before time.Time) (time.Time, error)
}

// Page is the page. All fields are required.
type Page struct {
	Usage Usage
	Names filter.Source
}

// Path is where the page is.
const Path = "/costs"

// presets are the ranges of the page. Figures are kept by the hour, so there is none of an hour.
func presets() []filter.Preset {
	return []filter.Preset{filter.Day, filter.Week, filter.Days30, filter.Month, filter.LastMonth}
}

// asked is what the address asks for.
type asked struct {
	spend.Question
	at   filter.Address
	by   usage.Dimension
	then usage.Dimension // empty: one level
	sort order
}

func read(v *page.Visit) (asked, error) {
	a := asked{at: filter.At(Path, v.HTTP.URL.Query())}
	var err error
	if a.Period, err = filter.ReadPeriod(a.at, filter.Days30, v.Now, time.UTC); err != nil {
		return asked{}, err
	}
	a.Filter = filter.Dimensions(a.at)
	a.by = usage.Dimension(a.at.Get("by"))
	if a.by == "" {
		a.by = usage.Team
	}
	a.then = usage.Dimension(a.at.Get("then"))
	if !slices.Contains(usage.Dimensions, a.by) || a.then != "" && !slices.Contains(usage.Dimensions, a.then) {
		return asked{}, usage.ErrDimension
	}
	if a.then == a.by {
		a.then = ""
	}
	a.sort = readOrder(a.at)
	return a, nil
}

// Show answers the page.
func (p Page) Show(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := read(v)
	if err != nil {
		return page.Reply{}, err
	}
	in := v.Scope()
	first, err := spend.Compare(ctx, p.Usage, in, a.Question, a.by)
	if err != nil {
		return page.Reply{}, err
	}
	namer, err := p.Names.Namer(ctx, in, a.Filter[usage.Key])
	if err != nil {
		return page.Reply{}, err
	}
	namer.Keys = spend.Keys(spend.Keys(namer.Keys, first.Now.Rows), first.Before.Rows)
	if err := p.Names.NamePrompts(ctx, in, namer, a.at); err != nil {
		return page.Reply{}, err
	}
	environments, err := spend.Environments(ctx, p.Usage, in, a.Question)
	if err != nil {
		return page.Reply{}, err
	}
	b := builder{asked: a, namer: namer, first: first, palette: spend.NewPalette(a.by, first.Now.Rows, namer), calls: v.Can(tenant.ReadCalls)}
	if a.then != "" {
		if b.second, err = spend.Compare(ctx, p.Usage, in, a.Question, a.by, a.then); err != nil {
			return page.Reply{}, err
		}
		namer.Keys = spend.Keys(namer.Keys, b.second.Now.Rows)
	}
	out := b.view()
	switch {
	case b.empty():
		last, err := p.Usage.LastData(ctx, in, v.Now.Add(time.Hour))
		if err != nil {
			return page.Reply{}, err
		}
		out.Empty = b.none(last)
	case out.Total.Cost > 0:
		if out.Chart, err = b.chart().Bars(ctx, p.Usage, in); err != nil {
			return page.Reply{}, err
		}
	}
	out.API = newAPI(a, v.HTTP)
	earlier, later := a.Period.Steps(a.at)
	f := layout.Frame{
		Title: "Costs", Active: layout.Costs, Teams: namer.TeamChoices(a.at), Environments: namer.EnvironmentChoices(a.at, environments),
		Ranges: a.Period.Choices(a.at, presets()...), Custom: a.Period.Form(a.at, Path), Earlier: earlier, Later: later,
	}
	return page.Show(f, costs(out)), nil
}

func freshness(p filter.Period, upTo time.Time) *ui.Freshness {
	return &ui.Freshness{Clock: ui.Clock{Now: p.Now, Zone: p.Zone}, RolledTo: upTo}
}

// Filter adds a filter that was typed, and leads back to the page.
func (p Page) Filter(_ context.Context, v *page.Visit) (page.Reply, error) {
	at := filter.At(Path, v.HTTP.URL.Query())
	name, value := at.Get("add-name"), strings.TrimSpace(at.Get("add-value"))
	if !slices.Contains(usage.Dimensions, usage.Dimension(name)) || value == "" {
		return page.Reply{}, usage.ErrDimension
	}
	at = at.Without("add-name", "add-value")
	if have := at.All(name); !slices.Contains(have, value) {
		at = at.With(name, append(slices.Clone(have), value)...)
	}
	return page.See(at.String()), nil
}
