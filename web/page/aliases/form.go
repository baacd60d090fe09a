package aliases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// rowsMax is how many targets a form takes: as many as a route.
const rowsMax = 8

// form is an alias as it is typed. The zero ID is one to be made.
type form struct {
	ID      id.Alias
	Version int // the version that was read
	Name    string
	Message string

	Rows         []formRow
	Timeout      string // seconds
	FirstByte    string
	Attempts     string
	OnDisconnect string
	Drop         bool

	Trouble page.Trouble
	Names   names
	Models  []suggestion
}

// formRow is one target. By is "vendor", or "vendor:credential".
type formRow struct{ By, Model string }

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return "/aliases"
}

func (f form) back() string {
	if f.editing() {
		return path(f.ID)
	}
	return "/aliases"
}

// above is what belongs to no field that the form shows; a message at a target stands at its row.
func (f form) above() string {
	return f.Trouble.Above("name", "message", "route.targets", "route.timeout_ms", "route.first_byte_ms", "route.attempts", "route.on_disconnect")
}

func (f form) field(name, at, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(at)}
}

func (f form) name() ui.InputView {
	return ui.InputView{
		FieldView: f.field("name", "name", "Name", "What clients send as model. It never changes. Say what it is for: fast-classifier, coder."),
		Value:     f.Name, Mono: true, Required: true, Autofocus: true, MaxLength: 64, Placeholder: "fast-classifier",
	}
}

func (f form) message() ui.InputView {
	in := ui.InputView{FieldView: f.field("message", "message", "Why", "Kept with the version."), Value: f.Message, MaxLength: 500, Placeholder: "Haiku is cheaper for triage"}
	in.Optional = true
	return in
}

func (f form) by(i int) ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{
		Name: "by-" + strconv.Itoa(i), Label: "Provider",
		Error: f.Trouble.At(targetField(i, "provider")) + f.Trouble.At(targetField(i, "credential")),
	}, Value: f.Rows[i].By}
	v.Options = append(v.Options, ui.Option{Value: "", Text: "Choose"})
	var other []ui.Option
	for _, vendor := range f.Names.vendors {
		if !f.Names.connected(vendor) {
			other = append(other, ui.Option{Value: vendor.ID, Text: vendor.Name + ", not connected"})
			continue
		}
		v.Options = append(v.Options, ui.Option{Value: vendor.ID, Text: vendor.Name})
		for _, c := range f.Names.credentials {
			if c.Provider == vendor.ID {
				v.Options = append(v.Options, ui.Option{Value: by(alias.Target{Provider: c.Provider, Credential: c.ID}), Text: vendor.Name + ", by " + c.Name})
			}
		}
	}
	v.Options = append(v.Options, other...)
	return v
}

func (f form) model(i int) ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: "model-" + strconv.Itoa(i), Label: "Model", Error: f.Trouble.At(targetField(i, "model"))},
		Value:     f.Rows[i].Model, Mono: true, Placeholder: placeholder(f.Rows[i].By), List: "models", Autocomplete: "off",
	}
}

// rowError is what is wrong with a target as a whole.
func (f form) rowError(i int) string {
	if f.Trouble.Field == fmt.Sprintf("route.targets.%d", i) {
		return f.Trouble.Message
	}
	return ""
}

// targetsError is what is wrong with the list.
func (f form) targetsError() string {
	if f.Trouble.Field == "route.targets" {
		return f.Trouble.Message
	}
	return ""
}

func targetField(i int, part string) string { return fmt.Sprintf("route.targets.%d.%s", i, part) }

func placeholder(by string) string {
	switch vendor, _, _ := strings.Cut(by, ":"); vendor {
	case "anthropic":
		return "claude-haiku-4-5"
	case "sandbox":
		return "echo-mini"
	default:
		return "gpt-4o-mini"
	}
}

func (f form) timeout() ui.InputView {
	in := ui.InputView{FieldView: f.field("timeout", "route.timeout_ms", "Deadline of a call", "One for all attempts together. Empty: 600 seconds."), Value: f.Timeout, Inputmode: "decimal", After: "seconds"}
	in.Optional = true
	return in
}

