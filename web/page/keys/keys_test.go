package keys

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/account"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func sample() (key.Key, people.Teams) {
	return key.Key{
		ID: "key_1", Team: "team_1", Name: "support-triage-prod", Prefix: "tg_live_9fK2", Last4: "6KjE", Environment: "production", Revision: 3,
		Aliases: []string{"fast-classifier", "support-reply"}, Models: []string{"sandbox/*"}, Workflow: "triage", Task: "classification", Tags: map[string]string{"service": "mail"},
		Privacy: key.PrivacyMetadata, CreatedAt: noon().AddDate(0, -1, 0), CreatedBy: "user_1", LastUsedAt: noon().Add(-2 * time.Second), ExpiresAt: noon().AddDate(0, 1, 0),
	}, people.Teams{{ID: "team_1", Name: "Support", ColorStep: 0}, {ID: "team_2", Name: "Search", ColorStep: 1}}
}

func TestStatusNamesWhatIsWorthAWord(t *testing.T) {
	t.Parallel()
	used := noon().Add(-time.Hour)
	for name, tt := range map[string]struct {
		k    key.Key
		want string
	}{
		"used":                       {key.Key{LastUsedAt: used}, "Active"},
		"never used":                 {key.Key{}, "No call yet"},
		"used long ago":              {key.Key{LastUsedAt: noon().AddDate(0, 0, -31)}, "Unused"},
		"soon at its end":            {key.Key{LastUsedAt: used, ExpiresAt: noon().AddDate(0, 0, 3)}, "Expiring"},
		"at its end":                 {key.Key{LastUsedAt: used, ExpiresAt: noon()}, "Expired"},
		"revoked and also expired":   {key.Key{RevokedAt: used, ExpiresAt: used}, "Revoked"},
		"with an end that lies afar": {key.Key{LastUsedAt: used, ExpiresAt: noon().AddDate(1, 0, 0)}, "Active"},
	} {
		if _, got, _ := status(tt.k, noon()); got != tt.want {
			t.Errorf("a key %s is %q, want %q", name, got, tt.want)
		}
	}
}

