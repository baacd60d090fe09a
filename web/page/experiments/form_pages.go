package experiments

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// NewForm asks for a plan. ?alias= chooses what it is about; ?prompt=, a= and b= the versions that are compared.
func (p Experiments) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := fresh()
	f.Alias = v.Query("alias")
	if f.Prompt = v.Query("prompt"); f.Prompt != "" {
		f.Arms[0].Version, f.Arms[1].Version = v.Query("a"), v.Query("b")
	}
	return p.show(ctx, v, f, http.StatusOK)
}

// EditForm asks for another plan of a draft. What has started is shown as its result.
func (p Experiments) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	e, err := p.Experiments.Experiment(ctx, v.Scope(), id.Experiment(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	if e.Status != experiment.Draft {
		return page.See(path(e.ID)), nil
	}
	return p.show(ctx, v, of(e), http.StatusOK)
}

// Create makes a draft, or starts it at once; or it carries out a button of the form.
func (p Experiments) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	if v.Form("do") == "replay" {
		return p.replayed(ctx, v, f)
	}
	plan, err := p.checked(ctx, v, f)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	e, err := p.Experiments.Create(ctx, v.Scope(), plan)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	return p.begin(ctx, v, f, e)
}

// Edit gives a draft another plan, and starts it if that was asked.
func (p Experiments) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	e, err := p.Experiments.Experiment(ctx, v.Scope(), id.Experiment(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.ID = e.ID
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	if v.Form("do") == "replay" {
		return p.replayed(ctx, v, f)
	}
	plan, err := p.checked(ctx, v, f)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	e, err = p.Experiments.Update(ctx, v.Scope(), e.ID, plan, unchanged(f.Revision))
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	return p.begin(ctx, v, f, e)
}

var errStale = experiment.ErrNotDraft.Say("Not saved: somebody changed this draft meanwhile. Open it again to see it.")

func unchanged(revision int) func(experiment.Experiment) error {
	return func(now experiment.Experiment) error {
		if now.Revision != revision {
			return errStale
		}
		return nil
	}
}

// checked is the plan of the form. One that is to start needs a source of quality that has anything to say, or none at all.
func (p Experiments) checked(ctx context.Context, v *page.Visit, f form) (experiment.Plan, error) {
	plan, err := f.plan()
	if err != nil || v.Form("do") != "start" || plan.AA || plan.Quality == experiment.CostLatency || plan.Quality == experiment.Judge {
		return plan, err
	}
	forecast, err := p.Experiments.Forecast(ctx, v.Scope(), plan)
	if err != nil {
		return plan, err
	}
	if forecast.Scored == 0 && forecast.CallsPerDay > 0 {
		return plan, errNoQuality
	}
	return plan, nil
}

// errNoQuality stops a test that could never say “not worse”.
var errNoQuality = fault.New(fault.Invalid, "experiment.no_quality", "None of the last 7 days’ calls has this quality, so the test could never say “not worse”. Send scores first, choose another source, or measure cost and latency alone.").At("quality")

// replay is what last week's calls would have said: a sentence, and what to know about it; or why there is nothing to say.
type replay struct {
	Reading experiment.Reading
	Trouble string
}

// replayed asks what the calls of the last 7 days would have said. The alias's first target stands for the control, and each arm's own
// model for the arm: calls that went there, because they were not dealt.
func (p Experiments) replayed(ctx context.Context, v *page.Visit, f form) (page.Reply, error) {
	plan, err := f.plan()
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	r := experiment.Replay{Plan: plan, From: v.Now.AddDate(0, 0, -7), To: v.Now}
	if !plan.AA {
		a, err := p.Aliases.Alias(ctx, v.Scope(), plan.Alias)
		if err != nil {
			return p.again(ctx, v, f, err)
		}
		for _, arm := range plan.Variants {
			t := a.Route.Targets[0]
			if arm.Target != nil {
				t = *arm.Target
			}
			r.Slices = append(r.Slices, experiment.Slice{Arm: arm.Name, Provider: t.Provider, Model: t.Model})
		}
	}
	f.Replay = &replay{}
	if f.Replay.Reading, err = p.Experiments.Replay(ctx, v.Scope(), r); err != nil {
		trouble, _, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		f.Replay.Trouble = trouble.Message
	}
	return p.show(ctx, v, f, http.StatusOK)
}

// begin starts what was saved, where that was asked.
func (p Experiments) begin(ctx context.Context, v *page.Visit, f form, e experiment.Experiment) (page.Reply, error) {
	if v.Form("do") != "start" {
		return page.See(path(e.ID) + "/edit?done=saved"), nil
	}
	if _, err := p.Experiments.Start(ctx, v.Scope(), e.ID); err != nil {
		f.ID, f.Revision = e.ID, e.Revision // it is a draft now
		return p.again(ctx, v, f, err)
	}
	return page.See(path(e.ID) + "?done=started"), nil
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Experiments) again(ctx context.Context, v *page.Visit, f form, err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	f.Trouble, f.Offer = trouble, errors.Is(err, errNoQuality) && trouble.Field == "quality"
	return p.show(ctx, v, f, status)
}

func (p Experiments) show(ctx context.Context, v *page.Visit, f form, status int) (page.Reply, error) {
	var err error
	if f.Choices, err = p.choices(ctx, v); err != nil {
		return page.Reply{}, err
	}
	if err := p.expect(ctx, v, &f); err != nil {
		return page.Reply{}, err
	}
	title := "New experiment"
	if f.editing() {
		title = "Edit " + f.Name
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Experiments, Toasts: done(v)}, edit(f, v.Now)).As(status), nil
}

