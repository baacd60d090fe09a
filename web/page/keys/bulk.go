package keys

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// bulkView asks before an action on several keys, or tells what it did.
type bulkView struct {
	Action  key.Action
	Verb    string
	Hidden  []ui.Param // what the next form sends again
	Rows    []bulkRow
	Facts   []string
	Busy    bool
	Trouble string
	Done    bool // it was done: rows say what became of each
	Overlap string
	Day     string
	Teams   people.Teams
	Team    string
	Tags    string
	Clock   ui.Clock
	Env     string // new secrets, as lines of a file
}

// bulkRow is one key of it.
type bulkRow struct {
	Name, Href, Mask string
	State            ui.State
	Word             string
	Who              string
	Hour, Day        int64
}

// bulkVerb is an action on n keys in words.
func bulkVerb(a key.Action, n int) string {
	keys := ui.Plural(int64(n), "key", "keys")
	switch a {
	case key.DoDisable:
		return "Disable " + keys
	case key.DoEnable:
		return "Enable " + keys
	case key.DoRevoke:
		return "Revoke " + keys
	case key.DoRotate:
		return "Rotate " + keys
	case key.DoExpire:
		return "Set the last day of " + keys
	case key.DoMove:
		return "Move " + keys + " to a team"
	case key.DoTag:
		return "Tag " + keys
	}
	return keys
}

// bulkOptions are the actions that the list offers.
func bulkOptions() []ui.Option {
	return []ui.Option{
		{Value: string(key.DoDisable), Text: "Disable"},
		{Value: string(key.DoEnable), Text: "Enable"},
		{Value: string(key.DoRotate), Text: "Rotate"},
		{Value: string(key.DoExpire), Text: "Set last day"},
		{Value: string(key.DoMove), Text: "Move to a team"},
		{Value: string(key.DoTag), Text: "Add tags"},
		{Value: string(key.DoRevoke), Text: "Revoke"},
	}
}

// errNoneChosen is for a list of which nothing is marked.
var errNoneChosen = fault.New(fault.Invalid, "page.no_key_chosen", "Mark at least one key, then choose what to do.")

// readBulk is the form as it was posted; parameters of the action are wanted only with sure.
func readBulk(v *page.Visit) (key.Bulk, error) {
	b := key.Bulk{Action: key.Action(v.Form("action")), Calls: streams(v), Team: id.Team(v.Form("team_id")), Tags: page.Pairs(v.Form("tags"))}
	for _, k := range v.HTTP.PostForm["key"] {
		b.IDs = append(b.IDs, id.Key(k))
	}
	if len(b.IDs) == 0 {
		return b, errNoneChosen
	}
	var err error
	if text := v.Form("overlap"); text != "" {
		if b.Overlap, err = time.ParseDuration(text); err != nil {
			return b, errOverlap
		}
	}
	if day := v.Form("expires_at"); day != "" {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return b, key.ErrInvalid.Say("Write the last day as year-month-day.").At("expires_at")
		}
		b.ExpiresAt = at.AddDate(0, 0, 1)
	}
	return b, nil
}

// Bulk tells what an action on the marked keys would do, with numbers, and does it once sure=1 is posted.
func (p Keys) Bulk(ctx context.Context, v *page.Visit) (page.Reply, error) {
	b, err := readBulk(v)
	if err != nil {
		return page.Reply{}, err
	}
	if v.Form("sure") == "" {
		return p.askBulk(ctx, v, b, nil)
	}
	effects, err := p.Keys.Bulk(ctx, v.Scope(), b)
	if err != nil {
		return p.askBulk(ctx, v, b, err)
	}
	view := bulkView{Action: b.Action, Verb: bulkVerb(b.Action, len(b.IDs)), Done: true, Clock: ui.Clock{Now: v.Now}}
	done := 0
	for _, e := range effects {
		r := newBulkRow(view.Clock, e)
		switch {
		case e.Err != nil:
			r.State, r.Word = ui.Act, message(e.Err)
		case e.Same:
			r.State, r.Word = ui.Idle, "Was so already"
		default:
			r.State, r.Word = ui.Fine, "Done"
			done++
		}
		if b.Action == key.DoRotate && e.Err == nil && !e.Same {
			s := e.Secret.Reveal()
			view.Env += "# " + e.Key.Name + "\n" + client.Variable + "=" + s + "\n"
		}
		view.Rows = append(view.Rows, r)
	}
	view.Facts = []string{ui.CountText(int64(done)) + " of " + ui.Plural(int64(len(effects)), "key", "keys") + " changed. In force everywhere within a second."}
	return page.Show(layout.Frame{Title: view.Verb, Active: layout.Keys}, bulk(view)), nil
}

