package alias_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
)

func one(r alias.Route) alias.File { return alias.File{Aliases: map[string]alias.Route{"fast": r}} }

func TestFilesThatSayTheSameAreTheSame(t *testing.T) {
	t.Parallel()
	weighted := to("openai/a", "anthropic/b")
	weighted[0].Weight = 2
	spelled := slices.Clone(weighted)
	spelled[1].Weight = 1
	usual := []alias.Cause{alias.TimedOut, alias.Failed, alias.RateLimit, alias.Overloaded, alias.Failed}
	tests := []struct {
		name string
		a, b alias.File
		want bool
	}{
		{"nothing", alias.File{}, alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}, true},
		{"an auto that is off", alias.File{Auto: alias.Auto{Classifier: "x"}}, alias.File{}, true},
		{"an auto that is on", alias.File{Auto: alias.Auto{On: true}}, alias.File{}, false},
		{"the default strategy", one(alias.Route{Targets: to("openai/a")}), one(alias.Route{Strategy: alias.Ordered, Targets: to("openai/a")}), true},
		{"weights imply a strategy", one(alias.Route{Targets: weighted}), one(alias.Route{Strategy: alias.Weighted, Targets: spelled}), true},
		{"weights beside another strategy", one(alias.Route{Strategy: alias.Ordered, Targets: weighted}), one(alias.Route{Targets: weighted}), false},
		{"blanks", one(alias.Route{Targets: to(" openai/a ")}), one(alias.Route{Targets: to("openai/a")}), true},
		{"the usual causes", one(alias.Route{Targets: to("openai/a"), Retry: alias.Retry{On: usual}}), one(alias.Route{Targets: to("openai/a")}), true},
		{
			"causes in another order",
			one(alias.Route{Targets: to("openai/a"), Fallbacks: []alias.Fallback{{Target: to("openai/b")[0], On: []alias.Cause{alias.ContextWindow, alias.RateLimit}}}}),
			one(alias.Route{Targets: to("openai/a"), Fallbacks: []alias.Fallback{{Target: to("openai/b")[0], On: []alias.Cause{alias.RateLimit, alias.ContextWindow}}}}), true,
		},
		{"drain", one(alias.Route{Targets: to("openai/a"), OnDisconnect: alias.Drain}), one(alias.Route{Targets: to("openai/a"), Rules: []alias.Rule{}}), true},
		{"abort", one(alias.Route{Targets: to("openai/a"), OnDisconnect: alias.Abort}), one(alias.Route{Targets: to("openai/a")}), false},
		{"the order of targets", one(alias.Route{Targets: to("openai/a", "openai/b")}), one(alias.Route{Targets: to("openai/b", "openai/a")}), false},
	}
	for _, tt := range tests {
		if got := tt.a.Same(tt.b); got != tt.want || tt.b.Same(tt.a) != tt.want {
			t.Errorf("%s: the same is %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAFileMeansNothingThatIsNotInIt(t *testing.T) {
	t.Parallel()
	f := alias.File{
		Tasks: map[string]string{"ok": "fast", "Bad Name": "fast", "lost": "nowhere"}, Auto: alias.Auto{On: true, Classifier: "nobody", Default: "nothing"},
		Aliases: map[string]alias.Route{"fast": {Targets: to("openai/a")}, "auto": {Targets: to("openai/a")}, "Bad/Name": {Targets: to("openai/a")}, "empty": {}},
	}
	var fields []string
	for _, p := range f.Problems(words) {
		fields = append(fields, p.Field())
	}
	want := []string{"tasks.Bad Name", "tasks.lost", "auto.default", "auto.classifier", "aliases.Bad/Name", "aliases.auto", "aliases.empty.targets"}
	if !cmp.Equal(fields, want) {
		t.Errorf("%v, want %v", fields, want)
	}
	f.Auto.On = false
	if n := len(f.Problems(words)); n != len(want)-2 {
		t.Errorf("%d problems while auto is off", n)
	}
	many := alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}
	for i := range 501 {
		many.Aliases[fmt.Sprint("a", i)] = alias.Route{Targets: to("openai/a")}
		if i <= 200 {
			many.Tasks[fmt.Sprint("t", i)] = "a0"
		}
	}
	if found := many.Problems(words); len(found) != 2 || found[0].Field() != "aliases" || found[1].Field() != "tasks" {
		t.Errorf("%v", found)
	}
}

func TestADiffSaysWhatChangesInWords(t *testing.T) {
	t.Parallel()
	was := alias.File{
		Tasks:   map[string]string{"a": "fast", "gone": "fast"},
		Aliases: map[string]alias.Route{"fast": full(), "old": {Targets: to("openai/a")}, "same": {Targets: to("openai/a")}},
	}
	is := alias.File{
		Tasks: map[string]string{"a": "new", "b": "fast"}, Auto: alias.Auto{On: true},
		Aliases: map[string]alias.Route{"fast": full(), "new": {Targets: to("openai/a", "openai/b")}, "same": {Strategy: alias.Ordered, Targets: to("openai/a")}},
	}
	r := full()
	r.Targets = []alias.Target{r.Targets[1], r.Targets[0], to("openai/d")[0]}
	r.Targets[0].Weight, r.Targets[0].Off, r.Targets[2].Weight, r.Targets[2].Credential = 5, true, 7, "cred_1"
	r.Rules = append(r.Rules, alias.Rule{If: "tools", Targets: to("openai/z")})
	r.Rules[0].If = "images"
	r.Fallbacks = r.Fallbacks[:1]
	r.Fallbacks[0].On = nil
	r.Retry, r.Attempts, r.Sticky, r.Timeout, r.Idle = alias.Retry{}, 3, "", time.Minute, 0
	r.FirstByte, r.Connect = time.Second, 0
	r.Parameters.Defaults.MaxTokens, r.Parameters.Caps, r.Parameters.Overrides.Effort = number[int64](4), alias.Settings{}, ""
	r.Cache, r.Privacy, r.OnDisconnect, r.DropUnsupported = alias.Cache{}, alias.Privacy{Payload: "full"}, alias.Drain, false
	is.Aliases["fast"] = r
	var b strings.Builder
	for _, c := range alias.Diff(was, is) {
		fmt.Fprintf(&b, "%s %s\n  %s\n", c.Subject(), c.Kind, strings.Join(c.Says, "\n  "))
	}
	want := `task a changed
  fast → new
task b added
  fast
task gone removed
  fast
auto added
  on
fast changed
  target sandbox/c removed
  anthropic/b: weight 1 → 5
  anthropic/b: is on → off
  target openai/d by cred_1 added with weight 7
  targets in another order: anthropic/b + openai/a via batch
  rule 1 (long prompts) if true → images
  rule 2 added: if tools to openai/z
  fallbacks: target openai/f removed
  fallback openai/a on context_window → the usual causes
  attempts at one target 10 → the default
  retry on timeout → the usual causes
  attempts 10 → 3
  sticky off → on
  time-out 30m → 1m
  time to connect 1m → none
  time to first byte 30m → 1s
  idle time 100ms → none
  default max_tokens 5 → 4
  cap of max_tokens 5 → none
  cap of temperature 2 → none
  fixed effort high → none
  cache exact 24h → none
  kept of a call none → full
  providers that train passed over → allowed
  when the client has gone abort → drain
  calls with what a target cannot express made without it → refused
new added
  to openai/a + openai/b
old removed
  went to openai/a
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := alias.Diff(is, is); len(got) != 0 {
		t.Errorf("%v between equal files", got)
	}
}
