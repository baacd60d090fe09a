package notices

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

// house is a Service of one organization.
type house struct {
	notices    []notice.Notice
	channels   []notice.Channel
	deliveries []notice.Delivery
	made       notice.NewChannel
	change     notice.ChannelChange
	did        []string
	fail       error
}

func (h *house) List(_ context.Context, _ tenant.Scope, f notice.Filter, _ id.Notice, _ int) ([]notice.Notice, bool, error) {
	var out []notice.Notice
	for _, n := range h.notices {
		if !f.Unread || n.ReadAt.IsZero() {
			out = append(out, n)
		}
	}
	return out, false, h.fail
}

func (h *house) Unread(context.Context, tenant.Scope) (int, error) {
	n := 0
	for _, v := range h.notices {
		if v.ReadAt.IsZero() {
			n++
		}
	}
	return n, nil
}

func (h *house) MarkRead(context.Context, tenant.Scope, []id.Notice) (int, error) {
	h.did = append(h.did, "read")
	return 1, h.fail
}

func (h *house) Channels(context.Context, tenant.Scope) ([]notice.Channel, error) {
	return h.channels, nil
}

func (h *house) Channel(_ context.Context, _ tenant.Scope, which id.Channel) (notice.Channel, error) {
	for _, c := range h.channels {
		if c.ID == which {
			return c, nil
		}
	}
	return notice.Channel{}, notice.ErrNoChannel
}

func (h *house) Create(_ context.Context, _ tenant.Scope, n notice.NewChannel) (notice.Channel, string, error) {
	h.made = n
	secret := ""
	if n.Medium == notice.Webhook {
		secret = "whsec_shown-once"
	}
	return notice.Channel{ID: "chan_new", Name: n.Name, Medium: n.Medium}, secret, h.fail
}

func (h *house) Update(ctx context.Context, in tenant.Scope, which id.Channel, c notice.ChannelChange, check func(notice.Channel) error) (notice.Channel, error) {
	was, err := h.Channel(ctx, in, which)
	if err == nil {
		err = check(was)
	}
	if err == nil {
		h.change, err = c, h.fail
	}
	return was, err
}

func (h *house) Rotate(ctx context.Context, in tenant.Scope, which id.Channel) (notice.Channel, string, error) {
	c, err := h.Channel(ctx, in, which)
	return c, "whsec_the-new-one", err
}

func (h *house) Delete(_ context.Context, _ tenant.Scope, which id.Channel) error {
	h.did = append(h.did, "deleted "+string(which))
	return h.fail
}

func (h *house) Try(_ context.Context, _ tenant.Scope, which id.Channel) (notice.Delivery, error) {
	h.did = append(h.did, "tested "+string(which))
	return notice.Delivery{}, h.fail
}

func (h *house) Deliveries(_ context.Context, _ tenant.Scope, _ id.Channel, state notice.State, _ id.Delivery, _ int) ([]notice.Delivery, bool, error) {
	var out []notice.Delivery
	for _, d := range h.deliveries {
		if state == "" || d.State == state {
			out = append(out, d)
		}
	}
	return out, false, nil
}

func (h *house) Resend(_ context.Context, _ tenant.Scope, which id.Delivery) (notice.Delivery, error) {
	h.did = append(h.did, "resent "+string(which))
	return notice.Delivery{}, h.fail
}

