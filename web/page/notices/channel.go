package notices

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

func channelPath(which id.Channel) string { return Path + "/channels/" + string(which) }

// form is a channel as it is typed. The zero Was is a channel to be added.
type form struct {
	Was      notice.Channel
	Name     string
	Medium   string
	Target   string
	Kinds    map[notice.Kind]bool
	On       bool
	Revision int
	Trouble  page.Trouble
}

func (f form) editing() bool { return f.Was.ID != "" }

func (f form) action() string {
	if f.editing() {
		return channelPath(f.Was.ID)
	}
	return Path + "/channels"
}

func (f form) above() string { return f.Trouble.Above("name", "medium", "target") }

func (f form) field(name, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(name)}
}

func (f form) name() ui.InputView {
	return ui.InputView{FieldView: f.field("name", "Name", ""), Value: f.Name, Placeholder: "On-call", Required: true, MaxLength: 100, Autofocus: !f.editing()}
}

func (f form) medium() ui.SelectView {
	return ui.SelectView{FieldView: f.field("medium", "Kind", ""), Value: f.Medium, Options: []ui.Option{
		{Value: string(notice.Email), Text: "E-mail", Note: "One address"},
		{Value: string(notice.Slack), Text: "Slack", Note: "The URL of an incoming webhook, also of Mattermost"},
		{Value: string(notice.Webhook), Text: "Webhook", Note: "Signed JSON, Standard Webhooks"},
	}}
}

func (f form) target() ui.InputView {
	v := ui.InputView{FieldView: f.field("target", "Address", "An e-mail address, or an https URL. URLs are kept sealed."), Value: f.Target, Placeholder: "ops@example.com", Required: !f.editing(), Mono: true, Autocomplete: "off"}
	if f.editing() {
		v.Help, v.Placeholder, v.Optional = "Empty: it stays as it is.", f.Was.Hint, true
	}
	return v
}

func kindField(k notice.Kind) string { return "kind." + string(k) }

func (f form) kinds() []ui.CheckView {
	var out []ui.CheckView
	for _, k := range notice.Kinds {
		out = append(out, ui.CheckView{Name: kindField(k), Label: kindText(k), Checked: f.Kinds[k]})
	}
	return out
}

func (f form) on() ui.CheckView {
	return ui.CheckView{Name: "on", Label: "On", Note: "Off, nothing is sent there", Checked: f.On}
}

func read(v *page.Visit) form {
	f := form{Name: strings.TrimSpace(v.Form("name")), Medium: v.Form("medium"), Target: strings.TrimSpace(v.Form("target")), On: v.Form("on") != "", Kinds: map[notice.Kind]bool{}}
	f.Revision, _ = strconv.Atoi(v.Form("revision")) // none is one that matches nothing
	for _, k := range notice.Kinds {
		f.Kinds[k] = v.Form(kindField(k)) != ""
	}
	return f
}

func of(c notice.Channel) form {
	f := form{Was: c, Name: c.Name, Medium: string(c.Medium), On: !c.Off, Revision: c.Revision, Kinds: map[notice.Kind]bool{}}
	for _, k := range c.Kinds {
		f.Kinds[k] = true
	}
	return f
}

// chosen is the kinds that are marked; none stands for all.
func (f form) chosen() []notice.Kind {
	var out []notice.Kind
	for _, k := range notice.Kinds {
		if f.Kinds[k] {
			out = append(out, k)
		}
	}
	if len(out) == len(notice.Kinds) {
		return nil
	}
	return out
}

func show(title string, f form) page.Reply {
	return page.Show(layout.Frame{Title: title, Active: layout.Alerts}, edit(title, f))
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func again(title string, f form, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, notice.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = trouble
	return show(title, f).As(code), nil
}

// NewForm asks for a channel.
func (p Notices) NewForm(_ context.Context, _ *page.Visit) (page.Reply, error) {
	return show("Add channel", form{Medium: string(notice.Email)}), nil
}

// Create adds a channel. A webhook's secret is shown in the answer to the form itself, this once.
func (p Notices) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	c, secret, err := p.Notices.Create(ctx, v.Scope(), notice.NewChannel{Name: f.Name, Medium: notice.Medium(f.Medium), Target: f.Target, Kinds: f.chosen()})
	switch {
	case err != nil:
		return again("Add channel", f, err)
	case secret == "":
		return page.See(Path + "?done=added"), nil
	}
	return page.Show(layout.Frame{Title: c.Name + " added", Active: layout.Alerts}, signed(c, secret)).As(http.StatusCreated), nil
}

// EditForm shows a channel and asks for changes.
func (p Notices) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	c, err := p.Notices.Channel(ctx, v.Scope(), id.Channel(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return show(c.Name, of(c)), nil
}

// Edit saves changes, unless somebody else changed the channel meanwhile.
func (p Notices) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	was, err := p.Notices.Channel(ctx, v.Scope(), id.Channel(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.Was, f.Medium = was, string(was.Medium)
	kinds, off := f.chosen(), !f.On
	change := notice.ChannelChange{Name: &f.Name, Kinds: &kinds, Off: &off}
	if f.Target != "" {
		change.Target = &f.Target
	}
	_, err = p.Notices.Update(ctx, v.Scope(), was.ID, change, func(now notice.Channel) error {
		if now.Revision != f.Revision {
			return notice.ErrInvalid.Say("Not saved: somebody changed this channel meanwhile. Open it again to see the change.")
		}
		return nil
	})
	if err != nil {
		return again(was.Name, f, err)
	}
	return page.See(Path + "?done=saved"), nil
}

// Test sends a test.
func (p Notices) Test(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if _, err := p.Notices.Try(ctx, v.Scope(), id.Channel(v.Param("id"))); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=tested"), nil
}

// Rotate gives a webhook a new secret and shows it, this once.
func (p Notices) Rotate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	c, secret, err := p.Notices.Rotate(ctx, v.Scope(), id.Channel(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: c.Name + " has a new secret", Active: layout.Alerts}, signed(c, secret)), nil
}

// Delete removes a channel.
func (p Notices) Delete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Notices.Delete(ctx, v.Scope(), id.Channel(v.Param("id"))); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=deleted"), nil
}