// expect fills in what the plan can be expected to show, as far as it is filled in.
func (p Experiments) expect(ctx context.Context, v *page.Visit, f *form) error {
	if f.Alias == "" {
		return nil
	}
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(f.Alias))
	if errors.Is(err, alias.ErrNotFound) {
		f.Alias = ""
		return nil
	}
	if err != nil {
		return err
	}
	f.Current = &a
	plan, err := f.plan()
	if err != nil {
		return nil //nolint:nilerr // a half-typed plan has no forecast; saving it says what is wrong
	}
	forecast, err := p.Experiments.Forecast(ctx, v.Scope(), plan)
	if _, _, mendable := page.Wrong(err); err != nil && !mendable {
		return err
	}
	if err == nil {
		f.Forecast = &forecast
	}
	return nil
}

// The bounds of what pickers offer.
const (
	aliasesMax = 500
	keysMax    = 200
	modelsMax  = 500
	promptsMax = 500
)

// choices reads what pickers offer, as far as the caller's role may see it.
func (p Experiments) choices(ctx context.Context, v *page.Visit) (choices, error) {
	out := choices{Credentials: map[string][]credentialChoice{}}
	var err error
	if out.Aliases, _, err = p.Aliases.List(ctx, v.Scope(), "", "", aliasesMax); err != nil {
		return out, err
	}
	if out.Keys, _, err = p.Keys.List(ctx, v.Scope(), key.Filter{State: key.Usable}, "", keysMax); err != nil {
		return out, err
	}
	if v.Can(tenant.ReadCredentials) {
		list, err := p.Credentials.List(ctx, v.Scope())
		if err != nil {
			return out, err
		}
		for _, c := range list {
			out.Credentials[c.Provider] = append(out.Credentials[c.Provider], credentialChoice{string(c.ID), c.Name})
		}
	}
	if v.Can(tenant.ReadPrompts) {
		if out.Prompts, _, err = p.Prompts.List(ctx, v.Scope(), prompt.Filter{}, "", promptsMax); err != nil {
			return out, err
		}
	}
	book, err := p.Prices.Book(ctx)
	if err != nil {
		return out, err
	}
	for _, vendor := range p.Vendors {
		if vendor.Auth != "none" && len(out.Credentials[vendor.ID]) == 0 {
			continue
		}
		out.Vendors = append(out.Vendors, vendor)
		for _, r := range book.Models(vendor.ID, v.Now) {
			if r.Model != price.AnyModel && len(out.Models) < modelsMax {
				out.Models = append(out.Models, modelChoice{r.Model, vendor.Name})
			}
		}
	}
	return out, nil
}

// unscored reports whether the chosen quality was seen in none of the traffic, so that the test could not say “not worse”.
func (f form) unscored() bool {
	return f.Forecast != nil && f.Forecast.Scored == 0 && f.Forecast.CallsPerDay > 0 && !f.AA &&
		f.Quality != string(experiment.CostLatency) && f.Quality != string(experiment.Judge)
}

// reach is what tests of each length see, for the drawing.
func (f form) reach() ui.ReachView {
	v := ui.ReachView{Chosen: -1}
	for i, l := range f.Forecast.Lengths {
		value := l.Quality
		if f.Quality == string(experiment.CostLatency) {
			v.Measure, value = ui.Relative, l.Cost
		}
		v.Points = append(v.Points, ui.ReachPoint{Label: strconv.Itoa(l.Days) + " days", Value: value})
		if strconv.Itoa(l.Days) == f.Days {
			v.Chosen = i
		}
	}
	if plan, err := f.plan(); err == nil && v.Measure == ui.Points {
		v.Margin = plan.Margin
	}
	return v
}

// drawn reports whether the drawing has two points at least.
func (f form) drawn() bool {
	n := 0
	for _, p := range f.reach().Points {
		if p.Value > 0 {
			n++
		}
	}
	return n > 1
}

// facts are the forecast in pairs.
func (f form) facts() []ui.Fact {
	c := f.Forecast
	out := []ui.Fact{{Name: "Units", Text: "about " + ui.CountText(c.UnitsTotal) + " in " + f.Days + " days"}}
	if f.Quality != string(experiment.CostLatency) {
		scored := share(c.Scored)
		switch {
		case !c.Measured && c.Scored == 0:
			scored = "none was seen yet"
		case !c.Measured:
			scored += ", assumed: none was seen yet"
		}
		out = append(out, ui.Fact{Name: "Scored", Text: scored})
	}
	if c.SavingKnown && len(f.Arms) > 1 {
		word := "about " + ui.MoneyText(c.SavingPerMonth) + " a month"
		if c.SavingPerMonth < 0 {
			word = "costs about " + ui.MoneyText(-c.SavingPerMonth) + " a month more"
		}
		out = append(out, ui.Fact{Name: "Saving if " + f.Arms[1].Name + " wins", Text: word})
	} else {
		out = append(out, ui.Fact{Name: "Saving", Text: "not known: a price is missing"})
	}
	if c.EarlyDay > 0 {
		out = append(out, ui.Fact{Name: "A clear win", Text: "may show from day " + strconv.Itoa(c.EarlyDay)})
	}
	if f.Quality == string(experiment.Judge) {
		cost := ui.MoneyText(c.JudgeCost)
		if c.JudgeCost == 0 {
			cost = "cost not known"
		}
		out = append(out, ui.Fact{Name: "Judge", Text: ui.CountText(c.JudgeCalls) + " samples, " + cost})
	}
	return out
}
