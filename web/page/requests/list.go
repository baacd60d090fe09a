package requests

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// listView is the list in plain values.
type listView struct {
	Clock  ui.Clock
	Query  string // what was typed and could not be read
	Wrong  string
	Chips  []ui.Filter
	Hidden []ui.Param
	Clear  string
	Title  string
	Live   bool
	Follow string // this page with the tail on or off; empty: it can't follow
	Tail   string // the address of the stream
	Rows   []line
	Pager  ui.PagerView
	Empty  ui.EmptyView
	CSV    string
	Open   *callView
	Close  string // this page without the open call
}

// line is one row.
type line struct {
	ID     string
	Href   string
	At     time.Time
	State  ui.State
	Status string
	Note   string
	Alias  string // or the model that was asked for
	Model  string // provider/model that answered
	Task   string
	Arm    string // of its experiment
	Flow   string
	Env    string
	Key    string
	Known  bool // the provider's usage
	In     int64
	Out    int64
	Cached int64
	Cost   calllog.Entry
	First  time.Duration
	Total  time.Duration
	Open   bool
}

func newList(a asked, n filter.Namer, p calllog.Page) listView {
	keys := n.Keys
	for i := range p.Calls {
		if c := &p.Calls[i]; c.KeyName != "" {
			keys[string(c.Key)] = c.KeyName
		}
		if c := &p.Calls[i]; c.PromptName != "" {
			keys[string(c.Prompt)] = c.PromptName
			keys[calllog.PromptVersion{Prompt: c.Prompt, Number: c.PromptVersion}.String()] = c.PromptName + "@" + strconv.Itoa(c.PromptVersion)
		}
	}
	out := listView{
		Clock: clock(a.period), Chips: chips(a, n), Hidden: a.at.Hidden("q", "before", "after", "open"), Live: a.live,
		Title: "Calls of " + a.period.Text(), Close: a.at.Without("open").String(),
	}
	if len(out.Chips) > 0 {
		out.Clear = a.at.Only("range", "from", "to", "live").String()
	}
	if a.filter.To.IsZero() {
		next := a.at.Without("before", "after", "open", "live")
		if !a.live {
			next = next.With("live", "1")
		}
		out.Follow = next.String()
		out.Tail = a.at.Without("before", "after").To(Path + "/tail").String()
	}
	for i := range p.Calls {
		out.Rows = append(out.Rows, newLine(a, &p.Calls[i]))
	}
	out.Pager = ui.PagerView{Text: "Newest first, " + ui.Plural(int64(len(out.Rows)), "call", "calls") + " here"}
	if p.Newer != nil && len(out.Rows) > 0 {
		out.Pager.Newer = a.at.Without("before", "open", "live").With("after", rest.EncodeCursor(p.Newer)).String()
	} else if a.turn.Before != nil || a.turn.After != nil {
		out.Pager.Newer = a.at.Without("before", "after", "open").String() // the top
	}
	if p.Older != nil {
		out.Pager.Older = a.at.Without("after", "open", "live").With("before", rest.EncodeCursor(p.Older)).String()
	}
	out.Empty = none(a, out.Clear)
	out.CSV = export(a)
	return out
}

// export is the list as a file, by the API.
func export(a asked) string {
	at := a.at.Without("q", "before", "after", "open", "live", "range").With("from", a.period.From.UTC().Format(time.RFC3339))
	if !a.filter.To.IsZero() {
		at = at.With("to", a.filter.To.UTC().Format(time.RFC3339))
	} else {
		at = at.Without("to")
	}
	return at.To(rest.Prefix+"/calls").With("limit", "200").With("format", "csv").String()
}

