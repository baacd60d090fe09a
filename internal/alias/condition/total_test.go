package condition_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias/condition"
)

// What compiles has an answer for every call: 3,000 random expressions, most of them sound, each over random calls.
func TestWhatCompilesNeverFails(t *testing.T) {
	t.Parallel()
	g := grammar{rand.New(rand.NewPCG(1, 2))}
	sound := 0
	for range 3_000 {
		text := g.expression()
		p, err := condition.Compile(text)
		if err != nil {
			continue
		}
		sound++
		for range 3 {
			f := g.facts()
			if _, err := p.Holds(&f); err != nil {
				t.Fatalf("%s\nover %+v: %v", text, f, err)
			}
		}
	}
	if sound < 1_000 {
		t.Errorf("only %d of the expressions compile: the test says little", sound)
	}
}

func FuzzWhatCompilesNeverFails(f *testing.F) {
	g := grammar{rand.New(rand.NewPCG(3, 4))}
	for range 50 {
		f.Add(g.expression(), uint64(1))
	}
	f.Add(`{"a":1,"a":2}["b"] == 1`, uint64(2))
	f.Add(`timestamp(task) < timestamp("x")`, uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		p, err := condition.Compile(text)
		if err != nil {
			return
		}
		g := grammar{rand.New(rand.NewPCG(seed, 5))}
		for range 3 {
			f := g.facts()
			if _, err := p.Holds(&f); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}

// grammar makes random expressions and random calls.
type grammar struct{ *rand.Rand }

func (g grammar) pick(of ...string) string { return of[g.IntN(len(of))] }

// expression is mostly boolean and sound, and now and then of the kind that would fail in full CEL.
func (g grammar) expression() string {
	if g.IntN(10) == 0 {
		return g.pick(
			`tag("a")[0] == "x"`, `input_tokens / messages > 1`, `int(task) > 1`, `double(task) > 1.0`, `timestamp(task) == timestamp(alias)`,
			`duration(task) == duration("1s")`, `{task: 1}["a"] == 1`, `{task: 1, alias: 2} == {}`, `[1, 2][messages] == 1`, `task.matches(alias)`,
			`hour(task) == 1`, `messages % max_tokens == 0`, `dyn(task) > dyn(1)`, `[task][0] == ""`, `uint(messages) == 1u`, `"a" + task == "b"`,
			`string(messages) == "1"`, `[1, 2].all(x, x / messages > 1)`, `bytes(task) == b"a"`, `type(task) == string`, `Facts{}.x`, `1 / 0 > 1`,
		) + g.pick(" && ", " || ") + g.boolean(2)
	}
	return g.boolean(4)
}

func (g grammar) boolean(depth int) string {
	if depth == 0 {
		return g.pick("images", "audio", "documents", "tools", "json", "stream", "true", "false")
	}
	switch g.IntN(9) {
	case 0:
		return "!(" + g.boolean(depth-1) + ")"
	case 1, 2:
		return "(" + g.boolean(depth-1) + g.pick(" && ", " || ", " == ", " != ") + g.boolean(depth-1) + ")"
	case 3:
		return "(" + g.boolean(depth-1) + " ? " + g.boolean(depth-1) + " : " + g.boolean(depth-1) + ")"
	case 4, 5:
		return g.number(depth-1) + g.pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + g.number(depth-1)
	case 6:
		return g.text() + g.pick(" == ", " != ") + g.text()
	case 7:
		return g.text() + " in [" + g.text() + ", " + g.text() + "]"
	default:
		return g.text() + g.pick(`.contains(`, `.startsWith(`, `.endsWith(`) + g.text() + ")"
	}
}

func (g grammar) number(depth int) string {
	if depth <= 0 || g.IntN(3) == 0 {
		return g.pick("input_tokens", "max_tokens", "messages", "hour", "minute", "weekday", "0", "-1", "60000", "9223372036854775807",
			`hour("Asia/Kolkata")`, `weekday("America/New_York")`, "size("+g.text()+")")
	}
	if g.IntN(4) == 0 {
		return g.number(depth-1) + g.pick(" / ", " % ") + fmt.Sprint(1+g.IntN(9))
	}
	if g.IntN(6) == 0 {
		return "-(" + g.number(depth-1) + ")"
	}
	return "(" + g.number(depth-1) + g.pick(" + ", " - ", " * ") + g.number(depth-1) + ")"
}

func (g grammar) text() string {
	return g.pick("task", "alias", "environment", "key", "key_name", "team", "workflow", "endpoint", "end_user", `tag("a")`, `tag(task)`,
		`"a"`, `""`, `"ü\n"`, `tag("")`)
}

func (g grammar) facts() condition.Facts {
	word := func() string {
		return g.pick("", "a", "production", "\x00", "\xff\xfe", "ünï", strings.Repeat("long", g.IntN(200)), "(", "2030-01-01T00:00:00Z")
	}
	count := func() int64 { return []int64{0, 1, -1, 60_000, 1<<63 - 1, -1 << 63, g.Int64()}[g.IntN(7)] }
	yes := func() bool { return g.IntN(2) == 0 }
	f := condition.Facts{
		Task: word(), Alias: word(), Environment: word(), Key: word(), KeyName: word(), Team: word(), Workflow: word(), Endpoint: word(), EndUser: word(),
		InputTokens: count(), MaxTokens: count(), Messages: count(), Images: yes(), Audio: yes(), Documents: yes(), Tools: yes(), JSON: yes(), Stream: yes(),
	}
	if yes() {
		f.Tags = map[string]string{"a": word(), word(): word()}
	}
	if yes() {
		f.Now = time.Unix(g.Int64N(1<<36)-(1<<35), 0)
	}
	return f
}
