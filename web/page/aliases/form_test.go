package aliases

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
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

func TestAFormSaysTheRouteThatFilledIt(t *testing.T) {
	t.Parallel()
	r := alias.Route{
		Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5", Credential: "cred_x"}, {Provider: "openai", Model: "gpt-4o-mini"}},
		Timeout: 20 * time.Second, FirstByte: 2500 * time.Millisecond, Attempts: 3, OnDisconnect: alias.Abort,
		DropUnsupported: true,
	}
	f := of(r)
	got, err := f.route()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyRowsAreLeftOutAndErrorsFindTheirRow(t *testing.T) {
	t.Parallel()
	f := form{Rows: []formRow{{}, {By: "", Model: "x"}, {By: "openai", Model: "y"}}, OnDisconnect: alias.Drain}
	r, err := f.route()
	if err == nil || len(r.Targets) != 2 || len(f.Rows) != 2 {
		t.Fatalf("route %+v, rows %+v, err %v", r, f.Rows, err)
	}
	if want := targetField(0, "provider"); !strings.Contains(fmt.Sprintf("%+v", err), "alias.invalid") || want != "route.targets.0.provider" {
		t.Errorf("err = %v at %s", err, want)
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

// FuzzDiffer holds that a difference is both texts at once, and that what they share at an end is not said to have changed.
func FuzzDiffer(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, was, is string) {
		if len(was) > 400 || len(is) > 400 {
			return
		}
		a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
		var before, after []string
		same := 0
		for _, c := range differ(a, b) {
			if c.Old > 0 {
				before = append(before, c.Text)
			}
			if c.New > 0 {
				after = append(after, c.Text)
			}
			if c.Old > 0 && c.New > 0 {
				same++
			}
		}
		if !slices.Equal(before, a) || !slices.Equal(after, b) {
			t.Fatalf("%q to %q reads %q and %q", a, b, before, after)
		}
		if slices.Equal(a, b) && same != len(a) {
			t.Errorf("a text differs from itself: %q", a)
		}
	})
}

func TestAVersionWithoutWordsIsSummedUp(t *testing.T) {
	t.Parallel()
	haiku, mini := alias.Target{Provider: "anthropic", Model: "haiku"}, alias.Target{Provider: "openai", Model: "mini"}
	for _, tt := range []struct {
		name    string
		was, is alias.Route
		want    string
	}{
		{"a fallback more", alias.Route{Targets: []alias.Target{haiku}}, alias.Route{Targets: []alias.Target{haiku, mini}}, "+\u00a0openai/mini"},
		{"another model", alias.Route{Targets: []alias.Target{haiku}}, alias.Route{Targets: []alias.Target{mini}}, "+\u00a0openai/mini, −\u00a0anthropic/haiku"},
		{"another order", alias.Route{Targets: []alias.Target{haiku, mini}}, alias.Route{Targets: []alias.Target{mini, haiku}}, "Another order"},
		{"dropping", alias.Route{Targets: []alias.Target{haiku}}, alias.Route{Targets: []alias.Target{haiku}, DropUnsupported: true}, "+\u00a0unsupported: drop with a warning"},
		{"no more dropping", alias.Route{Targets: []alias.Target{haiku}, DropUnsupported: true}, alias.Route{Targets: []alias.Target{haiku}}, "−\u00a0unsupported: drop with a warning"},
		{"another deadline", alias.Route{Targets: []alias.Target{haiku}}, alias.Route{Targets: []alias.Target{haiku}, Timeout: 20 * time.Second}, "+\u00a0deadline 20 s"},
	} {
		if got := (names{}).summary(tt.was, tt.is); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
