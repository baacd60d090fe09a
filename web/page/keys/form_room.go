package keys

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// room is the part of the form about whose key it is, and how much and how fast it may call.
type room struct {
	Kind                  string
	Template              string
	Budget, Per           string // dollars, and the period
	RPM, TPM, Concurrency string
	Status                string // "402" or "429"

	Templates []key.Template // to choose from
	MaySpend  bool           // the reader may make budgets
	MayLimit  bool           // and limits
}

func readRoom(get func(string) string) room {
	text := func(name string) string { return strings.TrimSpace(get(name)) }
	return room{
		Kind: get("kind"), Template: get("template"), Budget: text("budget"), Per: get("budget_period"), RPM: text("rpm"), TPM: text("tpm"),
		Concurrency: text("concurrency"), Status: get("budget_status"),
	}
}

func statusWord(code int) string {
	if code == http.StatusTooManyRequests {
		return "429"
	}
	return "402"
}

// into reads the room into a key to be made. Its errors are key.ErrInvalid at a field.
func (r room) into(n *key.New) error {
	n.Kind, n.Template = key.Kind(r.Kind), id.Template(r.Template)
	n.BudgetStatus = http.StatusPaymentRequired
	if r.Status == "429" {
		n.BudgetStatus = http.StatusTooManyRequests
	}
	if text := strings.TrimPrefix(strings.ReplaceAll(r.Budget, ",", ""), "$"); text != "" {
		amount, err := money.ParseUSD(text)
		if err != nil || amount <= 0 {
			return key.ErrInvalid.Say("Write an amount in dollars: 500 or 12.50.").At("budget")
		}
		n.Budget = &key.Allowance{Amount: amount, Period: r.Per}
	}
	for _, l := range []struct {
		field, text string
		to          *int64
	}{{"rpm", r.RPM, &n.Limits.RPM}, {"tpm", r.TPM, &n.Limits.TPM}, {"concurrency", r.Concurrency, &n.Limits.Concurrency}} {
		if l.text == "" {
			continue
		}
		v, err := strconv.ParseInt(strings.ReplaceAll(l.text, ",", ""), 10, 64)
		if err != nil || v <= 0 {
			return key.ErrInvalid.Say("Write a whole number, or leave it empty for no limit.").At(l.field)
		}
		*l.to = v
	}
	return nil
}

// placed moves a trouble to the field that shows it.
func placed(t page.Trouble) page.Trouble {
	t.Field = strings.TrimPrefix(t.Field, "limits.")
	if strings.HasPrefix(t.Field, "budget.") {
		t.Field = "budget"
	}
	if t.Field == "owner_id" {
		t.Field = "kind"
	}
	return t
}

// beyond is a key that goes beyond its team's template, as a form tells it.
func beyond(err error) (page.Trouble, int, bool) {
	var f *fault.Error
	if !errors.As(err, &f) {
		return page.Trouble{}, 0, false
	}
	return page.Trouble{Field: f.Field, Message: f.Message}, http.StatusForbidden, true
}

func (f form) kind() ui.SelectView {
	return ui.SelectView{FieldView: f.field("kind", "Whose key it is", ""), Value: f.Kind, Options: []ui.Option{
		{Value: string(key.ServiceKey), Text: "A service’s", Note: "Everybody who may see keys sees it"},
		{Value: string(key.PersonalKey), Text: "Yours", Note: "Only you and admins see it; it ends with your membership"},
	}}
}

func (f form) budget() ui.InputView {
	v := ui.InputView{FieldView: f.field("budget", "Own budget", "Blocks. Wider budgets hold for it too."), Value: f.Budget, Before: "$", Inputmode: "decimal", Placeholder: "no budget of its own", Autocomplete: "off"}
	v.Optional = true
	return v
}

func (f form) per() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "budget_period", Label: "Which is"}, Value: f.Per, Options: []ui.Option{
		{Value: "month", Text: "a month"},
		{Value: "day", Text: "a day"},
		{Value: "week", Text: "a week"},
		{Value: "hour", Text: "an hour"},
		{Value: "fiscal_month", Text: "a fiscal month"},
		{Value: "total", Text: "in total"},
	}}
}

