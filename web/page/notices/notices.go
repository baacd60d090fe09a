// Package notices holds the pages of alerts: what the organization was told, by which channels, and whether it arrived.
package notices

import (
	"context"
	"strconv"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Path is where the pages are.
const Path = "/alerts"

// Service tells notices and manages channels; *notice.Service does.
type Service interface {
	List(ctx context.Context, in tenant.Scope, f notice.Filter, after id.Notice, limit int) ([]notice.Notice, bool, error)
	Unread(ctx context.Context, in tenant.Scope) (int, error)
	MarkRead(ctx context.Context, in tenant.Scope, which []id.Notice) (int, error)
	Channels(ctx context.Context, in tenant.Scope) ([]notice.Channel, error)
	Channel(ctx context.Context, in tenant.Scope, which id.Channel) (notice.Channel, error)
	Create(ctx context.Context, in tenant.Scope, n notice.NewChannel) (notice.Channel, string, error)
	Update(ctx context.Context, in tenant.Scope, which id.Channel, c notice.ChannelChange, check func(notice.Channel) error) (notice.Channel, error)
	Rotate(ctx context.Context, in tenant.Scope, which id.Channel) (notice.Channel, string, error)
	Delete(ctx context.Context, in tenant.Scope, which id.Channel) error
	Try(ctx context.Context, in tenant.Scope, which id.Channel) (notice.Delivery, error)
	Deliveries(ctx context.Context, in tenant.Scope, of id.Channel, state notice.State, after id.Delivery, limit int) ([]notice.Delivery, bool, error)
	Resend(ctx context.Context, in tenant.Scope, which id.Delivery) (notice.Delivery, error)
}

var _ Service = (*notice.Service)(nil)

// Notices answers its pages.
type Notices struct{ Notices Service }

const (
	noticesShown    = 50
	deliveriesShown = 30
)

type listView struct {
	Rows         []row
	Unread       string // "3", "100 or more"; "": none
	Shows        []ui.Choice
	Channels     []channelRow
	Deliveries   []deliveryRow
	Kept         bool // some e-mails were kept, because there is no mail server
	Filtered     bool
	CanMark      bool
	CanWrite     bool
	Newer, Older string
}

type row struct {
	Title, Text, Href, Kind string
	At, Full                string
	State                   ui.State
	Word                    string
}

type channelRow struct {
	Name, Href, Hint, Note string
	State                  ui.State
	Word                   string
}

type deliveryRow struct {
	Title, To, At, Full string
	State               ui.State
	Word                string
	Resend              string
	Again               string // the words on the button
}

// List is what was told, newest first, with the channels and what went through them. Its state is ?show=unread &after=.
func (p Notices) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in, clock := v.Scope(), ui.Clock{Now: v.Now}
	f := notice.Filter{Unread: v.Query("show") == "unread"}
	found, more, err := p.Notices.List(ctx, in, f, id.Notice(v.Query("after")), noticesShown)
	if err != nil {
		return page.Reply{}, err
	}
	unread, err := p.Notices.Unread(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	view := listView{
		Unread: UnreadText(unread), Filtered: f.Unread, CanMark: v.Can(tenant.WriteNotices), CanWrite: v.Can(tenant.WriteChannels),
		Shows: []ui.Choice{{Text: "All", Href: Path, Current: !f.Unread}, {Text: "Unread", Href: Path + "?show=unread", Count: UnreadText(unread), Current: f.Unread}},
	}
	for _, n := range found {
		view.Rows = append(view.Rows, newRow(n, clock))
	}
	if view.Channels, err = p.channels(ctx, in, clock); err != nil {
		return page.Reply{}, err
	}
	if err := p.deliveries(ctx, in, clock, &view); err != nil {
		return page.Reply{}, err
	}
	at := Path + "?"
	if f.Unread {
		at += "show=unread&"
	}
	if more {
		view.Older = at + "after=" + string(found[len(found)-1].ID)
	}
	if v.Query("after") != "" {
		view.Newer = strings.TrimRight(at, "?&")
	}
	return page.Show(layout.Frame{Title: "Alerts", Active: layout.Alerts, Toasts: done(v)}, list(view)), nil
}

// UnreadText is a number of unread notices, for a badge; "" for none.
func UnreadText(n int) string {
	switch {
	case n == 0:
		return ""
	case n >= notice.UnreadMax:
		return "99+"
	}
	return strconv.Itoa(n)
}

// kindTexts are the kinds in words, for people who choose what they are told.
func kindText(k notice.Kind) string {
	switch k {
	case notice.BudgetMark:
		return "A budget reaches a mark"
	case notice.BudgetForecast:
		return "A budget will end too soon"
	case notice.BudgetOverrun:
		return "A call cost more than was reserved"
	case notice.BudgetRaised:
		return "A budget is raised for a while"
	case notice.KeyExpiring:
		return "A key is about to expire"
	case notice.KeyExpired:
		return "A key has expired"
	case notice.KeyRotated:
		return "A key’s secret is rotated"
	case notice.KeyLeaked:
		return "A key was found in public"
	case notice.LimitReached:
		return "A rate limit is reached"
	case notice.PromptCreated:
		return "A prompt or a version is new"
	case notice.PromptMoved:
		return "A prompt’s label is moved"
	case notice.PromptDeleted:
		return "A prompt is archived or deleted"
	case notice.PromptAsked:
		return "A move of a label waits for an approval"
	case notice.PromptFailed:
		return "A planned move of a label was not made"
	case notice.ChannelOff:
		return "A channel was turned off"
	case notice.Test:
		return "Test"
	default:
		return string(k)
	}
}

func newRow(n notice.Notice, clock ui.Clock) row {
	r := row{
		Title: n.Title, Text: n.Text, Href: local(n.Path), Kind: kindText(n.Kind), At: ui.MomentText(clock, n.At), Full: ui.MomentFull(clock, n.At),
		State: ui.Soon, Word: "Unread",
	}
	if !n.ReadAt.IsZero() {
		r.State, r.Word = ui.Idle, "Read"
	}
	return r
}

// local is a path of this dashboard, and of nowhere else.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return Path
	}
	return path
}

