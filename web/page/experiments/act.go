package experiments

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// askView is a question before something is done: what it would do, in numbers.
type askView struct {
	E       experiment.Experiment
	Title   string
	Facts   []string
	Warning string
	Action  string
	Button  string
	Danger  bool
	Arm     string
	Paces   bool // how fast a promotion goes can be chosen
	Trouble string
	Release *experiment.Release // the label that a promotion moves; nil: none
	Refused string              // why it may not be moved
}

// carried is what an alias carried lately, for effects in numbers.
type carried struct {
	Week usage.Row
	Keys int
}

func (p Experiments) carried(ctx context.Context, v *page.Visit, name string) (carried, error) {
	got, err := p.Usage.Costs(ctx, v.Scope(), usage.Query{
		From: v.Now.AddDate(0, 0, -7), To: v.Now, Filter: map[usage.Dimension][]string{usage.Alias: {name}}, GroupBy: []usage.Dimension{usage.Key},
	})
	return carried{got.Total, len(got.Rows)}, err
}

func (c carried) text() string {
	return ui.Plural(c.Week.Calls, "call", "calls") + " of " + ui.Plural(int64(c.Keys), "key", "keys") + " asked for it in the last 7 days."
}

// effect says below the verdict what promoting would do.
func (p Experiments) effect(ctx context.Context, v *page.Visit, e experiment.Experiment) (string, error) {
	if e.Plan.AA || e.Reading == nil || (e.Status != experiment.Active && e.Status != experiment.Stopped) {
		return "", nil
	}
	c, err := p.carried(ctx, v, e.Plan.AliasName)
	if err != nil {
		return "", err
	}
	if i := shown(e); e.Plan.Variants[i].Prompt != nil && e.Plan.Variants[i].Target == nil {
		return "Promote gives half of the units of " + e.Plan.AliasName + " version " + strconv.Itoa(e.Plan.Variants[i].Prompt.Version) + " of " + e.Plan.PromptName +
			" for a day, then all, with the guardrails on for 48 h. It can be rolled back in one click. " + c.text(), nil
	}
	return "Promote makes version " + ui.CountText(int64(e.AliasAt+1)) + " of " + e.Plan.AliasName + ": half of its units for a day, then all, with the guardrails on for 48 h. It can be rolled back in one click. " + c.text(), nil
}

// AskStop, AskPromote, AskRollback and AskDelete say what would be done, with numbers.
func (p Experiments) AskStop(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, stopping, "", http.StatusOK)
}

// AskPromote asks before an arm gets the alias; ?arm= names it.
func (p Experiments) AskPromote(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, promoting, "", http.StatusOK)
}

// AskRollback asks before a promotion is taken back.
func (p Experiments) AskRollback(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, rollingBack, "", http.StatusOK)
}

// AskDelete asks before a draft goes.
func (p Experiments) AskDelete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.ask(ctx, v, deleting, "", http.StatusOK)
}

// question fills in what an action would do.
type question func(a *askView, c carried, now time.Time)