func (f form) number(name, label, value string) ui.InputView {
	v := ui.InputView{FieldView: f.field(name, label, ""), Value: value, Inputmode: "numeric", Placeholder: "no limit", Autocomplete: "off"}
	v.Optional = true
	return v
}

func (f form) rpm() ui.InputView { return f.number("rpm", "Requests a minute", f.RPM) }

func (f form) tpm() ui.InputView { return f.number("tpm", "Tokens a minute", f.TPM) }

func (f form) concurrency() ui.InputView {
	return f.number("concurrency", "Calls at once", f.Concurrency)
}

func (f form) status() ui.SelectView {
	return ui.SelectView{FieldView: f.field("budget_status", "What a full budget answers", ""), Value: f.Status, Options: []ui.Option{
		{Value: "402", Text: "402", Note: "Payment required. Clients do not repeat it"},
		{Value: "429", Text: "429", Note: "For clients that know nothing else"},
	}}
}

// templatePick leads to the form as each template fills it in.
func (f form) templatePick() ui.Pick {
	p := ui.Pick{Label: "Template", Shown: true, Choices: []ui.Choice{{Text: "No template", Href: "/keys/new", Current: f.Template == ""}}}
	for _, t := range f.Templates {
		p.Choices = append(p.Choices, ui.Choice{Text: t.Name, Href: "/keys/new?template=" + string(t.ID), Current: f.Template == string(t.ID)})
	}
	return p
}

// fromTemplate is the form of a key that a template fills in.
func fromTemplate(t key.Template, now time.Time) form {
	var n key.New
	t.Policy.Fill(&n, now)
	n.ExpiresAt = n.ExpiresAt.UTC().Truncate(24 * time.Hour) // the form knows whole days, and a bounding template allows no more than its span
	k := key.Key{
		Team: t.Team, Environment: n.Environment, Aliases: n.Aliases, Models: n.Models, Endpoints: n.Endpoints, Networks: n.Networks, ExpiresAt: n.ExpiresAt,
		Workflow: n.Workflow, Task: n.Task, Tags: n.Tags, Privacy: n.Privacy, DropUnsupported: n.DropUnsupported, BudgetStatus: n.BudgetStatus,
	}
	if k.Environment == "" {
		k.Environment = key.Production
	}
	if k.Privacy == "" {
		k.Privacy = key.PrivacyMetadata
	}
	f := of(k)
	f.Kind, f.Template = string(key.ServiceKey), string(t.ID)
	f.fill(n.Budget, n.Limits)
	return f
}

// fill writes a budget and limits into the form.
func (r *room) fill(b *key.Allowance, p key.Pace) {
	r.Per = "month"
	if b != nil {
		r.Budget, r.Per = b.Amount.USD(), b.Period
	}
	for to, n := range map[*string]int64{&r.RPM: p.RPM, &r.TPM: p.TPM, &r.Concurrency: p.Concurrency} {
		if n > 0 {
			*to = strconv.FormatInt(n, 10)
		}
	}
}

// roomWords says the budget and the limits in a sentence; "" for none.
func (r room) roomWords() string {
	var parts []string
	if r.RPM != "" {
		parts = append(parts, r.RPM+" requests a minute")
	}
	if r.TPM != "" {
		parts = append(parts, r.TPM+" tokens a minute")
	}
	if r.Concurrency != "" {
		parts = append(parts, r.Concurrency+" calls at once")
	}
	if r.Budget != "" {
		per := strings.ReplaceAll(r.Per, "_", " ")
		parts = append(parts, "$"+strings.TrimPrefix(r.Budget, "$")+" by "+per+", then gets "+r.Status)
	}
	if len(parts) == 0 {
		return ""
	}
	if n := len(parts); n > 1 {
		parts = slices.Concat(parts[:n-1], []string{"and " + parts[n-1]})
	}
	return "At most " + strings.Join(parts, ", ") + "."
}