func (p Notices) channels(ctx context.Context, in tenant.Scope, clock ui.Clock) ([]channelRow, error) {
	list, err := p.Notices.Channels(ctx, in)
	var out []channelRow
	for _, c := range list {
		r := channelRow{Name: c.Name, Href: channelPath(c.ID), Hint: mediumText(c.Medium) + ", " + c.Hint, Note: "Nothing sent yet", State: ui.Fine, Word: "Works"}
		if !c.SentAt.IsZero() {
			r.Note = "Last sent " + ui.MomentText(clock, c.SentAt)
		}
		switch {
		case c.OffReason != "":
			r.State, r.Word, r.Note = ui.Act, "Turned off", c.OffReason
		case c.Off:
			r.State, r.Word = ui.Idle, "Off"
		case c.Failures > 0:
			r.State, r.Word = ui.Soon, "Fails"
		}
		out = append(out, r)
	}
	return out, err
}

func mediumText(m notice.Medium) string {
	switch m {
	case notice.Email:
		return "E-mail"
	case notice.Slack:
		return "Slack"
	case notice.Webhook:
	}
	return "Webhook"
}

func (p Notices) deliveries(ctx context.Context, in tenant.Scope, clock ui.Clock, view *listView) error {
	list, _, err := p.Notices.Deliveries(ctx, in, "", "", "", deliveriesShown)
	for _, d := range list {
		view.Deliveries = append(view.Deliveries, newDelivery(d, clock))
		view.Kept = view.Kept || d.State == notice.Kept
	}
	return err
}

func newDelivery(d notice.Delivery, clock ui.Clock) deliveryRow {
	r := deliveryRow{
		Title: d.Notice.Title, To: d.Name, At: ui.MomentText(clock, d.At), Full: ui.MomentFull(clock, d.At), Resend: Path + "/deliveries/" + string(d.ID) + "/resend",
		Again: "Send again",
	}
	switch d.State {
	case notice.Sent:
		r.State, r.Word = ui.Fine, "Delivered"
	case notice.Kept:
		r.State, r.Word = ui.Idle, "Kept here"
	case notice.Failed:
		r.State, r.Word = ui.Act, "Failed: "+d.Error
	case notice.Pending:
		r.State, r.Word, r.Again = ui.Idle, "On its way", "Send now"
		if d.Attempts > 0 && d.Error != "" {
			r.State, r.Word = ui.Soon, d.Error+"; next try "+ui.MomentText(clock, d.NextAt)
		}
	}
	return r
}

// MarkRead marks all notices as read.
func (p Notices) MarkRead(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if _, err := p.Notices.MarkRead(ctx, v.Scope(), nil); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=read"), nil
}

// Resend sends a delivery again.
func (p Notices) Resend(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if _, err := p.Notices.Resend(ctx, v.Scope(), id.Delivery(v.Param("id"))); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?done=resent"), nil
}

type mail struct{ Title, Text, Href, To, At string }

// Inbox is the e-mails that were kept because no mail server is set: what would have been sent.
func (p Notices) Inbox(ctx context.Context, v *page.Visit) (page.Reply, error) {
	list, _, err := p.Notices.Deliveries(ctx, v.Scope(), "", notice.Kept, "", noticesShown)
	if err != nil {
		return page.Reply{}, err
	}
	var mails []mail
	for _, d := range list {
		mails = append(mails, mail{Title: d.Notice.Title, Text: d.Notice.Text, Href: local(d.Notice.Path), To: d.Name, At: ui.MomentFull(ui.Clock{Now: v.Now}, d.At)})
	}
	return page.Show(layout.Frame{Title: "E-mails kept here", Active: layout.Alerts}, inbox(mails)), nil
}

func done(v *page.Visit) []ui.Toast {
	text := map[string]string{
		"read": "All marked as read.", "resent": "Sent again. The log below says whether it arrives.", "tested": "A test is on its way. The log below says whether it arrives.",
		"saved": "Channel saved.", "added": "Channel added. Send a test to see whether it works.", "deleted": "Channel deleted.",
	}[v.Query("done")]
	if text == "" {
		return nil
	}
	return []ui.Toast{{Text: text}}
}
