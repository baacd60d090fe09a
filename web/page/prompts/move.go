package prompts

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/prompt"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// The ways in which a label moves.
const (
	atOnce  = "now"
	atTime  = "at"
	byAndBy = "ramp"
	asking  = "ask"
	takeOff = "off"
)

// moveForm is a move as it is typed.
type moveForm struct {
	subject
	Label, To string
	At        int // where the label stood when it was read
	How       string
	When      string // 2006-01-02T15:04, UTC
	Shares    string // per cent, separated by commas
	Pause     string // minutes
	StopOver  string // per cent
	Why       string
	Wrong     page.Trouble
	Recent    []prompt.Version
}

// shares and pause of a move that nobody thought about: an hour between 1, 5, 10, 25, 50 and 100 per cent.
const (
	usualShares = "1, 5, 10, 25, 50, 100"
	usualPause  = "60"
	usualStop   = "2"
)

// MoveForm asks where a label is to go, and how. ?label= and ?to= fill it in.
func (p Prompts) MoveForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	f := moveForm{subject: s, Label: v.Query("label"), To: v.Query("to"), How: atOnce, Shares: usualShares, Pause: usualPause, StopOver: usualStop}
	if f.To == "" {
		f.To = strconv.Itoa(s.Prompt.Latest)
	}
	if f.Label != "" && !s.may(f.Label) {
		f.How = asking
	}
	f.At = s.Prompt.Labels[f.Label]
	return p.moving(ctx, v, f, 0)
}

func (p Prompts) moving(ctx context.Context, v *page.Visit, f moveForm, status int) (page.Reply, error) {
	var err error
	if f.Recent, _, err = p.Prompts.Versions(ctx, v.Scope(), f.Prompt.ID, 0, pickMost); err != nil {
		return page.Reply{}, err
	}
	return page.Show(f.frame(v, "Move a label of "), movePage(f)).As(status), nil
}

// Move moves a label at once, at a time or by and by, or asks somebody else to.
func (p Prompts) Move(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	typed := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	f := moveForm{
		subject: s, Label: typed("label"), To: typed("to"), At: number(v.Form("standing")), How: v.Form("how"), When: typed("when"),
		Shares: typed("shares"), Pause: typed("pause"), StopOver: typed("stop_over"), Why: typed("why"),
	}
	word, err := p.carry(ctx, v, f)
	if err == nil {
		return page.See(href(s.Prompt.ID) + "?done=" + word), nil
	}
	trouble, status, mendable := refused(err)
	if !mendable {
		return page.Reply{}, err
	}
	f.Wrong = trouble
	if errors.Is(err, prompt.ErrProtected) || errors.Is(err, prompt.ErrApproval) {
		f.How = asking
		f.Wrong.Message += " You can ask for the move."
	}
	if errors.Is(err, prompt.ErrStale) {
		f.At = s.Prompt.Labels[f.Label]
	}
	return p.moving(ctx, v, f, status)
}

// carry makes the move, and gives the word for it.
func (p Prompts) carry(ctx context.Context, v *page.Visit, f moveForm) (string, error) {
	in, which, to := v.Scope(), f.Prompt.ID, number(f.To)
	if to == 0 && f.How != takeOff {
		return "", prompt.ErrInvalid.Say("Choose a version.").At("to")
	}
	w := prompt.Wish{Label: f.Label, To: to, Why: f.Why}
	var err error
	switch f.How {
	case takeOff:
		_, err = p.Prompts.SetLabel(ctx, in, which, f.Label, 0, standing(f.Label, f.At))
		return "off", err
	case byAndBy:
		plan, err := f.plan()
		if err == nil {
			_, err = p.Prompts.Ramp(ctx, in, which, f.Label, to, plan, f.Why, standing(f.Label, f.At))
		}
		return "ramped", err
	case atTime:
		if w.At, err = f.at(); err == nil {
			_, err = p.Prompts.Schedule(ctx, in, which, w)
		}
		return "planned", err
	case asking:
		if f.When != "" {
			if w.At, err = f.at(); err != nil {
				return "", err
			}
		}
		_, err = p.Prompts.Ask(ctx, in, which, w)
		return "asked", err
	}
	_, err = p.Prompts.SetLabel(ctx, in, which, f.Label, to, standing(f.Label, f.At))
	return "moved", err
}

