// Package experiments holds the pages of A/B tests on aliases: the list, the form with its forecast, the result with its verdict, what
// can be done about it, and the note on the method.
package experiments

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Service manages experiments; *experiment.Service does.
type Service interface {
	Create(ctx context.Context, in tenant.Scope, p experiment.Plan) (experiment.Experiment, error)
	Update(ctx context.Context, in tenant.Scope, which id.Experiment, p experiment.Plan, check func(experiment.Experiment) error) (experiment.Experiment, error)
	Experiment(ctx context.Context, in tenant.Scope, which id.Experiment) (experiment.Experiment, error)
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
	Readings(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) ([]experiment.Reading, error)
	Start(ctx context.Context, in tenant.Scope, which id.Experiment) (experiment.Experiment, error)
	Stop(ctx context.Context, in tenant.Scope, which id.Experiment) (experiment.Experiment, error)
	Promote(ctx context.Context, in tenant.Scope, which id.Experiment, arm string, pace experiment.Pace) (experiment.Experiment, error)
	Rollback(ctx context.Context, in tenant.Scope, which id.Experiment) (experiment.Experiment, error)
	Release(ctx context.Context, in tenant.Scope, which id.Experiment, arm string) (*experiment.Release, error)
	Delete(ctx context.Context, in tenant.Scope, which id.Experiment) error
	Forecast(ctx context.Context, in tenant.Scope, p experiment.Plan) (experiment.Forecast, error)
	Replay(ctx context.Context, in tenant.Scope, r experiment.Replay) (experiment.Reading, error)
	Segments(ctx context.Context, in tenant.Scope, which id.Experiment, by string) ([]experiment.Segment, error)
	Pairs(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) ([]experiment.Pair, error)
}

// Aliases lists what can be tested; *alias.Service does.
type Aliases interface {
	Alias(ctx context.Context, in tenant.Scope, which id.Alias) (alias.Alias, error)
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Credentials lists what targets can name; *credential.Service does.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Keys lists who may judge; *key.Service does.
type Keys interface {
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
}

// Prices knows which models there are; *price.Service does.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
}

// Usage tells what an alias carried.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Prompts lists those whose versions can be compared; *prompt.Service does.
type Prompts interface {
	List(ctx context.Context, in tenant.Scope, f prompt.Filter, after string, limit int) ([]prompt.Prompt, bool, error)
}

// Experiments answers its pages. All fields are required.
type Experiments struct {
	Experiments Service
	Aliases     Aliases
	Credentials Credentials
	Keys        Keys
	Prices      Prices
	Usage       Usage
	Prompts     Prompts
	People      people.MemberLister
	Vendors     []provider.Vendor
}

// Path is where the list is.
const Path = "/experiments"

// Href is where an experiment's result is.
func Href(which id.Experiment) string { return path(which) }

func path(which id.Experiment) string { return Path + "/" + url.PathEscape(string(which)) }

func aliasPath(which id.Alias) string { return "/aliases/" + url.PathEscape(string(which)) }

// letter is how pages call the i-th arm: A is the control.
func letter(i int) string { return string(rune('A' + i)) }

// armIndex is the place of an arm in the plan; -1: there is none.
func armIndex(p experiment.Plan, name string) int {
	for i, v := range p.Variants {
		if v.Name == name {
			return i
		}
	}
	return -1
}

// armText is what the i-th arm is: its model, its version of the prompt, what it sets, or the alias as it is.
func armText(p experiment.Plan, i int) string {
	v := p.Variants[i]
	var parts []string
	if v.Target != nil {
		parts = append(parts, v.Target.Provider+"/"+v.Target.Model)
	}
	if v.Prompt != nil {
		parts = append(parts, cmp.Or(p.PromptName, string(v.Prompt.Prompt))+"@"+strconv.Itoa(v.Prompt.Version))
	}
	parts = append(parts, parameterWords(v.Parameters)...)
	if len(parts) == 0 {
		return p.AliasName + ", now"
	}
	return strings.Join(parts, ", ")
}

// goalText says a goal in words.
func goalText(p experiment.Plan) string {
	switch p.Goal {
	case experiment.Cheaper:
		return "cheaper, not worse"
	case experiment.Better:
		return "better within a cost cap"
	case experiment.Faster:
		return "faster, not worse"
	default:
		return string(p.Goal)
	}
}

