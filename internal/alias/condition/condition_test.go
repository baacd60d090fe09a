package condition_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias/condition"
)

// tuesday is 23:30 in UTC and Wednesday, 01:30, in Berlin.
var tuesday = time.Date(2030, 7, 2, 23, 30, 0, 0, time.UTC)

var call = condition.Facts{
	Task: "classification", Alias: "fast", Environment: "production", Key: "key_1", KeyName: "triage", Team: "Support", Workflow: "inbox",
	Endpoint: "chat", EndUser: "u-7", Tags: map[string]string{"tier": "gold"}, InputTokens: 70_000, MaxTokens: 500, Messages: 3,
	Images: true, JSON: true, Now: tuesday,
}

func TestEveryFactIsKnownByItsName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`task == "classification"`, `alias == 'fast'`, `environment == "production"`, `key == "key_1"`, `key_name == "triage"`, `team == "Support"`,
		`workflow == "inbox"`, `endpoint == "chat"`, `end_user == "u-7"`, `tag("tier") == "gold"`, `tag("none") == ""`,
		`input_tokens == 70000`, `max_tokens == 500`, `messages == 3`, `images`, `!audio`, `!documents`, `!tools`, `json`, `!stream`,
		`hour == 23`, `minute == 30`, `weekday == 2`, `hour("Europe/Berlin") == 1`, `weekday("Europe/Berlin") == 3`, `hour("UTC") == 23`,
	} {
		if !holds(t, text, call) {
			t.Errorf("%s does not hold", text)
		}
	}
}

func TestExpressionsMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`input_tokens > 60000 && task in ["classification", "extraction"]`: true,
		`input_tokens < 60000 || tag("tier") != "gold"`:                    false,
		`!(images || tools)`:   false,
		`tools ? audio : json`: true,
		`workflow.startsWith("in") && workflow.endsWith("box") && workflow.contains("nbo")`: true,
		`team.matches("^(Support|Sales)$")`:                                                 true,
		`team.matches("upp")`:                                                               true,
		`size(team) == 7 && team.size() > 6`:                                                true,
		`input_tokens + max_tokens > 70499`:                                                 true,
		`input_tokens - max_tokens < 69501`:                                                 true,
		`input_tokens * 2 == 140000`:                                                        true,
		`messages / 2 == 1 && minute % 20 == 10`:                                            true,
		`-messages < 0`:                                                                     true,
		`tag(task) == ""`:                                                                   true,
		`"Support" in [team, "x"]`:                                                          true,
		`hour >= 22 || hour < 6`:                                                            true,
		`true`:                                                                              true,
		"input_tokens > 60000 &&\n  environment == 'production'":                            true,
	} {
		if got := holds(t, text, call); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestSumsStopWhereNumbersEnd(t *testing.T) {
	t.Parallel()
	most, least := condition.Facts{InputTokens: 1<<63 - 1, MaxTokens: 1}, condition.Facts{InputTokens: -1 << 63, MaxTokens: 1}
	for text, of := range map[string]condition.Facts{
		`input_tokens + max_tokens == 9223372036854775807`:                most,
		`input_tokens * 2 == 9223372036854775807`:                         most,
		`input_tokens * -2 == -9223372036854775808`:                       most,
		`input_tokens - max_tokens == -9223372036854775808`:               least,
		`-input_tokens == 9223372036854775807`:                            least,
		`max_tokens - input_tokens == 9223372036854775807`:                least,
		`input_tokens * -1 == 9223372036854775807`:                        least,
		`input_tokens / 1 == input_tokens && input_tokens % 2 == 0`:       least,
		`-9223372036854775807 - input_tokens == 1 && -1 * max_tokens < 0`: least,
	} {
		if !holds(t, text, of) {
			t.Errorf("%s does not hold", text)
		}
	}
}

func TestARefusalSaysWhereAndWhy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text         string
		line, column int
		says         string
	}{
		{``, 1, 1, "empty"},
		{`  `, 1, 1, "empty"},
		{"task == \"\xff\"", 1, 1, "UTF-8"},
		{strings.Repeat("tools || ", 120) + "tools", 1, 1, "1,000 bytes"},
		{`enviromment == "production"`, 1, 1, "Did you mean environment?"},
		{"tools &&\n  strem", 2, 3, "Did you mean stream?"},
		{`tools && prompt == "x"`, 1, 10, "A condition knows alias,"},
		{`tags.tier == "gold"`, 1, 1, `tag("name")`},
		{`tag["tier"] == "gold"`, 1, 1, `There is no "tag"`},
		{`[1, 2][5] == 1`, 1, 7, "Conditions have no [ ]"},
		{`{"a": 1} == {"a": 1}`, 1, 1, "no maps"},
		{`task.size > 1`, 1, 5, "no fields"},
		{`[1].exists(x, x == 1)`, 1, 11, "loops"},
		{`has(task)`, 1, 4, "loops"},
		{`task.startWith("x")`, 1, 15, "Did you mean startsWith()?"},
		{`int(task) == 1`, 1, 4, "There is no int()"},
		{`task = "x"`, 1, 6, "=="},
		{`task == `, 1, 9, "ends too early"},
		{`task == "a" and tools`, 1, 13, "&&"},
		{`task`, 1, 1, "true or false"},
		{`input_tokens`, 1, 1, "true or false"},
		{`input_tokens > "60000"`, 1, 14, "two whole numbers"},
		{`input_tokens == "60000"`, 1, 14, "same kind"},
		{`input_tokens > 0.5`, 1, 14, "not whole"},
		{`input_tokens / messages > 1`, 1, 16, "Divide by a whole number above 0"},
		{`input_tokens % 0 == 1`, 1, 16, "Divide by a whole number above 0"},
		{`input_tokens / -1 == 1`, 1, 16, "Divide by a whole number above 0"},
		{`task.matches(tag("p"))`, 1, 17, "stands in the condition"},
		{`task.matches("(")`, 1, 14, "not a valid pattern"},
		{`task.matches("a{900}")`, 1, 14, "too large"},
		{strings.Repeat(`task.matches("a") || `, 4) + `task.matches("a")`, 1, 97, "at most 4 patterns"},
		{`hour("Mars") > 1`, 1, 6, "no time zone"},
		{`hour(task) > 1`, 1, 6, "time zone as a text"},
		{`hour("Local") > 1`, 1, 6, "no time zone"},
		{`hour("../../etc/passwd") > 1`, 1, 6, "no time zone"},
		{strings.Repeat("(", 60) + "tools" + strings.Repeat(")", 60), 1, 1, "too deep"},
		{`1u == 1u`, 1, 1, "Values are"},
	}
	for _, tt := range tests {
		_, err := condition.Compile(tt.text)
		var e *condition.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if e.Line != tt.line || e.Column != tt.column || !strings.Contains(e.Reason, tt.says) {
			t.Errorf("%q:\n got %d:%d %s\nwant %d:%d …%s…", tt.text, e.Line, e.Column, e.Reason, tt.line, tt.column, tt.says)
		}
	}
}

func holds(t *testing.T, text string, f condition.Facts) bool {
	t.Helper()
	p, err := condition.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if p.String() != text {
		t.Errorf("%q became %q", text, p)
	}
	got, err := p.Holds(&f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func BenchmarkHolds(b *testing.B) {
	p, err := condition.Compile(`environment == "production" && input_tokens > 60000 && tag("tier") in ["gold", "silver"] && !tools && hour("Europe/Berlin") >= 1`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Holds(&call); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