func (f form) firstByte() ui.InputView {
	in := ui.InputView{FieldView: f.field("first_byte", "route.first_byte_ms", "Longest wait for the first token", "Then the next target is tried. Empty: none but the deadline."), Value: f.FirstByte, Inputmode: "decimal", After: "seconds"}
	in.Optional = true
	return in
}

func (f form) attempts() ui.InputView {
	in := ui.InputView{FieldView: f.field("attempts", "route.attempts", "Attempts", "First try included. Empty: one more than there are targets."), Value: f.Attempts, Inputmode: "numeric"}
	in.Optional = true
	return in
}

func (f form) onDisconnect() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "on_disconnect", Label: "When the client has gone", Error: f.Trouble.At("route.on_disconnect")}, Value: f.OnDisconnect, Options: []ui.Option{
		{Value: alias.Drain, Text: "Read to the end", Note: "Its usage is known"},
		{Value: alias.Abort, Text: "Cancel", Note: "Nothing more is paid for"},
	}}
}

func (f form) drop() ui.CheckView {
	return ui.CheckView{
		Name: "drop_unsupported", Label: "Drop what the target cannot express (with a warning) instead of refusing the call",
		Note: "A field that one provider knows and another does not", Checked: f.Drop,
	}
}

func by(t alias.Target) string {
	if t.Credential == "" {
		return t.Provider
	}
	return t.Provider + ":" + string(t.Credential)
}

// of is the form of a route.
func of(r alias.Route) form {
	f := form{Timeout: seconds(r.Timeout), FirstByte: seconds(r.FirstByte), OnDisconnect: r.OnDisconnect, Drop: r.DropUnsupported}
	if r.Attempts > 0 {
		f.Attempts = strconv.Itoa(r.Attempts)
	}
	for _, t := range r.Targets {
		f.Rows = append(f.Rows, formRow{by(t), t.Model})
	}
	return f
}

// seconds writes a duration for the form, empty for none.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond), "0"), ".")
}

// read is the form as it was posted.
func read(v *page.Visit) form {
	version, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		version = 0
	}
	f := form{
		Version: version, Name: strings.TrimSpace(v.Form("name")), Message: strings.TrimSpace(v.Form("message")), Timeout: strings.TrimSpace(v.Form("timeout")),
		FirstByte: strings.TrimSpace(v.Form("first_byte")), Attempts: strings.TrimSpace(v.Form("attempts")), OnDisconnect: v.Form("on_disconnect"),
		Drop: v.Form("drop_unsupported") != "",
	}
	for i := range rowsMax {
		n := strconv.Itoa(i)
		if _, posted := v.HTTP.PostForm["model-"+n]; posted {
			f.Rows = append(f.Rows, formRow{v.Form("by-" + n), strings.TrimSpace(v.Form("model-" + n))})
		}
	}
	return f
}

// press carries out a button of the rows: add, or up-2, down-2, drop-2. It reports whether it was one.
func (f *form) press(button string) bool {
	word, n, _ := strings.Cut(button, "-")
	i, err := strconv.Atoi(n)
	inside := err == nil && i >= 0 && i < len(f.Rows)
	switch {
	case word == "add":
		if len(f.Rows) < rowsMax {
			f.Rows = append(f.Rows, formRow{})
		}
	case word == "up" && inside && i > 0:
		f.Rows[i-1], f.Rows[i] = f.Rows[i], f.Rows[i-1]
	case word == "down" && inside && i < len(f.Rows)-1:
		f.Rows[i+1], f.Rows[i] = f.Rows[i], f.Rows[i+1]
	case word == "drop" && inside:
		f.Rows = append(f.Rows[:i:i], f.Rows[i+1:]...)
	default:
		return false
	}
	return true
}

