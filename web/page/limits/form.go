package limits

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// form is a limit as it is typed. The zero ID is a limit to be added.
type form struct {
	ID       id.Limit
	Revision int
	Was      string

	Name   string
	Scope  scope.Fields
	Metric string
	Amount string
	Per    string // "second", "minute", "hour", "day"; nothing for calls at once
	Mode   string // "refuse" or "watch"
	Off    bool

	Trouble page.Trouble
	Choices scope.Choices
}

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return Path
}

func (f form) above() string {
	return f.Trouble.Above("name", "selector", "each", "metric", "amount", "per", "watch")
}

func (f form) field(name, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(name)}
}

func (f form) name() ui.InputView {
	return ui.InputView{FieldView: f.field("name", "Name", "It stands in the 429 that callers get."), Value: f.Name, Placeholder: "Fair use", Required: true, Autofocus: !f.editing(), MaxLength: 100}
}

func (f form) which() scope.Form {
	return scope.Form{Fields: f.Scope, Choices: f.Choices, Trouble: f.Trouble, Noun: "limit"}
}

func (f form) amount() ui.InputView {
	return ui.InputView{FieldView: f.field("amount", "At most", ""), Value: f.Amount, Inputmode: "numeric", Placeholder: "600", Required: true, Autocomplete: "off"}
}

func (f form) metric() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("metric", "Of", ""), Value: f.Metric}
	for _, m := range limit.Metrics {
		v.Options = append(v.Options, ui.Option{Value: string(m), Text: metricText(m)})
	}
	return v
}

// periods are how long a limit counts, by the words of the form.
func periods() map[string]time.Duration {
	return map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
}

func (f form) per() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("per", "In any", "Not for calls at once."), Value: f.Per}
	for _, p := range []string{"second", "minute", "hour", "day"} {
		v.Options = append(v.Options, ui.Option{Value: p, Text: p})
	}
	return v
}

func (f form) mode() ui.SelectView {
	return ui.SelectView{FieldView: f.field("watch", "A call that comes too soon", ""), Value: f.Mode, Options: []ui.Option{
		{Value: "refuse", Text: "Is refused", Note: "429 with Retry-After"},
		{Value: "watch", Text: "Passes", Note: "Marked as one that would have been refused"},
	}}
}

func (f form) offBox() ui.CheckView {
	return ui.CheckView{Name: "off", Label: "Off for now", Note: "Kept, and neither enforced nor counted", Checked: f.Off}
}

func read(get func(string) string) form {
	revision, err := strconv.Atoi(get("revision"))
	if err != nil {
		revision = 0
	}
	return form{
		Revision: revision, Name: strings.TrimSpace(get("name")), Scope: scope.Read(get), Metric: get("metric"), Amount: strings.TrimSpace(get("amount")),
		Per: get("per"), Mode: get("watch"), Off: get("off") != "",
	}
}

func of(l limit.Limit) form {
	f := form{
		ID: l.ID, Revision: l.Revision, Was: l.Name, Name: l.Name, Scope: scope.Of(l.Selector, l.Each), Metric: string(l.Metric),
		Amount: strconv.FormatInt(l.Amount, 10), Per: "minute", Mode: "refuse", Off: l.Off,
	}
	for word, d := range periods() {
		if d == l.Per {
			f.Per = word
		}
	}
	if l.Watch {
		f.Mode = "watch"
	}
	return f
}

// limit is what the form says. Its errors are limit.ErrInvalid at a field; the service checks the rest.
func (f form) limit() (limit.New, error) {
	n := limit.New{Name: f.Name, Selector: f.Scope.Selector(), Each: f.Scope.EachName(), Metric: limit.Metric(f.Metric), Watch: f.Mode == "watch", Off: f.Off}
	if f.Scope.Each == "tag" && f.Scope.EachTag == "" {
		return n, limit.ErrInvalid.Say("Name the tag whose values are counted one by one.").At("each")
	}
	var err error
	if n.Amount, err = strconv.ParseInt(strings.ReplaceAll(f.Amount, ",", ""), 10, 64); err != nil {
		return n, limit.ErrInvalid.Say("Write a whole number.").At("amount")
	}
	if n.Metric != limit.Concurrency {
		n.Per = periods()[f.Per]
	}
	return n, nil
}

func (p Limits) show(ctx context.Context, v *page.Visit, title string, f form) (page.Reply, error) {
	var err error
	if f.Choices, err = scope.Offer(ctx, v, scope.Sources{Teams: p.Teams, Aliases: p.Aliases, Keys: p.Keys, Vendors: p.Offered}); err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Limits}, edit(f)), nil
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Limits) again(ctx context.Context, v *page.Visit, title string, f form, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, limit.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = trouble
	reply, err := p.show(ctx, v, title, f)
	return reply.As(code), err
}

// NewForm asks for a limit. An address fills fields in, by their names.
func (p Limits) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v.Query)
	if f.Metric == "" {
		f.Metric = string(limit.Requests)
	}
	if f.Per == "" {
		f.Per = "minute"
	}
	if f.Mode == "" {
		f.Mode = "refuse"
	}
	return p.show(ctx, v, "Add limit", f)
}

// Create adds a limit.
func (p Limits) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v.Form)
	n, err := f.limit()
	if err == nil {
		_, err = p.Limits.Create(ctx, v.Scope(), n)
	}
	if err != nil {
		return p.again(ctx, v, "Add limit", f, err)
	}
	return page.See(Path + "?done=added"), nil
}

// EditForm asks for changes.
func (p Limits) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	l, err := p.Limits.Limit(ctx, v.Scope(), which(v))
	if err != nil {
		return page.Reply{}, err
	}
	return p.show(ctx, v, "Change "+l.Name, of(l))
}

// Edit saves changes, unless somebody else changed the limit meanwhile.
func (p Limits) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	was, err := p.Limits.Limit(ctx, v.Scope(), which(v))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v.Form)
	f.ID, f.Was = was.ID, was.Name
	n, err := f.limit()
	if err != nil {
		return p.again(ctx, v, "Change "+was.Name, f, err)
	}
	change := limit.Change{Name: &n.Name, Selector: &n.Selector, Each: &n.Each, Metric: &n.Metric, Amount: &n.Amount, Per: &n.Per, Watch: &n.Watch, Off: &n.Off}
	_, err = p.Limits.Update(ctx, v.Scope(), was.ID, change, func(now limit.Limit) error {
		if now.Revision != f.Revision {
			return limit.ErrStale.Say("Not saved: somebody changed this limit meanwhile. Open it again to see the change.")
		}
		return nil
	})
	if err != nil {
		return p.again(ctx, v, "Change "+was.Name, f, err)
	}
	return page.See(Path + "?done=saved"), nil
}

// Archive ends a limit. It can be restored.
func (p Limits) Archive(ctx context.Context, v *page.Visit) (page.Reply, error) {
	l, err := p.Limits.Archive(ctx, v.Scope(), which(v))
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=archived&limit=" + string(l.ID)), nil
}

// Restore lets an archived limit hold again.
func (p Limits) Restore(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if _, err := p.Limits.Restore(ctx, v.Scope(), which(v)); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=restored"), nil
}
