package keys

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// form is a key as it is typed. The zero ID is a key to be made.
type form struct {
	ID       id.Key
	Revision int
	Was      string // the name it had, for headings

	Name, Team, Environment, Workflow, Task string
	Tags                                    string // key=value pairs
	Aliases, Models, Networks               string // comma-separated
	Scope                                   string // "any" or "chosen"
	Reach                                   string // "any" or "chosen" endpoints
	Endpoints                               []key.Endpoint
	Drop                                    bool
	LastDay                                 string // 2006-01-02 of UTC; empty: never
	Privacy                                 string

	room

	Trouble page.Trouble
	Teams   people.Teams
	Known   []string // names of aliases there are
	From    string   // the reader's own address
}

// fields are those that the form shows a message at; every other message stands above it.
var fields = []string{
	"name", "team_id", "environment", "workflow", "task", "tags", "aliases", "models", "networks", "endpoints", "expires_at", "privacy",
	"kind", "budget", "rpm", "tpm", "concurrency", "budget_status",
}

func (f form) above() string { return f.Trouble.Above(fields...) }

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return "/keys"
}

func (f form) back() string {
	if f.editing() {
		return path(f.ID)
	}
	return "/keys"
}

func (f form) field(name, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(name)}
}

func (f form) name() ui.InputView {
	return ui.InputView{
		FieldView: f.field("name", "Name", "Name the service, not the person: it appears in costs and in the call log."),
		Value:     f.Name, Placeholder: "support-triage-prod", Required: true, Autofocus: !f.editing(), MaxLength: 80,
	}
}

func (f form) team() ui.SelectView {
	return ui.SelectView{FieldView: f.field("team_id", "Team", "Its costs are this team’s."), Value: f.Team, Options: f.Teams.Options()}
}

func (f form) environment() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("environment", "Environment", "It can be read in the secret, so it stays."), Value: f.Environment}
	for _, e := range key.Environments {
		v.Options = append(v.Options, ui.Option{Value: e, Text: e})
	}
	if !slices.Contains(key.Environments, f.Environment) && f.Environment != "" {
		v.Options = append(v.Options, ui.Option{Value: f.Environment, Text: f.Environment})
	}
	return v
}

func (f form) workflow() ui.InputView {
	in := ui.InputView{FieldView: f.field("workflow", "Default workflow", "Put on every call that names none. Costs can be grouped by it."), Value: f.Workflow, Placeholder: "triage"}
	in.Optional = true
	return in
}

func (f form) task() ui.InputView {
	in := ui.InputView{FieldView: f.field("task", "Default task", "What a call of model auto or task is for. The routing file says which alias serves it."), Value: f.Task, Mono: true, Placeholder: "classification"}
	in.Optional = true
	return in
}

func (f form) tags() ui.InputView {
	in := ui.InputView{FieldView: f.field("tags", "Default tags", "Pairs as key=value, separated by commas. A call’s own tags win."), Value: f.Tags, Placeholder: "service=mail, region=eu"}
	in.Optional = true
	return in
}

func (f form) scope() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "scope", Label: "Scope"}, Value: f.Scope, Options: []ui.Option{
		{Value: "chosen", Text: "Only these", Note: "The aliases and models below. Safest"},
		{Value: "any", Text: "Everything", Note: "Every alias and model, also ones made later"},
	}}
}

func (f form) aliases() ui.InputView {
	help := "Names, separated by commas. You have no alias yet."
	if len(f.Known) > 0 {
		shown := f.Known
		more := ""
		if len(shown) > 8 {
			shown, more = shown[:8], ", …"
		}
		help = "Names, separated by commas. You have " + strings.Join(shown, ", ") + more + "."
	}
	in := ui.InputView{FieldView: f.field("aliases", "Aliases", help), Value: f.Aliases, Mono: true, Placeholder: "fast-classifier"}
	in.Optional = f.Scope != "chosen"
	return in
}