// route is what the form says. Rows without a model and a provider are left out, also of the form, so that errors find their row.
func (f *form) route() (alias.Route, error) {
	r := alias.Route{OnDisconnect: f.OnDisconnect, DropUnsupported: f.Drop}
	rows := f.Rows[:0:0]
	for _, row := range f.Rows {
		if row.By == "" && row.Model == "" {
			continue
		}
		rows = append(rows, row)
		vendor, cred, _ := strings.Cut(row.By, ":")
		r.Targets = append(r.Targets, alias.Target{Provider: vendor, Model: row.Model, Credential: id.Credential(cred)})
	}
	f.Rows = rows
	var err error
	if r.Timeout, err = duration(f.Timeout); err != nil {
		return r, alias.ErrInvalid.Say("Write the deadline in seconds, such as 20.").At("route.timeout_ms")
	}
	if r.FirstByte, err = duration(f.FirstByte); err != nil {
		return r, alias.ErrInvalid.Say("Write the wait in seconds, such as 2.5.").At("route.first_byte_ms")
	}
	if f.Attempts != "" {
		if r.Attempts, err = strconv.Atoi(f.Attempts); err != nil {
			return r, alias.ErrInvalid.Say("Write a whole number of attempts.").At("route.attempts")
		}
	}
	for i, row := range f.Rows {
		if row.By == "" {
			return r, alias.ErrInvalid.Say("Choose a provider.").At(targetField(i, "provider"))
		}
	}
	return r, nil
}

var errSeconds = errors.New("no number of seconds")

// duration reads seconds with at most three decimals; empty is none.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) || len(text) > 10 {
		return 0, errSeconds
	}
	d, err := time.ParseDuration(text + "s")
	if err != nil || d%time.Millisecond != 0 {
		return 0, errSeconds
	}
	return d, nil
}

// NewForm asks for an alias. ?name= and ?target=provider/model fill it in.
func (p Aliases) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := form{Name: v.Query("name"), OnDisconnect: alias.Drain, Rows: []formRow{{}}}
	if vendor, model, ok := strings.Cut(v.Query("target"), "/"); ok {
		f.Rows[0] = formRow{vendor, model}
	}
	return p.show(ctx, v, f, http.StatusOK)
}

func (p Aliases) show(ctx context.Context, v *page.Visit, f form, status int) (page.Reply, error) {
	var err error
	if f.Names, err = p.names(ctx, v); err != nil {
		return page.Reply{}, err
	}
	book, err := p.Prices.Book(ctx)
	if err != nil {
		return page.Reply{}, err
	}
	f.Models = f.Names.suggestions(book, v.Now)
	if len(f.Rows) == 0 {
		f.Rows = []formRow{{}}
	}
	title := "New alias"
	if f.editing() {
		title = "Edit " + f.Name
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Aliases}, edit(f)).As(status), nil
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Aliases) again(ctx context.Context, v *page.Visit, f form, err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, alias.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = trouble
	return p.show(ctx, v, f, status)
}

// Create makes an alias, or carries out a button of its rows.
func (p Aliases) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	r, err := f.route()
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	a, err := p.Aliases.Create(ctx, v.Scope(), f.Name, r, f.Message)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	return page.See(path(a.ID) + "?done=created"), nil
}

// EditForm asks for the next version.
func (p Aliases) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := of(a.Route)
	f.ID, f.Name, f.Version = a.ID, a.Name, a.Version
	return p.show(ctx, v, f, http.StatusOK)
}

// Edit makes the next version, unless somebody else made it meanwhile; or it carries out a button of the rows.
func (p Aliases) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.ID, f.Name = a.ID, a.Name
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, http.StatusOK)
	}
	r, err := f.route()
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	after, err := p.Aliases.Update(ctx, v.Scope(), a.ID, r, f.Message, unchanged(f.Version))
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	if after.Version == f.Version {
		return page.See(path(a.ID) + "?done=same"), nil
	}
	return page.See(path(a.ID) + "?done=saved"), nil
}

// unchanged refuses a change of another version than the one that was read.
func unchanged(version int) func(alias.Alias) error {
	return func(now alias.Alias) error {
		if now.Version != version {
			return alias.ErrStale.Say("Not saved: version %d came first. Open the alias again to see it.", now.Version)
		}
		return nil
	}
}

var _ Credentials = (*credential.Service)(nil)