func TestAFormSaysTheKeyThatFilledIt(t *testing.T) {
	t.Parallel()
	k, _ := sample()
	k.ExpiresAt = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f := of(k)
	if f.LastDay != "2026-11-30" {
		t.Errorf("the last day of a key that ends at midnight is %s", f.LastDay)
	}
	got, err := f.key()
	if err != nil {
		t.Fatal(err)
	}
	want := key.New{Team: k.Team, Name: k.Name, Environment: k.Environment, Aliases: k.Aliases, Models: k.Models, ExpiresAt: k.ExpiresAt, Workflow: k.Workflow, Task: k.Task, Tags: k.Tags, Privacy: k.Privacy, BudgetStatus: 402}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEditingAKeyLeavesItAsNarrowAsItWas: one that lists every endpoint of today does not get those of tomorrow by its form.
func TestEditingAKeyLeavesItAsNarrowAsItWas(t *testing.T) {
	t.Parallel()
	for _, list := range [][]key.Endpoint{nil, {key.ChatEndpoint}, {key.ChatEndpoint, key.ModelsEndpoint}, key.Endpoints} {
		k, _ := sample()
		k.Endpoints, k.DropUnsupported = list, true
		got, err := of(k).key()
		if err != nil || !slices.Equal(got.Endpoints, list) || !got.DropUnsupported {
			t.Errorf("%v became %v, drops %v, %v", list, got.Endpoints, got.DropUnsupported, err)
		}
	}
}

func TestAFormNeverWidensAKeyByAnOmission(t *testing.T) {
	t.Parallel()
	good := form{Scope: "chosen", Aliases: "a", Reach: "any"}
	for name, tt := range map[string]struct {
		change func(*form)
		field  string
	}{
		"nothing chosen":  {func(f *form) { f.Aliases = " , " }, "aliases"},
		"no scope":        {func(f *form) { f.Scope = "" }, "aliases"},
		"no endpoint":     {func(f *form) { f.Reach = "chosen" }, "endpoints"},
		"both":            {func(f *form) { f.Endpoints = []key.Endpoint{key.ChatEndpoint} }, "endpoints"},
		"no reach":        {func(f *form) { f.Reach = "" }, "endpoints"},
		"a wrong network": {func(f *form) { f.Networks = "10.0.0.0/8, moon" }, "networks.1"},
		"a wrong day":     {func(f *form) { f.LastDay = "tomorrow" }, "expires_at"},
	} {
		f := good
		tt.change(&f)
		_, err := f.key()
		var said *fault.Error
		if !errors.As(err, &said) || said.Field != tt.field {
			t.Errorf("%s: %v, want an error at %s", name, err, tt.field)
		}
	}
	if n, err := good.key(); err != nil || len(n.Endpoints) != 0 || len(n.Aliases) != 1 {
		t.Errorf("a good form: %+v, %v", n, err)
	}
	if n, err := (form{Scope: "any", Aliases: "a", Reach: "chosen", Endpoints: []key.Endpoint{key.ChatEndpoint}}).key(); err != nil || n.Aliases != nil || len(n.Endpoints) != 1 {
		t.Errorf("everything, chat only: %+v, %v", n, err)
	}
}

func TestWordsSayWhatTheFormWouldMake(t *testing.T) {
	t.Parallel()
	_, teams := sample()
	f := form{
		Name: "triage", Team: "team_1", Teams: teams, Environment: "staging", Workflow: "mail", Scope: "chosen", Aliases: "a, b", Models: "openai/*", Reach: "chosen", Endpoints: []key.Endpoint{key.ModelsEndpoint, key.ChatEndpoint}, Drop: true,
		Networks: "10.0.0.0/8", LastDay: "2026-12-01", Privacy: "full",
	}
	got := strings.Join(f.words(), " ")
	want := "triage may call 2 aliases and 1 model pattern from 1 network, until the end of 2026-12-01. Team Support pays, under staging and workflow mail. " +
		"It may use chat and models only. What a target cannot express is dropped, with a warning. Requests and answers are stored."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// turning is a key whose rotation is under way: nobody has used the new secret yet.
func turning(k key.Key) key.Key {
	k.Secrets = []key.Stored{
		{ID: "sec_2", Scheme: key.HMAC1, Prefix: "tg_live_Qm81", Last4: "xYz1", CreatedAt: noon().Add(-time.Hour)},
		{ID: "sec_1", Scheme: key.HMAC1, Prefix: "tg_live_9fK2", Last4: "6KjE", NotAfter: noon().Add(23 * time.Hour), LastUsedAt: noon().Add(-2 * time.Second)},
		{ID: "sec_0", Scheme: key.SHA256, Imported: true, Prefix: "sk-", Last4: "abcd", RevokedAt: noon().AddDate(0, 0, -3)},
	}
	return k
}

// sampleRooms are a budget and a limit of the sample key, and a budget of another team.
func sampleRooms() rooms {
	usd := func(n int64) money.NanoUSD { return money.NanoUSD(n * 1_000_000_000) }
	window := budget.Calendar{}.Window(budget.Month, noon())
	node := func(which id.Budget, name string, s dimension.Selector, spent int64) budget.Node {
		return budget.Node{Standing: budget.Standing{
			Budget: budget.Budget{ID: which, Name: name, Selector: s, Limits: []budget.Limit{{Period: budget.Month, Amount: usd(1500)}}, Mode: budget.Block},
			Meters: []budget.Meter{{Period: budget.Month, Window: window, Limit: usd(1500), Spent: usd(spent), Held: usd(20)}},
		}}
	}
	return rooms{
		budgets: []budget.Node{
			node("bud_1", "support-triage-prod", dimension.Selector{{Dimension: dimension.Key, Value: "key_1"}}, 1300),
			node("bud_2", "Support", dimension.Selector{{Dimension: dimension.Team, Value: "team_1"}}, 10),
			node("bud_3", "Search", dimension.Selector{{Dimension: dimension.Team, Value: "team_2"}}, 1490),
		},
		limits: []limit.Limit{
			{ID: "lim_1", Name: "rpm of it", Selector: dimension.Selector{{Dimension: dimension.Key, Value: "key_1"}}, Metric: limit.Requests, Amount: 1200, Per: time.Minute},
			{ID: "lim_2", Name: "Others", Selector: dimension.Selector{{Dimension: dimension.Key, Value: "key_2"}}, Metric: limit.Requests, Amount: 5, Per: time.Minute},
		},
	}
}

func TestAKeySeesTheBudgetsAndLimitsThatCoverIt(t *testing.T) {
	t.Parallel()
	k, _ := sample()
	over := sampleRooms()
	var names []string
	for _, r := range over.over(k) {
		names = append(names, r.Name)
	}
	if diff := cmp.Diff([]string{"support-triage-prod", "Support", "rpm of it"}, names); diff != "" {
		t.Error(diff)
	}
	if got := over.nearly(80); len(got) != 1 || got[0] != k.ID {
		t.Errorf("over 80%%: %v", got)
	}
	if m := over.budget(k.ID); m == nil || m.Spent != 1300*1_000_000_000 {
		t.Errorf("its own budget: %+v", m)
	}
	if over.budget("key_2") != nil || over.rate("key_2") != "5 rpm" {
		t.Error("another key has the wrong budget or limits")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	k, teams := sample()
	clock := ui.Clock{Now: noon()}
	f := of(k)
	f.Teams, f.Known, f.From = teams, []string{"fast-classifier", "support-reply"}, "198.51.100.24"
	pagetest.Golden(t, "edit", edit(f))
	wrong := form{
		Name: "support triage", Team: "team_1", Teams: teams, Environment: "production", Scope: "any", Reach: "any", Privacy: "metadata",
		Trouble: page.Trouble{Field: "name", Message: "Another key has this name."},
	}
	pagetest.Golden(t, "new_wrong", edit(wrong))

	old := k
	old.Name, old.ID, old.RevokedAt, old.Aliases, old.Models, old.ExpiresAt = "old", "key_2", noon(), nil, nil, time.Time{}
	view := listView{CanWrite: true, Clock: clock, Shows: shows(nil, "live", 4), Older: "/keys?after=key_2", Rows: []listRow{
		row(k, teams, 612_480, 1_188_960_000_000, 2, noon()).with(sampleRooms(), k.ID), row(old, teams, 0, 0, 0, noon()),
	}}
	pagetest.Golden(t, "list", list(view))
	pagetest.Golden(t, "list_empty", list(listView{CanWrite: true, Shows: shows(nil, "live", 4)}))
	pagetest.Golden(t, "list_viewer", list(listView{Rows: view.Rows[:1], Clock: clock}))

	caller := client.Caller{Gateway: "https://gateway.example", Models: []client.Model{{Name: "fast-classifier", Context: 200_000}, {Name: "support-reply"}}}
	shown := detailView{
		Key: k, State: ui.Fine, Word: "Active", Author: "ops@fernhill.example", Facts: facts(k, teams, clock), CanWrite: true, Clock: clock, Caller: caller,
		Month: usage.Row{Calls: 2_000_000, Errors: 31, Cost: 5_000_000_000}, Days: []int64{1, 2, 3}, ShowRooms: true, CanBudget: true,
	}
	shown.Secrets, shown.Cancel = secretRows(clock, turning(k), noon())
	shown.Rooms = sampleRooms().over(k)
	pagetest.Golden(t, "detail", detail(shown))
	shown.Endpoints = true
	pagetest.Golden(t, "detail_endpoints", detail(shown))
	caller.Key = "tg_live_secret"
	pagetest.Golden(t, "created", created(createdView{Key: k, Secret: "tg_live_secret", Facts: facts(k, teams, clock), Caller: caller, Waits: true}))
	for _, do := range []action{revoking, disabling, rotating} {
		reach := key.Reach{HourCalls: 3, DayCalls: 40, Workflows: []string{"triage", "draft-reply", "refund"}, EndUsers: 12, Clients: []string{"production, openai_chat"}, LastAt: noon().Add(-2 * time.Second)}
		pagetest.Golden(t, string(do), askLife(askView{Key: k, Do: do, Reach: reachWords(clock, reach), Busy: true, Week: usage.Row{Calls: 40, Cost: 1_000_000_000}, Overlap: "24h", Clock: clock, Cut: do == revoking}))
	}
	pagetest.Golden(t, "received", received(receivedView{ID: "call_1", OK: true, Status: 200, Took: 288 * time.Millisecond, Entry: calllog.Entry{Record: calllog.Record{Cost: 195_000, Price: calllog.Priced}}}))
	pagetest.Golden(t, "received_refused", received(receivedView{ID: "call_1", Status: 404, Entry: calllog.Entry{Record: calllog.Record{ErrorCode: "model.unknown"}}}))
}

// TestAKeyWithManyModelsHasAPageOfItsSize: with styles, scripts and fonts (128 kB) a page is to stay below 200 kB.
func TestAKeyWithManyModelsHasAPageOfItsSize(t *testing.T) {
	t.Parallel()
	k, teams := sample()
	for i := range 100 {
		k.Models = append(k.Models, "openrouter/a-rather-long-name-of-a-model-"+strconv.Itoa(i))
	}
	v := detailView{Key: k, Facts: facts(k, teams, ui.Clock{Now: noon()}), Caller: client.New("https://gateway.example", &k, client.Callable(&k, nil, price.NewBook(nil), noon()))}
	for i := range v.Caller.Models {
		v.Caller.Models[i].Context, v.Caller.Models[i].MaxOutput = 1_000_000, 64_000
	}
	for _, v.Endpoints = range []bool{false, true} {
		var b bytes.Buffer
		if err := detail(v).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if b.Len() > 60_000 {
			t.Errorf("the page has %d bytes (endpoints: %v)", b.Len(), v.Endpoints)
		}
	}
}

func TestTheOtherPanelIsOfferedWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		may  []key.Endpoint
		want bool
	}{
		{nil, true},
		{[]key.Endpoint{key.ChatEndpoint, key.RerankEndpoint}, true},
		{[]key.Endpoint{key.ChatEndpoint}, false}, // Responses stands among the chat clients, too
		{[]key.Endpoint{key.RerankEndpoint, key.AudioEndpoint}, false},
	} {
		for _, endpoints := range []bool{false, true} {
			if _, ok := (detailView{Caller: client.Caller{Endpoints: tt.may}, Endpoints: endpoints}).other(); ok != tt.want {
				t.Errorf("%v: %v", tt.may, ok)
			}
		}
	}
}

// log is a call log that answers from a script: the calls that it holds at each step of Follow, newest first.
type log struct{ steps [][]calllog.Entry }

func (l *log) List(_ context.Context, _ tenant.Scope, f calllog.Filter, t calllog.Turn) (calllog.Page, error) {
	var fit []calllog.Entry
	for _, e := range l.steps[0] {
		if len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, e.Outcome) {
			fit = append(fit, e)
		}
	}
	if t.After != nil { // the nearest to the beginning
		fit = fit[max(len(fit)-t.Limit, 0):]
	}
	return calllog.Page{Calls: fit[:min(len(fit), t.Limit)]}, nil
}

