package aliases

import (
	"bytes"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/formtest"
	"tollgate/web/ui"
)

func TestButtonsMoveTargetsWithoutScripts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		button, want string
		pressed      bool
	}{
		{"up-1", "b a c", true},
		{"down-1", "a c b", true},
		{"drop-0", "b c", true},
		{"add", "a b c ", true},
		{"up-0", "a b c", false},
		{"down-2", "a b c", false},
		{"drop-9", "a b c", false},
		{"drop--1", "a b c", false},
		{"save", "a b c", false},
		{"", "a b c", false},
	} {
		f := form{Rows: []formRow{{Model: "a"}, {Model: "b"}, {Model: "c"}}}
		pressed := f.press(tt.button)
		var got []string
		for _, r := range f.Rows {
			got = append(got, r.Model)
		}
		if strings.Join(got, " ") != tt.want || pressed != tt.pressed {
			t.Errorf("%q: %v, pressed %v, want %q, %v", tt.button, got, pressed, tt.want, tt.pressed)
		}
	}
	full := form{Rows: make([]formRow, rowsMax)}
	if full.press("add"); len(full.Rows) != rowsMax {
		t.Errorf("a full form grew to %d rows", len(full.Rows))
	}
}

// full is a route that says something about everything.
func full() alias.Route {
	tokens, warm, top := int64(800), 0.2, 0.9
	return alias.Route{
		Strategy: alias.Weighted,
		Targets: []alias.Target{
			{Provider: "anthropic", Model: "claude-haiku-4-5", Credential: "cred_x", Weight: 70},
			{Provider: "openai", Model: "gpt-4o-mini", Weight: 30, Order: 1, Via: alias.ViaBatch},
			{Provider: "openai", Model: "gpt-4o", Weight: 1, Off: true},
		},
		Rules: []alias.Rule{
			{Name: "long", If: "input_tokens > 60000", Strategy: alias.Cheapest, Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o"}, {Provider: "sandbox", Model: "echo-mini"}}},
			{If: "tools", Strategy: alias.Ordered, Targets: []alias.Target{{Provider: "openai", Model: "o3"}}},
		},
		Fallbacks: []alias.Fallback{
			{Target: alias.Target{Provider: "openai", Model: "gpt-4o"}, On: []alias.Cause{alias.RateLimit, alias.ContextWindow}},
			{Target: alias.Target{Provider: "sandbox", Model: "echo-mini"}},
		},
		Retry: alias.Retry{Attempts: 2, On: []alias.Cause{alias.Overloaded}}, Sticky: alias.StickyOff,
		Timeout: 20 * time.Second, Connect: time.Second, FirstByte: 2500 * time.Millisecond, Idle: 30 * time.Second, Attempts: 3,
		Parameters: alias.Parameters{
			Defaults: alias.Settings{Temperature: &warm, Effort: "low"}, Caps: alias.Settings{MaxTokens: &tokens}, Overrides: alias.Settings{TopP: &top},
		},
		Prompt: &alias.Prompt{Name: "support/greeting", Label: "staging"},
		Cache:  alias.Cache{Mode: alias.CacheExact, TTL: 10 * time.Minute}, Privacy: alias.Privacy{Payload: "metadata", NoTraining: true},
		OnDisconnect: alias.Abort, DropUnsupported: true,
	}
}

func TestAFormSaysTheRouteThatFilledIt(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]alias.Route{
		"full":  full(),
		"plain": {Strategy: alias.Ordered, Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, OnDisconnect: alias.Drain},
	} {
		f := of(r)
		got, err := f.route()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What the page shows is what is posted back, without scripts: the fields of the rendered form, read again, say the same route.
func TestTheRenderedFormPostsTheRouteThatItShows(t *testing.T) {
	t.Parallel()
	_, known := sample()
	f := of(full())
	f.ID, f.Name, f.Version, f.Names = "alias_1", "fast-classifier", 12, known
	var page bytes.Buffer
	if err := edit(f).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	back := read(posted(t, formtest.Values(t, page.Bytes())))
	got, err := back.route()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if back.Version != 12 {
		t.Errorf("version %d", back.Version)
	}
}

func posted(t *testing.T, values url.Values) *page.Visit {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/aliases", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	return page.NewVisit(r, account.Login{}, account.Visitor{}, noon(), "req_1", func(string) string { return "" })
}

func TestButtonsOfFallbacksAndRulesMoveTheirOwnRows(t *testing.T) {
	t.Parallel()
	f := of(full())
	for _, button := range []string{"f.up-1", "r.down-0", "r1.drop-0", "r.add", "f.add", "r0.add"} {
		if !f.press(button) {
			t.Errorf("%q is no button", button)
		}
	}
	if f.Fallbacks[0].Model != "echo-mini" || len(f.Fallbacks) != 3 || f.Rules[0].If != "tools" || len(f.Rules) != 3 || len(f.Rules[1].Rows) != 1 || len(f.Rules[0].Rows) != 2 || len(f.Rows) != 3 {
		t.Errorf("fallbacks %+v, rules %+v", f.Fallbacks, f.Rules)
	}
	for _, button := range []string{"f.up-0", "r9.add", "r-1.add", "x.add", "r.", "rx.add", "."} {
		if f.press(button) {
			t.Errorf("%q is taken for a button", button)
		}
	}
}

func TestEmptyRowsAreLeftOutAndErrorsFindTheirRow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		f    form
		at   string
	}{
		{"a target without a provider", form{Rows: []formRow{{}, {Model: "x"}, {By: "openai", Model: "y"}}}, "route.targets.0.provider"},
		{"a fallback without one", form{Rows: []formRow{{By: "a", Model: "b"}}, Fallbacks: []formFallback{{}, {formRow: formRow{Model: "x"}}}}, "route.fallbacks.0.provider"},
		{"a rule's target without one", form{Rules: []formRule{{}, {If: "tools", Rows: []formRow{{}, {Model: "x"}}}}}, "route.rules.0.targets.0.provider"},
		{"a weight in words", form{Rows: []formRow{{By: "a", Model: "b", Weight: "half"}}}, "route.targets.0.weight"},
		{"a temperature in words", form{Caps: formSettings{Temperature: "warm"}}, "route.parameters.caps.temperature"},
		{"a negative temperature", form{Defaults: formSettings{Temperature: "-1"}}, "route.parameters.defaults.temperature"},
		{"a time in minutes", form{Cache: alias.CacheExact, CacheTTL: "10m"}, "route.cache.ttl_ms"},
	} {
		_, err := tt.f.route()
		trouble, _, mendable := page.Wrong(err)
		if !mendable || trouble.Field != tt.at {
			t.Errorf("%s: %v at %q, want %q", tt.name, err, trouble.Field, tt.at)
		}
		tt.f.Trouble = trouble
		if above := tt.f.above(); above != "" {
			t.Errorf("%s: the message stands above the form and not at its field: %q", tt.name, above)
		}
	}
	if f := (form{Trouble: page.Trouble{Field: "elsewhere", Message: "wrong"}}); f.above() != "wrong" {
		t.Error("a message about no field of the form is lost")
	}
}

func TestSecondsAreReadExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "20": 20 * time.Second, "2.5": 2500 * time.Millisecond, "0.001": time.Millisecond, "600": 10 * time.Minute} {
		got, err := duration(text)
		if err != nil || got != want {
			t.Errorf("duration(%q) = %v, %v, want %v", text, got, err, want)
		}
		if seconds(want) != text {
			t.Errorf("seconds(%v) = %q, want %q", want, seconds(want), text)
		}
	}
	for _, text := range []string{"-1", "1e3", "abc", "1m", ".", "0.0001", "99999999999999", "1.2.3", " 1"} {
		if got, err := duration(text); err == nil {
			t.Errorf("duration(%q) = %v, want a refusal", text, got)
		}
	}
}

func FuzzSeconds(f *testing.F) {
	f.Add("2.5")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := duration(text)
		if err != nil {
			return
		}
		if again, err := duration(seconds(d)); err != nil || again != d || d < 0 {
			t.Errorf("duration(%q) = %v, and again %v, %v", text, d, again, err)
		}
	})
}

func TestAVersionWithoutWordsSaysWhatItChanged(t *testing.T) {
	t.Parallel()
	haiku, mini := alias.Target{Provider: "anthropic", Model: "haiku"}, alias.Target{Provider: "openai", Model: "mini"}
	was := alias.Version{Number: 1, Route: alias.Route{Targets: []alias.Target{haiku}}}
	is := alias.Version{Number: 2, Route: alias.Route{Targets: []alias.Target{haiku}, Fallbacks: []alias.Fallback{{Target: mini}}}}
	if got := what(is, &was); !strings.Contains(got, "openai/mini") {
		t.Errorf("a fallback more: %q", got)
	}
	is.Message = "mini stands behind"
	if got := what(is, &was); got != is.Message {
		t.Errorf("its author's words: %q", got)
	}
	if got := what(was, nil); got != "Created" {
		t.Errorf("the first: %q", got)
	}
	if got := what(alias.Version{Number: 9}, nil); got != "Version 9" {
		t.Errorf("one whose predecessor is not at hand: %q", got)
	}
}

