package keys

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

type createdView struct {
	Key    key.Key
	Secret string
	Facts  []ui.Fact
	Caller client.Caller
	Waits  bool // the reader may see calls, so the page can tell when one arrives
}

func (v createdView) snippet() ui.SnippetChoice { return v.Caller.Panel("first-call", "First call") }

func (v createdView) env() string { return client.Variable + "=" + v.Secret }

// Create makes a key and shows its secret: this once, in the answer to the form itself.
func (p Keys) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	n, err := f.key()
	if err != nil {
		return p.again(ctx, v, "Create key", f, err)
	}
	made, err := p.Issuer.Issue(ctx, v.Scope(), n)
	if err != nil {
		return p.again(ctx, v, "Create key", f, err)
	}
	k, secret := made.Key, made.Secret
	teams, err := people.ListTeams(ctx, p.Accounts, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	caller, err := p.caller(ctx, v, k)
	if err != nil {
		return page.Reply{}, err
	}
	caller.Key = secret.Reveal()
	view := createdView{
		Key: k, Secret: secret.Reveal(), Facts: facts(k, teams, ui.Clock{Now: v.Now}), Waits: v.Can(tenant.ReadCalls),
		Caller: caller,
	}
	frame := layout.Frame{Title: k.Name + " created", Active: layout.Keys, Stream: view.Waits}
	return page.Show(frame, created(view)).As(http.StatusCreated), nil
}

// facts are what a key is, in pairs.
func facts(k key.Key, teams people.Teams, clock ui.Clock) []ui.Fact {
	out := []ui.Fact{
		{Name: "Team", Text: teams.Name(k.Team)},
		{Name: "Environment", Text: k.Environment},
		{Name: "May call", Text: callable(k)},
	}
	if k.Workflow != "" {
		out = append(out, ui.Fact{Name: "Workflow", Text: k.Workflow})
	}
	if k.Task != "" {
		out = append(out, ui.Fact{Name: "Task", Text: k.Task})
	}
	if len(k.Tags) > 0 {
		out = append(out, ui.Fact{Name: "Tags", Text: tagText(k.Tags), Code: true})
	}
	networks := of(k).Networks
	if networks == "" {
		networks = "any"
	}
	expires := "never"
	if !k.ExpiresAt.IsZero() {
		expires = ui.MomentFull(clock, k.ExpiresAt)
	}
	out = append(out, ui.Fact{Name: "Endpoints", Text: endpointText(k)})
	if k.Kind == key.PersonalKey {
		out = append(out, ui.Fact{Name: "Kind", Text: "personal: it ends with its owner’s membership"})
	}
	if k.BudgetStatus == http.StatusTooManyRequests {
		out = append(out, ui.Fact{Name: "Budget full", Text: "answered with 429 in place of 402"})
	}
	if k.DropUnsupported {
		out = append(out, ui.Fact{Name: "Unsupported", Text: "dropped, with a warning"})
	}
	return append(out,
		ui.Fact{Name: "Networks", Text: networks},
		ui.Fact{Name: "Kept", Text: privacyText(k.Privacy)},
		ui.Fact{Name: "Expires", Text: expires},
	)
}

func callable(k key.Key) string {
	if len(k.Aliases)+len(k.Models) == 0 {
		return "every alias and model"
	}
	return strings.Join(append(append([]string{}, k.Aliases...), k.Models...), ", ")
}

func endpointText(k key.Key) string {
	if len(k.Endpoints) == 0 {
		return "every"
	}
	var out []string
	for _, e := range k.Endpoints {
		out = append(out, string(e))
	}
	return strings.Join(out, ", ")
}

func privacyText(p key.Privacy) string {
	switch p {
	case key.PrivacyNone:
		return "tokens, cost and time"
	case key.PrivacyFull:
		return "bodies too"
	case key.PrivacyMetadata:
		return "metadata, no bodies"
	default:
		return string(p)
	}
}

// receivedView is the key's first call.
type receivedView struct {
	ID     string
	Status int
	OK     bool
	Took   time.Duration
	Entry  calllog.Entry
}

func (r receivedView) href() string { return "/requests/" + r.ID }

// text says what arrived: a refusal has arrived too, and says what to mend.
func (r receivedView) text() string {
	if !r.OK {
		return "A call arrived and was answered with " + ui.CountText(int64(r.Status)) + ": " + r.Entry.ErrorCode
	}
	text := "First call received: " + ui.SpanText(r.Took)
	switch r.Entry.Price {
	case calllog.Unpriced:
		return text + ", no price known"
	case calllog.Free:
		return text + ", free"
	case calllog.NoCharge:
		return text + ", no charge"
	case calllog.Priced:
	}
	return text + ", " + ui.MoneyCall(r.Entry.Cost)
}

func (r receivedView) state() ui.State {
	if r.OK {
		return ui.Fine
	}
	return ui.Soon
}

// clockSkew is how much earlier than its key a call may seem to be, where two machines disagree about the time.
const clockSkew = time.Hour

// firstCall is the key's first call that was answered well; before there is one, the newest that was not.
func (p Keys) firstCall(ctx context.Context, in tenant.Scope, k key.Key) (calllog.Entry, bool, error) {
	good := calllog.Filter{Keys: []id.Key{k.ID}, Outcomes: []calllog.Outcome{calllog.OK}}
	from := calllog.Turn{After: &calllog.Cursor{At: k.CreatedAt.Add(-clockSkew)}, Limit: 1}
	got, err := p.Calls.List(ctx, in, good, from)
	if err == nil && len(got.Calls) == 0 {
		got, err = p.Calls.List(ctx, in, calllog.Filter{Keys: []id.Key{k.ID}, From: from.After.At}, calllog.Turn{Limit: 1})
	}
	if err != nil || len(got.Calls) == 0 {
		return calllog.Entry{}, false, err
	}
	return got.Calls[0], true, nil
}

// Events sends what became of the key's first call: each refusal as it comes, until a call has been answered well, and then ends.
func (p Keys) Events(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Key(ctx, v.Scope(), id.Key(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	in, filter := v.Scope(), calllog.Filter{Keys: []id.Key{k.ID}}
	return page.Stream(func(ctx context.Context, send func(event, data string) error) error {
		seen := id.Call{}
		// Follow names its place before the question is asked, so a call between page and stream is not missed.
		for _, err := range p.Calls.Follow(ctx, in, filter, 0) {
			if err != nil {
				return err
			}
			e, ok, err := p.firstCall(ctx, in, k)
			if err != nil {
				return err
			}
			if !ok || e.ID == seen {
				if err := send("wait", ""); err != nil {
					return err
				}
				continue
			}
			seen = e.ID
			r := receivedView{ID: e.ID.String(), Status: e.Status, OK: e.Outcome == calllog.OK, Took: e.Duration, Entry: e}
			var b bytes.Buffer
			if err := received(r).Render(ctx, &b); err != nil {
				return err
			}
			event := "arrived"
			if r.OK {
				event = "received"
			}
			if err := send(event, b.String()); err != nil || r.OK {
				return err
			}
		}
		return nil
	}), nil
}