func (l *log) Follow(context.Context, tenant.Scope, calllog.Filter, calllog.Tail) iter.Seq2[calllog.Tailed, error] {
	return func(yield func(calllog.Tailed, error) bool) {
		for len(l.steps) > 0 {
			if !yield(calllog.Tailed{}, nil) {
				return
			}
			l.steps = l.steps[1:]
		}
	}
}

// one is a service with one key.
type one struct {
	Service
	k key.Key
}

func (o one) Key(context.Context, tenant.Scope, id.Key) (key.Key, error) { return o.k, nil }

func TestTheCreatedPageHearsOfCallsUntilOneIsAnsweredWell(t *testing.T) {
	t.Parallel()
	entry := func(outcome calllog.Outcome, status int) calllog.Entry {
		return calllog.Entry{Record: calllog.Record{ID: id.NewCall(), Outcome: outcome, Status: status, Finish: chat.FinishReason("stop")}}
	}
	refused, good := entry(calllog.Refused, 404), entry(calllog.OK, 200)
	k, _ := sample()
	p := Keys{Keys: one{k: k}, Calls: &log{steps: [][]calllog.Entry{{}, {refused}, {refused}, {good, refused}, {good}}}}
	scope := tenant.Authenticated("org_1", tenant.Actor{User: "user_1"}, tenant.Developer)
	v := page.NewVisit(httptest.NewRequest("GET", "/keys/key_1/events", nil), account.Login{Scope: scope}, account.Visitor{}, noon(), "req_1", func(string) string { return "key_1" })
	reply, err := p.Events(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	if err := reply.Events(t.Context(), func(event, _ string) error {
		events = append(events, event)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wait", "arrived", "wait", "received"}, events); diff != "" {
		t.Error(diff)
	}
}
