package budgets

import (
	"net/url"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// notes are what a reader has to know first.
func (f *facts) notes() []noteView {
	b, m, c := f.st.Budget, &f.burn.Meter, f.clock
	if !b.ArchivedAt.IsZero() {
		return []noteView{{Bold: "Archived.", Text: "Nothing is held to it. Restored, it counts from then on.", Post: path(b.ID) + "/restore", Button: "Restore"}}
	}
	var out []noteView
	if b.Off {
		out = append(out, noteView{Bold: "Off.", Text: "It is neither enforced nor counted.", Link: ui.Link{Text: "Change it", Href: path(b.ID) + "/edit"}})
		return out
	}
	if f.asked.subject != "" {
		name := f.scope().Value(b.Each, f.asked.subject)
		out = append(out, noteView{Bold: upper(scope.Noun(b.Each)) + " " + name + ".", Text: "The figures are this one’s.", Link: ui.Link{Text: "The fullest one", Href: f.here("subject", "")}})
	}
	for _, r := range f.raises {
		if r.Counts(c.Now) {
			out = append(out, noteView{
				Tone: ui.Info, Bold: "Raised by " + limitText(r.Amount) + " until " + when(c, r.Ends()) + ".",
				Text: f.authors.Name(r.CreatedBy) + ": " + r.Reason, Post: path(b.ID) + "/raises/" + string(r.ID) + "/end", Button: "Undo",
			})
		}
	}
	switch full := isFull(m, f.st.Refused); {
	case full && b.Mode == budget.Block:
		out = append(out, noteView{Tone: ui.Bad, Bold: "Full.", Text: fullText(c, b, m), Link: ui.Link{Text: "Raise for a time", Href: "#raise"}})
	case full:
		out = append(out, noteView{Tone: ui.Warn, Bold: "Over its limit.", Text: "It does not block; it " + f.wouldText(), Link: ui.Link{Text: "Change it", Href: path(b.ID) + "/edit"}})
	case !f.burn.EndsAt.IsZero():
		out = append(out, noteView{Tone: ui.Warn, Bold: "Full " + dayOf(c, m.Period, f.burn.EndsAt) + " at about " + f.burn.EndsAt.In(zone(c)).Format("15:04") + ".", Text: f.endsText()})
	}
	if b.Mode == budget.Watch && !isFull(m, f.st.Refused) {
		out = append(out, noteView{Tone: ui.Info, Bold: "Watch mode: " + f.wouldText(), Text: "It refuses nothing.", Link: ui.Link{Text: "Make it block", Href: path(b.ID) + "/edit"}})
	}
	return out
}

func fullText(c ui.Clock, b budget.Budget, m *budget.Meter) string {
	until := "for good"
	if !m.Window.To.IsZero() {
		until = "until " + when(c, m.Window.To)
	}
	switch b.Action {
	case budget.Move:
		return "Calls that it covers go to " + b.MoveTo + ", or get 402, " + until + "."
	case budget.Clamp:
		return "Calls that it covers get shorter answers, or 402, " + until + "."
	case budget.Refuse:
	}
	return "Calls that it covers get 402 " + until + "."
}

// wouldText says what a hard budget would have done.
func (f *facts) wouldText() string {
	return "would have blocked " + ui.Plural(f.blocked.WouldRefuse, "call", "calls") + " in 30 days."
}

// endsText is what a forecast means.
func (f *facts) endsText() string {
	b, m, c := f.st.Budget, &f.burn.Meter, f.clock
	text := ""
	if b.Mode == budget.Block && !m.Window.To.IsZero() {
		text = "From then until " + when(c, m.Window.To) + " calls that it covers get 402. "
	}
	if end := f.burn.End(); f.burn.Method != "" {
		text += "The forecast for " + windowText(c, m.Window) + " is " + roundMoney(end.Mid) + "."
	}
	if early, late := f.burn.EndsEarly, f.burn.EndsLate; !early.IsZero() && !late.IsZero() {
		text += " Between " + when(c, early) + " and " + when(c, late) + "."
	}
	return text
}

// blocks lists the calls that were refused, or would have been.
func (f *facts) blocks(v *detailView) {
	b := f.st.Budget
	v.BlockedText = "30 days: " + ui.CountText(f.blocked.Refused) + " blocked, " + ui.CountText(f.blocked.WouldRefuse) + " would have been"
	for _, call := range f.blocked.Calls {
		row := blockedRow{Href: "/requests/" + call.Call.String(), At: call.At, Who: call.KeyName, Lacked: nanoOf(int64(call.Short))}
		if row.Who == "" {
			row.Who = "a key that is gone"
		}
		row.Subject = call.Alias
		if row.Subject == "" {
			row.Subject = call.Model
		}
		if call.Subject != "" {
			row.Subject += " · " + scope.Noun(b.Each) + " " + f.scope().Value(b.Each, call.Subject)
		}
		row.State, row.Did = did(call.Did)
		v.Blocked = append(v.Blocked, row)
	}
	if f.blocked.More {
		last := f.blocked.Calls[len(f.blocked.Calls)-1]
		at := url.Values{"before": {writeCall(budget.CallPlace{At: last.At, Call: last.Call})}}
		v.BlockedMore = path(b.ID) + "?" + at.Encode() + "#blocked"
	}
}

// did is what a budget did to a call, in a word.
func did(what string) (ui.State, string) {
	switch calllog.Did(what) {
	case calllog.DidRefuse:
		return ui.Act, "Blocked"
	case calllog.WouldRefuse:
		return ui.Soon, "Would have been blocked"
	case calllog.DidClamp:
		return ui.Soon, "Answer cut short"
	case calllog.DidMove:
		return ui.Soon, "Moved to another alias"
	case calllog.DidWait:
		return ui.Fine, "Waited"
	default:
		return ui.Idle, what
	}
}
