package routing

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// mapRow is one line of what the file means: a task, the alias it leads to, and the models behind it.
type mapRow struct {
	Task        string // "": the alias is called by its name
	Alias, Href string
	Calls       int64 // yesterday
	New         bool
	Rules       int
	Targets     []mapTarget
	Then        []string
	Notes       []string // "answered from cache"
}

type mapTarget struct {
	Text  string
	Share string // "70%"; "": no draw
	Was   string // what the live version says, where that is another
	New   bool
	Off   bool
}

// mapMost bounds the rows: beyond, the list of aliases is the better page.
const mapMost = 60

// lost is an alias that goes, and how many calls asked for it in the last 24 hours.
type lost struct {
	Alias string
	Calls int64
}

// lost are the aliases that one file has and another does not, as far as anybody calls them.
func (p Page) lost(ctx context.Context, v *page.Visit, was, is alias.File) ([]lost, error) {
	var gone []string
	for name := range was.Aliases {
		if _, stays := is.Aliases[name]; !stays {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	slices.Sort(gone)
	got, err := p.Usage.Costs(ctx, v.Scope(), usage.Query{
		From: v.Now.AddDate(0, 0, -1), To: v.Now, GroupBy: []usage.Dimension{usage.Alias}, Filter: map[usage.Dimension][]string{usage.Alias: gone},
	})
	if err != nil {
		return nil, err
	}
	var out []lost
	for _, r := range got.Rows {
		if r.Calls > 0 {
			out = append(out, lost{r.Values[usage.Alias], r.Calls})
		}
	}
	return out, nil
}

// meaning fills in what a file means, against the live version where that is another.
func (p Page) meaning(ctx context.Context, v *page.Visit, out *view, is alias.File) error {
	today := v.Now.UTC().Truncate(24 * time.Hour)
	got, err := p.Usage.Costs(ctx, v.Scope(), usage.Query{From: today.AddDate(0, 0, -1), To: today, GroupBy: []usage.Dimension{usage.Alias}})
	if err != nil {
		return err
	}
	calls := map[string]int64{}
	for _, r := range got.Rows {
		calls[r.Values[usage.Alias]] = r.Calls
	}
	list, _, err := p.Routing.List(ctx, v.Scope(), "", "", aliasesMost)
	if err != nil {
		return err
	}
	hrefs := map[string]string{}
	for _, a := range list {
		hrefs[a.Name] = "/aliases/" + url.PathEscape(string(a.ID))
	}
	add := func(task, name string) {
		if len(out.Map) == mapMost {
			out.Others++
			return
		}
		r := row(name, is.Aliases[name], out.Live.File)
		r.Task, r.Calls, r.Href = task, calls[name], hrefs[name]
		out.Map = append(out.Map, r)
	}
	led := map[string]bool{}
	for _, task := range slices.Sorted(maps.Keys(is.Tasks)) {
		add(task, is.Tasks[task])
		led[is.Tasks[task]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(is.Aliases)) {
		if !led[name] {
			add("", name)
		}
	}
	return nil
}

// aliasesMost is as many as a file has.
const aliasesMost = 500

func row(name string, r alias.Route, live alias.File) mapRow {
	was, there := live.Aliases[name]
	out := mapRow{Alias: name, New: !there, Rules: len(r.Rules)}
	for _, t := range r.Targets {
		out.Targets = append(out.Targets, oneTarget(t, r, was, there))
	}
	for _, b := range r.Fallbacks {
		out.Then = append(out.Then, b.Model)
	}
	if r.Cache.Mode == alias.CacheExact {
		out.Notes = append(out.Notes, "the same call is answered from cache")
	}
	switch r.Strategy {
	case alias.Cheapest:
		out.Notes = append(out.Notes, "the cheapest first")
	case alias.Fastest:
		out.Notes = append(out.Notes, "the fastest first")
	case alias.LeastBusy:
		out.Notes = append(out.Notes, "the least busy first")
	case alias.Ordered, alias.Weighted:
	}
	return out
}

func oneTarget(t alias.Target, r, was alias.Route, there bool) mapTarget {
	out := mapTarget{Text: t.Provider + "/" + t.Model, Off: t.Off, Share: percent(t, r)}
	if t.Via == alias.ViaBatch {
		out.Text += ", batch"
	}
	if !there {
		return out
	}
	for _, o := range was.Targets {
		if o.Provider == t.Provider && o.Model == t.Model {
			if before := percent(o, was); before != out.Share {
				out.Was = before
			}
			return out
		}
	}
	out.New = true
	return out
}

// percent is a target's part of its tier, where a draw decides.
func percent(t alias.Target, r alias.Route) string {
	drawn := r.Strategy == alias.Weighted || r.Strategy == "" && weighs(r.Targets)
	switch {
	case drawn:
	case len(r.Targets) == 1:
		return "100%"
	default:
		return ""
	}
	sum := 0
	for _, o := range r.Targets {
		if o.Order == t.Order && !o.Off {
			sum += o.Share()
		}
	}
	if t.Off {
		return "0%"
	}
	return strings.Replace(ui.ShareText(int64(t.Share()), int64(sum)), ".0%", "%", 1)
}

func weighs(targets []alias.Target) bool {
	return slices.ContainsFunc(targets, func(t alias.Target) bool { return t.Weight > 0 })
}
