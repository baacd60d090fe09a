package requests

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// callView is one call in plain values.
type callView struct {
	Clock    ui.Clock
	ID       string
	Href     string // its page
	Name     string // the alias, or the model that was asked for
	At       time.Time
	State    ui.State
	Status   string
	Note     string
	Entry    calllog.Entry
	Fall     ui.Fall
	Prices   []priceView
	Attempts []attemptView
	Why      whyView
	Effects  []effectView // of budgets and limits
	Scores   scoresView
	Facts    []ui.Fact
	Tags     []ui.Fact
	Bodies   []body
	NoBody   string // why there are none
	KeyHref  string
}

type attemptView struct {
	calllog.Attempt
	Provider   string
	Credential string
	State      ui.State
	Word       string // its status, or that there was none
	Failure    string // what was wrong; empty: nothing
}

type body struct {
	Label string
	ui.SnippetTab
	Cut bool
}

// detail reads one call and all that explains it.
func (p Page) detail(ctx context.Context, v *page.Visit, call id.Call) (callView, error) {
	in := v.Scope()
	e, err := p.Calls.Call(ctx, in, call)
	if err != nil {
		return callView{}, err
	}
	namer, err := p.Names.Namer(ctx, in, nil)
	if err != nil {
		return callView{}, err
	}
	out := callView{
		Clock: ui.Clock{Now: v.Now, Zone: time.UTC}, ID: e.ID.String(), Href: Path + "/" + e.ID.String(), Name: e.Alias, At: e.StartedAt,
		Entry: e, Fall: timeline(&e, namer),
	}
	if out.Name == "" {
		out.Name = e.Requested
	}
	out.State, out.Status, out.Note = state(&e)
	if out.Prices, err = p.prices(ctx, v, &e, namer); err != nil {
		return callView{}, err
	}
	names, err := p.credentials(ctx, v, &e)
	if err != nil {
		return callView{}, err
	}
	out.Attempts, out.Why = attemptsOf(&e, namer, names), newWhy(&e, namer, names)
	out.Effects = effects(&e)
	p.guards(ctx, v, out.Effects)
	if out.Scores, err = p.scores(ctx, v, &e, v.HTTP.URL.RequestURI()); err != nil {
		return callView{}, err
	}
	out.Facts, out.Tags = facts(&e, v.Can(tenant.ReadPrompts)), tags(&e)
	out.Bodies = bodies(e.Payload)
	if len(out.Bodies) == 0 {
		if out.NoBody, err = p.whyNoBody(ctx, in, &e); err != nil {
			return callView{}, err
		}
	}
	if v.Can(tenant.ReadKeys) && e.KeyName != "" {
		out.KeyHref = "/keys/" + string(e.Key)
	}
	return out, nil
}

// credentials are the names of the organization's credentials, for who may see them.
func (p Page) credentials(ctx context.Context, v *page.Visit, e *calllog.Entry) (map[id.Credential]string, error) {
	names := map[id.Credential]string{}
	if v.Can(tenant.ReadCredentials) && (len(e.Attempts) > 0 || e.Decision != nil) {
		have, err := p.Credentials.List(ctx, v.Scope())
		if err != nil {
			return nil, err
		}
		for i := range have {
			names[have[i].ID] = have[i].Name
		}
	}
	return names, nil
}

func attemptsOf(e *calllog.Entry, n filter.Namer, names map[id.Credential]string) []attemptView {
	var out []attemptView
	for _, a := range e.Attempts {
		next := attemptView{Attempt: a, Provider: n.Provider(a.Provider), Credential: names[a.Credential], State: ui.Fine, Word: ended(a), Failure: a.What()}
		if next.Credential == "" {
			next.Credential = string(a.Credential)
		}
		if a.ErrorClass != "" {
			next.State = ui.Act
		}
		out = append(out, next)
	}
	return out
}

// ended is the status that an attempt ended with.
func ended(a calllog.Attempt) string {
	if a.Status != 0 {
		return strconv.Itoa(a.Status)
	}
	return "no answer"
}

// facts are what a call was; linked: the visitor may open its prompt.
func facts(e *calllog.Entry, linked bool) []ui.Fact {
	out := []ui.Fact{{Name: "Call", Text: e.ID.String(), Code: true, Copy: true}}
	add := func(name, text string, code bool) {
		if text != "" {
			out = append(out, ui.Fact{Name: name, Text: text, Code: code})
		}
	}
	add("Asked for", e.Requested, true)
	if e.Alias != "" {
		add("Alias", e.Alias+", version "+strconv.Itoa(e.AliasVersion), false)
	}
	if e.Prompt != "" {
		out = append(out, prompted(e, linked))
	}
	if e.Model != "" {
		add("Answered by", e.Provider+"/"+e.Model, true)
	}
	add("Team", e.TeamName, false)
	add("Workflow", e.Workflow, false)
	add("Environment", e.Environment, false)
	add("End user", e.EndUser, false)
	kind := e.Endpoint + ", " + e.Dialect + " dialect"
	if e.Stream {
		kind += ", streamed"
	}
	add("Endpoint", kind, false)
	add("Finish", string(e.Finish), false)
	add("Error", e.ErrorCode, true)
	add("Gateway", ui.SpanText(e.Overhead)+" of its own", false)
	add("Size", ui.CountText(e.RequestBytes)+" bytes in, "+ui.CountText(e.ResponseBytes)+" out", false)
	for i := range e.Attempts {
		if up := e.Attempts[i].UpstreamID; up != "" {
			out = append(out, ui.Fact{Name: "Provider’s id", Text: up, Code: true, Copy: true})
		}
	}
	return out
}