// qualityText says where quality comes from.
func qualityText(p experiment.Plan) string {
	switch p.Quality {
	case experiment.Scores:
		return "score “" + p.ScoreName + "”"
	case experiment.SchemaRate:
		return "answers with valid JSON"
	case experiment.ToolRate:
		return "valid tool calls"
	case experiment.RetryRate:
		return "calls not repeated"
	case experiment.Judge:
		return "judged by a model"
	case experiment.CostLatency:
		return "not measured"
	default:
		return string(p.Quality)
	}
}

// Badge is where an experiment stands, in the words of verdicts.
func Badge(e experiment.Experiment, now time.Time) ui.BadgeView {
	switch e.Status {
	case experiment.Draft:
		return ui.BadgeView{Tone: ui.Outline, Text: "Draft"}
	case experiment.Reverted:
		return ui.BadgeView{Tone: ui.Bad, Text: reverted(e)}
	case experiment.Invalid:
		return ui.BadgeView{Tone: ui.Bad, Text: "Invalid"}
	case experiment.Promoted:
		if e.Ramp != nil && !e.Ramp.Over {
			return ui.BadgeView{Tone: ui.Info, Text: "Promoting " + e.Winner}
		}
		return ui.BadgeView{Tone: ui.OK, Text: "Promoted: " + e.Winner}
	case experiment.Active, experiment.Stopped:
	}
	return verdictBadge(e, now)
}

func reverted(e experiment.Experiment) string {
	if e.Reading != nil && e.Reading.Verdict == experiment.Breach {
		return "Breach, reverted"
	}
	return "Rolled back"
}

// verdictBadge is what the newest reading says.
func verdictBadge(e experiment.Experiment, now time.Time) ui.BadgeView {
	verdict := experiment.Collecting
	if e.Reading != nil {
		verdict = e.Reading.Verdict
	}
	switch verdict {
	case experiment.Winner:
		return ui.BadgeView{Tone: ui.OK, Text: "Winner: " + e.Reading.Best}
	case experiment.NoDifference:
		return ui.BadgeView{Text: "No meaningful difference"}
	case experiment.KeepControl:
		return ui.BadgeView{Tone: ui.Warn, Text: "Keep " + e.Plan.Variants[0].Name}
	case experiment.Inconclusive:
		return ui.BadgeView{Tone: ui.Warn, Text: "Inconclusive"}
	case experiment.Breach:
		return ui.BadgeView{Tone: ui.Bad, Text: "Breach, reverted"}
	case experiment.Void:
		return ui.BadgeView{Tone: ui.Bad, Text: "Invalid: split not fair"}
	case experiment.Collecting:
	}
	if e.Status != experiment.Active {
		return ui.BadgeView{Text: "Stopped"}
	}
	left := int64(max(e.Ends().Sub(now)+24*time.Hour-1, 0) / (24 * time.Hour))
	return ui.BadgeView{Tone: ui.Info, Text: "Collecting, " + ui.Plural(left, "day", "days") + " left"}
}

// waiting reports whether a verdict stands and somebody has to decide.
func waiting(e experiment.Experiment) bool {
	if e.Reading == nil || (e.Status != experiment.Active && e.Status != experiment.Stopped) {
		return false
	}
	return e.Reading.Verdict == experiment.Winner || (e.Reading.Verdict == experiment.NoDifference && armIndex(e.Plan, e.Reading.Best) > 0)
}

// day is how far an experiment is: the day it is in, and of how many.
func day(e experiment.Experiment, now time.Time) (int, int) {
	if e.StartedAt.IsZero() {
		return 0, e.Plan.Days
	}
	at := now
	if !e.EndedAt.IsZero() && e.EndedAt.Before(now) {
		at = e.EndedAt
	}
	return min(int(at.Sub(e.StartedAt)/(24*time.Hour))+1, e.Plan.Days), e.Plan.Days
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "started":
		return []ui.Toast{{Text: "Started. Every proxy deals calls to the arms within a second."}}
	case "saved":
		return []ui.Toast{{Text: "Kept as a draft. Nothing changes for any call."}}
	case "stopped":
		return []ui.Toast{{Text: "Stopped. Every call goes where the alias says."}}
	case "promoted":
		return []ui.Toast{{Text: "Promotion has begun. It can be rolled back at any time."}}
	case "rolledback":
		return []ui.Toast{{Text: "Rolled back. The alias is as it was before."}}
	case "deleted":
		return []ui.Toast{{Text: "Draft deleted."}}
	default:
		return nil
	}
}