func (f form) models() ui.InputView {
	in := ui.InputView{FieldView: f.field("models", "Models", "For calls that name a provider’s model: provider/model, with * for any characters."), Value: f.Models, Mono: true, Placeholder: "sandbox/*, openai/gpt-4o*"}
	in.Optional = true
	return in
}

func (f form) networks() ui.InputView {
	help := "Empty allows any address."
	if f.From != "" {
		help += " You are on " + f.From + "."
	}
	in := ui.InputView{FieldView: f.field("networks", "Allowed networks", help), Value: f.Networks, Mono: true, Placeholder: "203.0.113.0/24, 2001:db8::/32"}
	in.Optional = true
	return in
}

func (f form) reach() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "reach", Label: "Endpoints", Error: f.Trouble.At("endpoints")}, Value: f.Reach, Options: []ui.Option{
		{Value: "any", Text: "Every endpoint", Note: "Also those that come later"},
		{Value: "chosen", Text: "Only these", Note: "Those marked below"},
	}}
}

// endpoints are the boxes of all endpoints, for a key that is confined to some.
func (f form) endpoints() []ui.CheckView {
	notes := map[key.Endpoint][2]string{
		key.ChatEndpoint:        {"Chat", "Completions, responses, messages, Gemini"},
		key.EmbeddingsEndpoint:  {"Embeddings", "/v1/embeddings"},
		key.ImagesEndpoint:      {"Images", "Generations, edits"},
		key.AudioEndpoint:       {"Audio", "Speech, transcriptions, translations"},
		key.ModerationsEndpoint: {"Moderations", "/v1/moderations"},
		key.FilesEndpoint:       {"Files", "/v1/files"},
		key.RerankEndpoint:      {"Rerank", "/v1/rerank"},
		key.ModelsEndpoint:      {"Model list", "/v1/models"},
		key.BatchesEndpoint:     {"Batches", "/v1/batches, /v1/jobs"},
	}
	var out []ui.CheckView
	for _, e := range key.Endpoints {
		out = append(out, ui.CheckView{
			Name: "endpoint", Value: string(e), Label: notes[e][0], Note: notes[e][1], Checked: slices.Contains(f.Endpoints, e),
		})
	}
	return out
}

func (f form) drop() ui.CheckView {
	return ui.CheckView{
		Name: "drop_unsupported", Label: "Drop what the target cannot express (with a warning) instead of refusing the call",
		Note: "An alias can say the same for its own calls", Checked: f.Drop,
	}
}

func (f form) lastDay() ui.InputView {
	in := ui.InputView{FieldView: f.field("expires_at", "Last day", "The key works until the end of this day, in UTC. Empty: it never expires."), Type: "date", Value: f.LastDay}
	in.Optional = true
	return in
}

func (f form) privacy() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "privacy", Label: "What is kept of a call", Error: f.Trouble.At("privacy")}, Value: f.Privacy, Options: []ui.Option{
		{Value: string(key.PrivacyNone), Text: "Nothing said", Note: "Tokens, cost, time; no end user"},
		{Value: string(key.PrivacyMetadata), Text: "Metadata", Note: "Tags and end user too, no bodies"},
		{Value: string(key.PrivacyFull), Text: "Bodies too", Note: "Request and answer"},
	}}
}

// read is the form as it was posted.
func read(v *page.Visit) form {
	revision, err := strconv.Atoi(v.Form("revision"))
	if err != nil {
		revision = 0
	}
	return form{
		Revision: revision, Name: strings.TrimSpace(v.Form("name")), Team: v.Form("team_id"), Environment: v.Form("environment"),
		Workflow: strings.TrimSpace(v.Form("workflow")), Task: strings.TrimSpace(v.Form("task")), Tags: v.Form("tags"), Aliases: v.Form("aliases"), Models: v.Form("models"),
		Networks: v.Form("networks"), Scope: v.Form("scope"), Reach: v.Form("reach"), Drop: v.Form("drop_unsupported") != "",
		LastDay: v.Form("expires_at"), Privacy: v.Form("privacy"), Endpoints: endpoints(v.HTTP.PostForm["endpoint"]),
		room: readRoom(v.Form),
	}
}