func sample() *house {
	now := pagetest.Now()
	mark := notice.Notice{ID: "note_1", New: notice.New{
		Kind: notice.BudgetMark, Title: "Support is at 90% of its month", Text: "$450.00 of $500.00 is spent or reserved. Raise it, or calls are refused from $500.00.", Path: "/budgets/bud_1",
		At: now.Add(-20 * time.Minute),
	}}
	leak := notice.Notice{ID: "note_2", ReadAt: now, New: notice.New{
		Kind: notice.KeyLeaked, Title: "The key <b>ci</b> was found in public", Text: "It was revoked.", Path: "//evil.example", At: now.AddDate(0, 0, -2),
	}}
	return &house{
		notices: []notice.Notice{mark, leak},
		channels: []notice.Channel{
			{ID: "chan_1", Name: "On-call", Medium: notice.Email, Hint: "ops@example.com", SentAt: now.Add(-time.Hour), Revision: 3},
			{ID: "chan_2", Name: "Receiver", Medium: notice.Webhook, Hint: "hooks.example.com", Kinds: []notice.Kind{notice.KeyLeaked}, Off: true, OffReason: "it was answered with status 410", Revision: 1},
		},
		deliveries: []notice.Delivery{
			{ID: "dlv_1", Notice: mark, Name: "On-call", State: notice.Kept, At: now.Add(-20 * time.Minute)},
			{ID: "dlv_2", Notice: mark, Name: "Receiver", State: notice.Pending, Attempts: 2, Error: "it was answered with status 503", NextAt: now.Add(time.Minute), At: now.Add(-20 * time.Minute)},
			{ID: "dlv_3", Notice: leak, Name: "Receiver", State: notice.Failed, Attempts: 8, Error: "it could not be reached", At: now.AddDate(0, 0, -2)},
			{ID: "dlv_4", Notice: leak, Name: "On-call", State: notice.Sent, Attempts: 1, At: now.AddDate(0, 0, -2)},
		},
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address string
		role          tenant.Role
		house         *house
		page          func(Notices) page.Func
		id            string
	}{
		{"list", "/alerts", tenant.Owner, sample(), func(p Notices) page.Func { return p.List }, ""},
		{"list_viewer", "/alerts", tenant.Viewer, sample(), func(p Notices) page.Func { return p.List }, ""},
		{"list_unread", "/alerts?show=unread", tenant.Owner, sample(), func(p Notices) page.Func { return p.List }, ""},
		{"list_empty", "/alerts", tenant.Owner, &house{}, func(p Notices) page.Func { return p.List }, ""},
		{"inbox", "/alerts/inbox", tenant.Owner, sample(), func(p Notices) page.Func { return p.Inbox }, ""},
		{"new", "/alerts/channels/new", tenant.Owner, sample(), func(p Notices) page.Func { return p.NewForm }, ""},
		{"edit", "/alerts/channels/chan_2", tenant.Owner, sample(), func(p Notices) page.Func { return p.EditForm }, "chan_2"},
		{"rotated", "/alerts/channels/chan_2/rotate", tenant.Owner, sample(), func(p Notices) page.Func { return p.Rotate }, "chan_2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := tt.page(Notices{tt.house})(t.Context(), pagetest.Visit(tt.address, tt.role, map[string]string{"id": tt.id}))
			if err != nil {
				t.Fatal(err)
			}
			html := pagetest.HTML(t, r)
			golden.Equal(t, tt.name+".html", html)
			if strings.Contains(string(html), "evil.example") {
				t.Error("a notice leads to another site")
			}
		})
	}
}

// posted is a form that was sent.
func posted(address string, params map[string]string, form url.Values) *page.Visit {
	v := pagetest.Visit(address, tenant.Owner, params)
	v.HTTP.PostForm = form
	return page.NewVisit(v.HTTP, v.Login, v.Visitor, v.Now, v.ID, v.Param)
}

func TestAChannelIsAddedAsItIsTyped(t *testing.T) {
	t.Parallel()
	h := sample()
	p := Notices{h}
	r, err := p.Create(t.Context(), posted("/alerts/channels", nil, url.Values{
		"name": {" Receiver 2 "}, "medium": {"webhook"}, "target": {"https://hooks.example.com"}, "kind.key.leaked": {"1"},
	}))
	if err != nil || r.Status != http.StatusCreated || !strings.Contains(string(pagetest.HTML(t, r)), "whsec_shown-once") {
		t.Fatalf("%+v %v", r, err)
	}
	if h.made.Name != "Receiver 2" || h.made.Medium != notice.Webhook || h.made.Target != "https://hooks.example.com" || len(h.made.Kinds) != 1 || h.made.Kinds[0] != notice.KeyLeaked {
		t.Errorf("%+v", h.made)
	}
	if r, err = p.Create(t.Context(), posted("/alerts/channels", nil, url.Values{"name": {"x"}, "medium": {"email"}, "target": {"a@example.com"}})); err != nil || r.To != "/alerts?done=added" {
		t.Errorf("%+v %v", r, err)
	}
	h.fail = notice.ErrTaken
	r, err = p.Create(t.Context(), posted("/alerts/channels", nil, url.Values{"name": {"On-call"}, "medium": {"email"}, "target": {"a@example.com"}}))
	if err != nil || r.Status != http.StatusConflict || !strings.Contains(string(pagetest.HTML(t, r)), "Another channel has this name") {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAChannelIsChangedUnlessSomebodyElseDid(t *testing.T) {
	t.Parallel()
	h := sample()
	p := Notices{h}
	at := map[string]string{"id": "chan_1"}
	r, err := p.Edit(t.Context(), posted("/alerts/channels/chan_1", at, url.Values{"name": {"Night"}, "on": {"1"}, "revision": {"3"}}))
	if err != nil || r.To != "/alerts?done=saved" || *h.change.Name != "Night" || *h.change.Off || h.change.Target != nil || len(*h.change.Kinds) != 0 {
		t.Errorf("%+v %v %+v", r, err, h.change)
	}
	r, err = p.Edit(t.Context(), posted("/alerts/channels/chan_1", at, url.Values{"name": {"Night"}, "revision": {"2"}}))
	if err != nil || r.Status < 400 || !strings.Contains(string(pagetest.HTML(t, r)), "somebody changed this channel") {
		t.Errorf("%+v %v", r, err)
	}
}

func TestButtonsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	h := sample()
	p := Notices{h}
	for _, do := range []page.Func{p.Test, p.Delete, p.Resend, p.MarkRead} {
		if r, err := do(t.Context(), posted("/alerts", map[string]string{"id": "x"}, nil)); err != nil || r.Kind != page.Go {
			t.Errorf("%+v %v", r, err)
		}
	}
	if got := strings.Join(h.did, ", "); got != "tested x, deleted x, resent x, read" {
		t.Error(got)
	}
}