func (f moveForm) at() (time.Time, error) {
	at, err := time.Parse("2006-01-02T15:04", f.When)
	if err != nil {
		return time.Time{}, prompt.ErrInvalid.Say("Write the time as 2026-11-25T10:00, in UTC.").At("at")
	}
	return at, nil
}

func (f moveForm) plan() (prompt.Plan, error) {
	var out prompt.Plan
	for _, word := range page.Words(f.Shares) {
		share, ok := hundredths(strings.TrimSuffix(word, "%"))
		if !ok {
			return out, prompt.ErrInvalid.Say("Write the steps in per cent, such as %s.", usualShares).At("shares")
		}
		out.Shares = append(out.Shares, share)
	}
	minutes, err := strconv.Atoi(f.Pause)
	if err != nil || minutes < 0 || minutes > 1_000_000 {
		return out, prompt.ErrInvalid.Say("Write the pause as a whole number of minutes.").At("pause")
	}
	out.Pause = time.Duration(minutes) * time.Minute
	if f.StopOver != "" {
		over, ok := hundredths(strings.TrimSuffix(f.StopOver, "%"))
		if !ok {
			return out, prompt.ErrInvalid.Say("Write the difference in per cent, such as 2.").At("stop_over")
		}
		out.StopOver = over
	}
	return out, nil
}

// hundredths reads per cent with at most two decimals as hundredths of one: 2.5 is 250.
func hundredths(text string) (int, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > 2 || len(whole) > 3 || whole == "" {
		return 0, false
	}
	n, err := strconv.Atoi(whole + (part + "00")[:2])
	return n, err == nil && n >= 0
}

// labels are those that a prompt has, and the usual ones, for a list of suggestions.
func (f moveForm) labels() []string {
	out := sorted(f.Prompt.Labels)
	for _, usual := range []string{prompt.Production, "staging"} {
		if !slices.Contains(out, usual) {
			out = append(out, usual)
		}
	}
	return out
}

func (f moveForm) versions() []ui.Option {
	var out []ui.Option
	for _, one := range f.Recent {
		text := versionText(one.Number)
		if labels := f.Prompt.LabelsOf(one.Number); len(labels) > 0 {
			text += " (" + strings.Join(labels, ", ") + ")"
		}
		if one.Message != "" {
			text += ": " + short(one.Message)
		}
		out = append(out, ui.Option{Value: strconv.Itoa(one.Number), Text: text})
	}
	if n := number(f.To); n > 0 && !slices.ContainsFunc(out, func(o ui.Option) bool { return o.Value == f.To }) {
		out = append(out, ui.Option{Value: f.To, Text: versionText(n)})
	}
	return out
}

// ways are the ways in which the label can move, as far as the visitor may.
func (f moveForm) ways() []ui.Option {
	var out []ui.Option
	if f.Label == "" || f.may(f.Label) {
		out = append(out, ui.Option{Value: atOnce, Text: "Now", Note: "The next call uses it"},
			ui.Option{Value: byAndBy, Text: "By and by", Note: "A part of the units first, then more"},
			ui.Option{Value: atTime, Text: "At a time", Note: "It can be cancelled until then"})
	}
	out = append(out, ui.Option{Value: asking, Text: "Ask for it", Note: "Somebody else approves the move"})
	if f.At > 0 && f.may(f.Label) {
		out = append(out, ui.Option{Value: takeOff, Text: "Take it off", Note: "Calls that name it are refused"})
	}
	return out
}

// stands says where the label stands.
func (f moveForm) stands() string {
	switch {
	case f.Label == "":
		return ""
	case f.At == 0:
		return f.Label + " stands on no version of this prompt."
	}
	return f.Label + " stands on " + versionText(f.At) + "."
}

func (f moveForm) field(name, at, label, help, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: name, Label: label, Help: help, Error: f.Wrong.At(at)}, Value: value}
}

func (f moveForm) above() string {
	return f.Wrong.Above("label", "to", "version", "at", "shares", "pause", "stop_over", "why")
}

// back is where the form leads back to.
func (f moveForm) back() string { return href(f.Prompt.ID) }