// endpoints are marked boxes; a word that is none is for the service to refuse.
func endpoints(marked []string) []key.Endpoint {
	var out []key.Endpoint
	for _, e := range marked {
		out = append(out, key.Endpoint(e))
	}
	return out
}

// of is a key's form.
func of(k key.Key) form {
	f := form{
		ID: k.ID, Revision: k.Revision, Was: k.Name, Name: k.Name, Team: string(k.Team), Environment: k.Environment, Workflow: k.Workflow, Task: k.Task,
		Tags: tagText(k.Tags), Aliases: strings.Join(k.Aliases, ", "), Models: strings.Join(k.Models, ", "), Scope: "any", Privacy: string(k.Privacy),
		Reach: "any", Endpoints: k.Endpoints, Drop: k.DropUnsupported,
		room: room{Kind: string(k.Kind), Status: statusWord(k.BudgetStatus)},
	}
	if len(k.Endpoints) > 0 {
		f.Reach = "chosen"
	}
	if len(k.Aliases)+len(k.Models) > 0 {
		f.Scope = "chosen"
	}
	var nets []string
	for _, n := range k.Networks {
		nets = append(nets, n.String())
	}
	f.Networks = strings.Join(nets, ", ")
	if !k.ExpiresAt.IsZero() {
		f.LastDay = k.ExpiresAt.UTC().Add(-time.Nanosecond).Format(time.DateOnly)
	}
	return f
}

func tagText(tags map[string]string) string {
	var out []string
	for k, v := range tags {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// key is what the form says. Its errors are key.ErrInvalid at one of fields.
func (f form) key() (key.New, error) {
	n := key.New{
		Team: id.Team(f.Team), Name: f.Name, Environment: f.Environment, Workflow: f.Workflow, Task: f.Task, Tags: page.Pairs(f.Tags), Privacy: key.Privacy(f.Privacy),
		DropUnsupported: f.Drop,
	}
	switch f.Scope {
	case "any":
	case "chosen":
		n.Aliases, n.Models = page.Words(f.Aliases), page.Words(f.Models)
		if len(n.Aliases)+len(n.Models) == 0 {
			return n, key.ErrInvalid.Say("Name at least one alias or model, or choose Everything.").At("aliases")
		}
	default:
		return n, key.ErrInvalid.Say("Choose what the key may call.").At("aliases")
	}
	switch f.Reach {
	case "any": // also later ones
		if len(f.Endpoints) > 0 { // a narrower key was meant, perhaps
			return n, key.ErrInvalid.Say("You marked endpoints and chose Every endpoint. Choose Only these, or mark none.").At("endpoints")
		}
	case "chosen":
		if len(f.Endpoints) == 0 {
			return n, key.ErrInvalid.Say("Mark at least one endpoint, or choose Every endpoint.").At("endpoints")
		}
		n.Endpoints = f.Endpoints
	default:
		return n, key.ErrInvalid.Say("Choose the endpoints.").At("endpoints")
	}
	var err error
	if n.Networks, err = key.ParseNetworks(page.Words(f.Networks)); err != nil {
		return n, err
	}
	if f.LastDay != "" {
		day, err := time.Parse(time.DateOnly, f.LastDay)
		if err != nil {
			return n, key.ErrInvalid.Say("Write the last day as year-month-day.").At("expires_at")
		}
		n.ExpiresAt = day.AddDate(0, 0, 1)
	}
	err = f.into(&n)
	return n, err
}

// complete adds what the form offers.
func (p Keys) complete(ctx context.Context, v *page.Visit, f form) (form, error) {
	var err error
	if f.Teams, err = people.ListTeams(ctx, p.Accounts, v.Scope()); err != nil {
		return f, err
	}
	if f.Team == "" && len(f.Teams) > 0 {
		f.Team = string(f.Teams[0].ID)
	}
	if v.Can(tenant.ReadAliases) {
		aliases, _, err := p.Aliases.List(ctx, v.Scope(), "", "", 50)
		if err != nil {
			return f, err
		}
		for _, a := range aliases {
			f.Known = append(f.Known, a.Name)
		}
	}
	if v.Visitor.IP.IsValid() {
		f.From = v.Visitor.IP.String()
	}
	f.MaySpend, f.MayLimit = v.Can(tenant.WriteBudgets), v.Can(tenant.WriteLimits)
	if !f.editing() {
		if f.Templates, err = p.Keys.Templates(ctx, v.Scope(), ""); err != nil {
			return f, err
		}
	}
	return f, nil
}

// NewForm asks for a key. ?alias= fills in the scope, ?template= what a template says.
func (p Keys) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := form{Environment: key.Production, Scope: "any", Reach: "any", Privacy: string(key.PrivacyMetadata), Team: v.Query("team"), room: room{Kind: string(key.ServiceKey), Status: "402", Per: "month"}}
	if which := v.Query("template"); which != "" {
		t, err := p.Keys.Template(ctx, v.Scope(), id.Template(which))
		if err != nil {
			return page.Reply{}, err
		}
		f = fromTemplate(t, v.Now)
	}
	if name := v.Query("alias"); name != "" {
		f.Scope, f.Aliases = "chosen", name
	}
	f, err := p.complete(ctx, v, f)
	if err != nil {
		return page.Reply{}, err
	}
	return show("Create key", f), nil
}

func show(title string, f form) page.Reply {
	return page.Show(layout.Frame{Title: title, Active: layout.Keys}, edit(f))
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Keys) again(ctx context.Context, v *page.Visit, title string, f form, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if errors.Is(err, key.ErrBeyond) { // the form can be mended, though the role cannot
		trouble, code, mendable = beyond(err)
	}
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, key.ErrTaken) {
		trouble.Field = "name"
	}
	if errors.Is(err, key.ErrNoTeam) {
		trouble.Field = "team_id"
	}
	f.Trouble = placed(trouble)
	f, err = p.complete(ctx, v, f)
	if err != nil {
		return page.Reply{}, err
	}
	return show(title, f).As(code), nil
}