// prompted says which version of which prompt the call used, and how it was found: "support/greeting@7 by production".
func prompted(e *calllog.Entry, linked bool) ui.Fact {
	f := ui.Fact{Name: "Prompt", Text: cmp.Or(e.PromptName, string(e.Prompt)) + "@" + strconv.Itoa(e.PromptVersion)}
	switch {
	case e.PromptLabel != "":
		f.Text += " by " + e.PromptLabel
	case e.Arm != "":
		f.Text += " by number, or by the experiment’s arm"
	default:
		f.Text += " by its number"
	}
	if linked && e.PromptName != "" {
		f.Href = "/prompts/" + string(e.Prompt)
	}
	return f
}

func tags(e *calllog.Entry) []ui.Fact {
	var out []ui.Fact
	for _, name := range slices.Sorted(maps.Keys(e.Tags)) {
		out = append(out, ui.Fact{Name: name, Text: e.Tags[name]})
	}
	return out
}

// bodyShown bounds what the page shows of a body; the API gives all that is kept.
const bodyShown = 64 << 10

func bodies(p *calllog.Payload) []body {
	if p == nil {
		return nil
	}
	var out []body
	for _, b := range []struct {
		label string
		text  []byte
	}{{"Input", p.Request}, {"Output", p.Response}} {
		if len(b.text) > 0 {
			out = append(out, newBody(b.label, b.text, p.Cut))
		}
	}
	return out
}

func newBody(label string, text []byte, cut bool) body {
	b := body{Label: label, Cut: cut}
	b.Language = ui.Text
	var indented bytes.Buffer
	if len(text) <= bodyShown && json.Indent(&indented, text, "", "  ") == nil {
		text, b.Language = indented.Bytes(), ui.JSON
	}
	if len(text) > bodyShown {
		text, b.Cut = text[:bodyShown], true
	}
	for len(text) > 0 && b.Cut {
		if r, size := utf8.DecodeLastRune(text); r != utf8.RuneError || size > 1 {
			break
		}
		text = text[:len(text)-1] // half a rune
	}
	b.Code = string(bytes.ToValidUTF8(text, []byte("�")))
	return b
}

// whyNoBody says in a sentence why no body is stored.
func (p Page) whyNoBody(ctx context.Context, in tenant.Scope, e *calllog.Entry) (string, error) {
	if e.Outcome == calllog.Refused && len(e.Attempts) == 0 {
		return "No body is stored: the call was refused before any provider saw it.", nil
	}
	k, err := p.Names.Keys.Key(ctx, in, e.Key)
	switch {
	case errors.Is(err, key.ErrNotFound):
		return "No body is stored, and the key of this call is gone.", nil
	case err != nil:
		return "", err
	case k.Privacy == key.PrivacyFull:
		return "No body is stored: the key " + k.Name + " keeps bodies now, but did not then, or their time is over.", nil
	case k.Privacy == key.PrivacyNone:
		return "No body is stored: the key " + k.Name + " keeps neither bodies nor end users.", nil
	default:
		return "No body is stored: the key " + k.Name + " keeps tags and counts only.", nil
	}
}

// used reports whether an attempt consumed anything that can cost.
func used(u chat.Usage) bool { return u.Units != chat.Units{} }

func priceTitle(p priceView) string {
	if p.Title == "" {
		return "Price"
	}
	return "Price of " + p.Title
}

func costText(v callView) string {
	if !priced(&v.Entry) {
		return "unpriced"
	}
	return ui.MoneyText(v.Entry.Cost)
}

func costNote(v callView) string {
	switch {
	case !priced(&v.Entry):
		return "no price is known"
	case v.Entry.Price == calllog.NoCharge:
		return "nothing was used"
	case v.Entry.Price == calllog.Free && v.Entry.Cost == 0:
		return "nothing to pay"
	case v.Entry.Estimated:
		return "estimated"
	default:
		return "exact, from usage"
	}
}

// toldNote compares what the providers said with our cost, where both are known of the whole call.
func toldNote(e *calllog.Entry) string {
	for i := range e.Attempts {
		if a := &e.Attempts[i]; used(a.Usage) && a.ProviderCost == nil {
			return "of some attempts: not every provider says"
		}
	}
	if !priced(e) {
		return "our cost is not known"
	}
	switch diff := *e.ProviderCost - e.Cost; {
	case diff > 0:
		return ui.MoneyExact(diff) + " more than our cost"
	case diff < 0:
		return ui.MoneyExact(-diff) + " less than our cost"
	default:
		return "the same as our cost"
	}
}

func spanText(d time.Duration) string {
	if d <= 0 {
		return ui.Nothing
	}
	return ui.SpanText(d)
}