func none(a asked, clear string) ui.EmptyView {
	e := ui.EmptyView{Title: "No call in " + a.period.Text(), Text: "Choose a longer range, or send a request."}
	if clear != "" {
		e.Text = "No call matches these filters here."
		e.Primary = ui.Link{Text: "Clear filters", Href: clear}
	}
	if a.period.Preset != filter.Days30 {
		wider := ui.Link{Text: "Last 30 days", Href: a.at.Without("from", "to", "before", "after", "open").With("range", string(filter.Days30)).String()}
		if e.Primary.Href == "" {
			e.Primary = wider
		} else {
			e.Second = wider
		}
	} else if e.Primary.Href == "" {
		e.Primary = ui.Link{Text: "Send the first request", Href: "/get-started"}
	}
	return e
}

// chips are the filters that are on: those of the dimensions, and those that only calls have.
func chips(a asked, n filter.Namer) []ui.Filter {
	out := n.Chips(a.at.Without("open", "live"))
	chip := func(name, verb, value string, params ...string) {
		out = append(out, ui.Filter{Name: name, Verb: verb, Value: value, Remove: a.at.Without(params...).Without("before", "after", "open").String()})
	}
	if have := a.at.All("outcome"); len(have) > 0 {
		words := make([]string, len(have))
		for i, o := range have {
			words[i] = outcomes()[calllog.Outcome(o)]
		}
		chip("Outcome", "", strings.Join(words, ", "), "outcome")
	}
	if have := a.at.All("status"); len(have) > 0 {
		chip("Status", "", strings.Join(have, ", "), "status")
	}
	if code := a.at.Get("error_code"); code != "" {
		chip("Error", "", code, "error_code")
	}
	if user := a.at.Get("end_user"); user != "" {
		chip("End user", "", user, "end_user")
	}
	if have := a.at.All("batch"); len(have) > 0 {
		chip("Batch", "", strings.Join(have, ", "), "batch")
	}
	if have := a.at.All("tag"); len(have) > 0 {
		chip("Tag", "has", strings.Join(have, ", "), "tag")
	}
	return out
}

func newLine(a asked, c *calllog.Entry) line {
	l := line{
		ID: c.ID.String(), At: c.StartedAt, Alias: c.Alias, Model: "not sent", Task: c.Task, Arm: c.Arm, Flow: c.Workflow, Env: c.Environment, Key: c.KeyName,
		Known: c.Usage.Source != chat.Unknown, In: c.Usage.Units.InputTotal(), Out: c.Usage.Units.OutputTotal(), Cached: c.Usage.Units[chat.CacheRead],
		Cost: *c, First: c.FirstByte, Total: c.Duration, Open: a.open == c.ID && a.open != id.Call{},
	}
	if l.Alias == "" {
		l.Alias = c.Requested
	}
	if c.Model != "" {
		l.Model = c.Provider + "/" + c.Model
	}
	if l.Model == l.Alias {
		l.Model = "no alias"
	}
	if l.Key == "" {
		l.Key = string(c.Key)
	}
	l.State, l.Status, l.Note = state(c)
	l.Href = a.at.With("open", l.ID).String()
	return l
}

// state is a call's end in a shape, its status and a word.
func state(c *calllog.Entry) (state ui.State, status, note string) {
	status = strconv.Itoa(c.Status)
	if c.Status == 0 {
		status = "–"
	}
	switch c.Outcome {
	case calllog.OK:
		if len(c.Attempts) < 2 {
			return ui.Fine, status, ""
		}
		first, last := &c.Attempts[0], &c.Attempts[len(c.Attempts)-1]
		if first.Provider != last.Provider || first.Model != last.Model {
			return ui.Soon, status, "fallback"
		}
		return ui.Soon, status, "retried"
	case calllog.ClientGone:
		return ui.Idle, status, "client left"
	case calllog.Refused, calllog.Failed, calllog.Broken, calllog.Interrupted:
		return ui.Act, status, outcomes()[c.Outcome]
	default:
		return ui.Act, status, string(c.Outcome)
	}
}

// priced reports whether a call's cost is known.
func priced(c *calllog.Entry) bool { return c.Price != calllog.Unpriced }

func rendered(ctx context.Context, c templ.Component) (string, error) {
	var b bytes.Buffer
	err := c.Render(ctx, &b)
	return b.String(), err
}