func TestHealthOfAnHour(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		calls, errors int64
		want          ui.Health
	}{{0, 0, ui.Unknown}, {100, 0, ui.Healthy}, {100, 2, ui.Healthy}, {100, 3, ui.Slow}, {100, 20, ui.Slow}, {100, 21, ui.Failing}, {1, 1, ui.Failing}} {
		if got := health(usage.Row{Calls: tt.calls, Errors: tt.errors}); got != tt.want {
			t.Errorf("%d of %d failed: %v, want %v", tt.errors, tt.calls, got, tt.want)
		}
	}
}

func TestHoursFallIntoTheirPlaces(t *testing.T) {
	t.Parallel()
	now := noon().Add(30 * time.Minute)
	var tr traffic
	c := usage.Costs{Rows: []usage.Row{
		{At: noon().Add(-30 * time.Hour), Calls: 7, Cost: 70},                           // yesterday
		{At: noon(), Calls: 3, Cost: 30, Errors: 1},                                     // this hour
		{At: noon().AddDate(0, 0, -8), Calls: 11, Cost: 1100, Unpriced: 1},              // the week before
		{At: now.AddDate(0, 0, -7).Truncate(time.Hour), Calls: 1, Cost: 5, Unpriced: 1}, // the first hour of the week
	}}
	tr.fold(c, now.AddDate(0, 0, -7), now)
	if tr.Week.Calls != 11 || tr.Before.Calls != 11 || tr.Week.Cost != 105 || tr.Before.Cost != 1100 {
		t.Errorf("week %+v, before %+v", tr.Week, tr.Before)
	}
	if !slices.Equal(tr.Calls, []int64{1, 0, 0, 0, 0, 7, 3}) || tr.Errors[6] != 1 {
		t.Errorf("by day %v, errors %v", tr.Calls, tr.Errors)
	}
	at := func(h int, provider string, calls, errors int64) usage.Row {
		return usage.Row{At: noon().Add(time.Duration(h) * time.Hour), Calls: calls, Errors: errors, Values: map[usage.Dimension]string{usage.Provider: provider, usage.Model: "m"}}
	}
	tr.places(usage.Costs{Rows: []usage.Row{at(0, "a", 10, 10), at(-23, "a", 10, 0), at(-24, "a", 10, 0), at(-1, "b", 100, 5)}}, now)
	a := tr.Day[place{"a", "m"}]
	if len(a.Strip) != 24 || a.Strip[23] != ui.Failing || a.Strip[0] != ui.Healthy || a.Strip[12] != ui.Unknown || a.Row.Calls != 20 || a.bad != 1 {
		t.Errorf("%+v", a)
	}
	if b := tr.Day[place{"b", "m"}]; b.Strip[22] != ui.Slow || b.slow != 1 {
		t.Errorf("%+v", b)
	}
}

func TestTemplatesHoldWhatIsConnected(t *testing.T) {
	t.Parallel()
	_, known := sample()
	known.credentials = nil
	for _, o := range known.offered() {
		if !strings.HasPrefix(o.Holds, "sandbox/") {
			t.Errorf("without a provider %s holds %s", o.Name, o.Holds)
		}
	}
	_, known = sample()
	var f form
	f.fill(known, "chat-fast")
	if f.Name != "chat-fast" || len(f.Rows) != 1 || f.Rows[0].By != "anthropic" {
		t.Errorf("%+v", f)
	}
	known.credentials = append(known.credentials, credential.Credential{ID: "cred_o", Provider: "openai"})
	f = form{}
	f.fill(known, "chat-fast")
	if len(f.Rows) != 1 || len(f.Fallbacks) != 1 || f.Fallbacks[0].Model != "gpt-4o-mini" {
		t.Errorf("%+v", f)
	}
	f = form{Name: "kept"}
	if f.fill(known, "none-such"); f.Name != "kept" {
		t.Errorf("%+v", f)
	}
}