// message is what an error says to people.
func message(err error) string {
	if t, _, ok := page.Wrong(err); ok {
		return t.Message
	}
	return "There is no such key."
}

func newBulkRow(c ui.Clock, e key.Effect) bulkRow {
	r := bulkRow{Name: e.Key.Name, Href: path(e.Key.ID), Mask: mask(e.Key), Hour: e.Reach.HourCalls, Day: e.Reach.DayCalls, Who: strings.Join(e.Reach.Workflows, ", ")}
	if r.Name == "" { // it is not there, or not the reader's to see
		r.Name, r.Href, r.Mask = "No such key", "/keys", ""
	}
	r.State, r.Word, _ = status(e.Key, c.Now)
	return r
}

// askBulk plays the action, and asks.
func (p Keys) askBulk(ctx context.Context, v *page.Visit, b key.Bulk, trouble error) (page.Reply, error) {
	view := bulkView{Action: b.Action, Verb: bulkVerb(b.Action, len(b.IDs)), Overlap: "24h", Clock: ui.Clock{Now: v.Now}, Day: v.Form("expires_at"), Tags: v.Form("tags"), Team: v.Form("team_id")}
	code := http.StatusOK
	if trouble != nil {
		t, status, mendable := page.Wrong(trouble)
		if !mendable {
			return page.Reply{}, trouble
		}
		view.Trouble, code, view.Overlap = t.Message, status, v.Form("overlap")
	}
	dry := b
	dry.DryRun = true
	if b.Action == key.DoMove || b.Action == key.DoTag || b.Action == key.DoExpire { // what they need is asked for on this page
		dry = key.Bulk{Action: key.DoEnable, IDs: b.IDs, DryRun: true}
	}
	if !slices.Contains(key.Actions, b.Action) {
		return page.Reply{}, key.ErrAction
	}
	effects, err := p.Keys.Bulk(ctx, v.Scope(), dry)
	if err != nil {
		return page.Reply{}, err
	}
	view.fill(effects, b)
	if view.Teams, err = people.ListTeams(ctx, p.Accounts, v.Scope()); err != nil {
		return page.Reply{}, err
	}
	if view.Team == "" && len(view.Teams) > 0 {
		view.Team = string(view.Teams[0].ID)
	}
	return page.Show(layout.Frame{Title: view.Verb, Active: layout.Keys}, bulk(view)).As(code), nil
}

// fill lays out the effects of a dry run, and sums them up.
func (v *bulkView) fill(effects []key.Effect, b key.Bulk) {
	var hour, day, users int64
	used := 0
	var workflows []string
	for _, e := range effects {
		r := newBulkRow(v.Clock, e)
		if e.Err != nil && b.Action != key.DoExpire && b.Action != key.DoMove && b.Action != key.DoTag {
			r.State, r.Word = ui.Act, message(e.Err)
		}
		v.Rows = append(v.Rows, r)
		v.Hidden = append(v.Hidden, ui.Param{Name: "key", Value: string(e.Key.ID)})
		hour, day, users = hour+e.Reach.HourCalls, day+e.Reach.DayCalls, users+e.Reach.EndUsers
		if e.Reach.DayCalls > 0 {
			used++
		}
		workflows = append(workflows, e.Reach.Workflows...)
	}
	slices.Sort(workflows)
	workflows = slices.Compact(workflows)
	v.Hidden = append(v.Hidden, ui.Param{Name: "action", Value: string(b.Action)}, ui.Param{Name: "sure", Value: "1"})
	v.Busy = hour > 0
	if day == 0 {
		v.Facts = []string{"No call used any of them in the last 24 hours."}
		return
	}
	v.Facts = []string{ui.Plural(day, "call", "calls") + " used " + ui.CountText(int64(used)) + " of them in the last 24 hours, " + ui.CountText(hour) + " in the last hour."}
	if len(workflows) > 0 {
		v.Facts = append(v.Facts, ui.Plural(int64(len(workflows)), "workflow", "workflows")+": "+some(workflows)+".")
	}
	if users > 0 {
		v.Facts = append(v.Facts, "About "+ui.Plural(users, "end user", "end users")+".")
	}
}

// warns reports whether the action turns calls away.
func (v bulkView) warns() bool { return v.Action == key.DoDisable || v.Action == key.DoRevoke }

// cuts reports whether calls under way can be cut by it.
func (v bulkView) cuts() bool { return v.warns() || v.Action == key.DoRotate }
