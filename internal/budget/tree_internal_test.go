package budget

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// node is a budget of the tree: on is "team=a environment=b".
func node(name, on string, each dimension.Name, used money.NanoUSD) Node {
	var s dimension.Selector
	for pair := range strings.FieldsSeq(on) {
		d, v, _ := strings.Cut(pair, "=")
		s = append(s, dimension.Match{Dimension: dimension.Name(d), Value: v})
	}
	return Node{Standing: Standing{
		Budget: Budget{ID: id.Budget("bud_" + name), Name: name, Selector: s.Normal(), Each: each},
		Meters: []Meter{{Period: Month, Limit: 100, Spent: used}},
	}}
}

func TestABudgetStandsBelowTheTightestThatCoversIt(t *testing.T) {
	t.Parallel()
	nodes := []Node{
		node("key", "key=k1", "", 10),
		node("team", "team=a", "", 20),
		node("teamprod", "team=a environment=prod", "", 90),
		node("org", "", "", 30),
		node("allusers", "", dimension.EndUser, 5),
		node("prod", "environment=prod", "", 40),
		node("other", "team=b", "", 99),
		node("twin", "team=a", "", 10),
	}
	adopt(nodes, map[id.Key]id.Team{"k1": "a"})
	var got strings.Builder
	for _, n := range inOrder(nodes) {
		got.WriteString(strings.Repeat(" ", n.Depth) + n.Budget.Name + "\n")
	}
	// Side by side the fullest first; a twin stands beside its like, and the older of the two has the children; a budget for each value has none.
	const want = "org\n other\n prod\n team\n  teamprod\n  key\n twin\n allusers\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
}

func TestPercentIsRoundedDownAndStaysInRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part, whole money.NanoUSD
		want        int
	}{
		{0, 100, 0}, {999, 1000, 99}, {1000, 1000, 100}, {1, 0, 100}, {0, 0, 100}, {-5, 100, 0}, {amountMax, 1, 9999}, {amountMax * 90, amountMax, 9000},
	} {
		if got := percent(tt.part, tt.whole); got != tt.want {
			t.Errorf("percent(%d, %d) = %d, want %d", tt.part, tt.whole, got, tt.want)
		}
	}
}

func TestTheLineToTheEnd(t *testing.T) {
	t.Parallel()
	w := Calendar{}.Window(Month, monday)
	for name, tt := range map[string]struct {
		m    Meter
		now  time.Time
		want time.Time
	}{
		"twice too fast":     {Meter{Window: w, Spent: 100, Limit: 150}, monday.AddDate(0, 0, 10), monday.AddDate(0, 0, 15)},
		"on track":           {Meter{Window: w, Spent: 100, Limit: 300}, monday.AddDate(0, 0, 10), time.Time{}},
		"used up":            {Meter{Window: w, Spent: 100, Limit: 100}, monday.AddDate(0, 0, 10), monday.AddDate(0, 0, 10)},
		"it has just begun":  {Meter{Window: w, Spent: 100, Limit: 150}, monday.Add(time.Hour), time.Time{}},
		"it has no end":      {Meter{Window: Window{Period: Total}, Spent: 100, Limit: 150}, monday, time.Time{}},
		"nothing is allowed": {Meter{Window: w, Limit: 0}, monday.AddDate(0, 0, 10), time.Time{}},
	} {
		if got := tt.m.endsAt(tt.now); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