// EditForm asks for changes.
func (p Keys) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Key(ctx, v.Scope(), id.Key(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f, err := p.complete(ctx, v, of(k))
	if err != nil {
		return page.Reply{}, err
	}
	return show("Edit "+k.Name, f), nil
}

// Edit saves changes, unless somebody else changed the key meanwhile.
func (p Keys) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	k, err := p.Keys.Key(ctx, v.Scope(), id.Key(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.ID, f.Was, f.Environment, f.Kind = k.ID, k.Name, k.Environment, string(k.Kind)
	n, err := f.key()
	if err != nil {
		return p.again(ctx, v, "Edit "+k.Name, f, err)
	}
	if n.Tags == nil {
		n.Tags = map[string]string{}
	}
	_, err = p.Keys.Update(ctx, v.Scope(), k.ID, key.Change{
		Name: &n.Name, Team: &n.Team, Aliases: &n.Aliases, Models: &n.Models, Endpoints: &n.Endpoints, Networks: &n.Networks,
		ExpiresAt: &n.ExpiresAt, Workflow: &n.Workflow, Tags: &n.Tags, Privacy: &n.Privacy, DropUnsupported: &n.DropUnsupported, BudgetStatus: &n.BudgetStatus,
	}, func(now key.Key) error {
		if now.Revision != f.Revision {
			return key.ErrStale.Say("Not saved: somebody changed this key meanwhile. Open it again to see the change.")
		}
		return nil
	})
	if err != nil {
		return p.again(ctx, v, "Edit "+k.Name, f, err)
	}
	return page.See(path(k.ID) + "?done=saved"), nil
}

// Words says in words what the form would make, for the pane beside it.
func (p Keys) Words(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := p.complete(ctx, v, read(v))
	if err != nil {
		return page.Reply{}, err
	}
	return page.Part(inWords(f)), nil
}