func (p Experiments) ask(ctx context.Context, v *page.Visit, q question, trouble string, status int) (page.Reply, error) {
	e, err := p.Experiments.Experiment(ctx, v.Scope(), id.Experiment(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	c, err := p.carried(ctx, v, e.Plan.AliasName)
	if err != nil {
		return page.Reply{}, err
	}
	a := askView{E: e, Arm: arm(v, e), Trouble: trouble}
	if err := p.releases(ctx, v, &a); err != nil {
		return page.Reply{}, err
	}
	q(&a, c, v.Now)
	return page.Show(layout.Frame{Title: a.Title, Active: layout.Experiments}, ask(a)).As(status), nil
}

// releases fills in what promoting the arm does to a label, or why it may not.
func (p Experiments) releases(ctx context.Context, v *page.Visit, a *askView) error {
	if i := armIndex(a.E.Plan, a.Arm); i < 0 || a.E.Plan.Variants[i].Prompt == nil {
		return nil
	}
	var err error
	if a.Release, err = p.Experiments.Release(ctx, v.Scope(), a.E.ID, a.Arm); err == nil {
		return nil
	}
	refused, _, mendable := page.Wrong(err)
	if !mendable {
		return err
	}
	a.Refused = refused.Message
	return nil
}

// arm is the one that is to be promoted: the named one, or the best.
func arm(v *page.Visit, e experiment.Experiment) string {
	name := v.Query("arm")
	if v.Form("arm") != "" {
		name = v.Form("arm")
	}
	if armIndex(e.Plan, name) > 0 {
		return name
	}
	return e.Plan.Variants[shown(e)].Name
}

func stopping(a *askView, c carried, now time.Time) {
	at, of := day(a.E, now)
	a.Title, a.Action, a.Button, a.Danger = "Stop "+a.E.Plan.Name, "stop", "Stop the experiment", true
	a.Facts = []string{"Every call of " + a.E.Plan.AliasName + " goes where the alias says again, within a second. " + c.text()}
	if a.E.Reading == nil || a.E.Reading.Verdict == experiment.Collecting {
		a.Warning = "It is day " + ui.CountText(int64(at)) + " of " + ui.CountText(int64(of)) + " and there is no verdict yet. It cannot be started again; what it found so far stays."
	}
}

func promoting(a *askView, c carried, _ time.Time) {
	a.Title, a.Action, a.Button, a.Paces = "Promote "+a.Arm, "promote", "Promote "+a.Arm, true
	a.Facts = append(a.promotion(), c.text())
	a.Warning = a.Refused
	if r := a.E.Reading; r != nil {
		a.Facts = append([]string{r.Sentence}, a.Facts...)
		if r.Verdict != experiment.Winner || r.Best != a.Arm {
			a.Warning = strings.TrimSpace(a.Warning + " The verdict does not say that " + a.Arm + " is the winner. Promoting it is your decision.")
		}
	}
}

// promotion says what promoting the arm makes: a version of the alias, the move of a label, or both.
func (a *askView) promotion() []string {
	i := armIndex(a.E.Plan, a.Arm)
	v := a.E.Plan.Variants[i]
	var out []string
	if v.Target != nil || !v.Parameters.Empty() || v.Prompt == nil || a.Release == nil && a.Refused == "" {
		out = append(out, "Version "+ui.CountText(int64(a.E.AliasAt+1))+" of "+a.E.Plan.AliasName+" sends every call to "+armText(a.E.Plan, i)+". Rules and fallbacks stay.")
	}
	if r := a.Release; r != nil {
		out = append(out, "When all units have it, the label “"+r.Label+"” of "+r.Name+" moves to version "+strconv.Itoa(r.Is)+" (from "+strconv.Itoa(r.Was)+
			"). Every call that asks for that label gets it, by other aliases too.")
	}
	return out
}

func rollingBack(a *askView, c carried, _ time.Time) {
	a.Title, a.Action, a.Button, a.Danger = "Roll "+a.E.Plan.AliasName+" back", "rollback", "Roll back", true
	a.Facts = []string{c.text()}
	if r := a.E.Ramp; r != nil && r.Release != nil && r.Made > 0 {
		a.Facts = append([]string{"The label “" + r.Release.Label + "” of " + r.Release.Name + " goes back to version " + strconv.Itoa(r.Release.Was) + ", on the next call."}, a.Facts...)
	}
	if r := a.E.Ramp; r != nil && r.Version > 0 && (r.Release == nil || r.Made > r.Version) {
		a.Facts = append([]string{"The route of version " + ui.CountText(int64(r.Version)) + " becomes the next version of " + a.E.Plan.AliasName + ", everywhere within a second."}, a.Facts...)
	}
}

func deleting(a *askView, _ carried, _ time.Time) {
	a.Title, a.Action, a.Button, a.Danger = "Delete "+a.E.Plan.Name, "delete", "Delete draft", true
	a.Facts = []string{"The draft goes. No call was ever part of it."}
}

// Start begins a draft.
func (p Experiments) Start(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Experiment(v.Param("id"))
	if _, err := p.Experiments.Start(ctx, v.Scope(), which); err != nil {
		return p.wrong(ctx, v, err)
	}
	return page.See(path(which) + "?done=started"), nil
}

// wrong shows the result, or the draft, with why something was refused.
func (p Experiments) wrong(ctx context.Context, v *page.Visit, err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	return p.result(ctx, v, trouble.Message, status)
}

// Stop ends an experiment.
func (p Experiments) Stop(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Experiment(v.Param("id"))
	_, err := p.Experiments.Stop(ctx, v.Scope(), which)
	return p.acted(ctx, v, stopping, path(which)+"?done=stopped", err)
}

// Promote gives the alias to an arm.
func (p Experiments) Promote(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Experiment(v.Param("id"))
	pace := experiment.Ramped
	if v.Form("pace") == "now" {
		pace = experiment.Immediately
	}
	_, err := p.Experiments.Promote(ctx, v.Scope(), which, v.Form("arm"), pace)
	return p.acted(ctx, v, promoting, path(which)+"?done=promoted", err)
}

// Rollback takes a promotion back.
func (p Experiments) Rollback(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Experiment(v.Param("id"))
	_, err := p.Experiments.Rollback(ctx, v.Scope(), which)
	return p.acted(ctx, v, rollingBack, path(which)+"?done=rolledback", err)
}

// Delete removes a draft.
func (p Experiments) Delete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	err := p.Experiments.Delete(ctx, v.Scope(), id.Experiment(v.Param("id")))
	return p.acted(ctx, v, deleting, Path+"?done=deleted", err)
}

// acted leads on after an action, or asks again with why it was refused.
func (p Experiments) acted(ctx context.Context, v *page.Visit, q question, to string, err error) (page.Reply, error) {
	if err == nil {
		return page.See(to), nil
	}
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	return p.ask(ctx, v, q, trouble.Message, status)
}
