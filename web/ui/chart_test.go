package ui

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheAxisReachesEveryValueInFourStepsAtMost(t *testing.T) {
	t.Parallel()
	for _, top := range []int64{0, 1, 3, 4, 5, 7, 9, 10, 11, 99, 100, 101, 935, 1_000, 1_001, 24_000, 935_310_000_000, 1 << 55} {
		a := axisFor(top)
		if a.top() < top {
			t.Errorf("axisFor(%d) ends at %d", top, a.top())
		}
		if a.steps < 1 || a.steps > 4 {
			t.Errorf("axisFor(%d) has %d steps", top, a.steps)
		}
		if top > 4 && float64(a.top()-a.step) >= float64(top) {
			t.Errorf("axisFor(%d): the last step to %d is empty", top, a.top())
		}
	}
}

func TestAxisLabelsAreRound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		top  int64
		unit Unit
		want string
	}{
		{935_310_000_000, Dollars, "$1,000 $750 $500 $250 0"},
		{340, Counts, "400 300 200 100 0"},
		{2, Counts, "2 1 0"},
		{1_900_000_000, Dollars, "$2 $1.50 $1 $0.50 0"},
		{1_900_000, Dollars, "$0.002 $0.0015 $0.001 $0.0005 0"},
		{780_000, Spans, "800 ms|600 ms|400 ms|200 ms|0"},
		{9_000_000, Counts, "10.0 M|7.50 M|5.00 M|2.50 M|0"},
	}
	for _, tt := range tests {
		var labels []string
		for _, v := range axisFor(tt.top).labels() {
			labels = append(labels, tt.unit.axis(v))
		}
		sep := " "
		if strings.Contains(tt.want, "|") {
			sep = "|"
		}
		if got := strings.Join(labels, sep); got != tt.want {
			t.Errorf("labels to %d = %q, want %q", tt.top, got, tt.want)
		}
	}
}

func number(t *testing.T, percent string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(percent, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPartsOfABarTouchAndStandOnZero(t *testing.T) {
	t.Parallel()
	b := Bars{
		Series: []Series{{Name: "a", Colour: 1}, {Name: "b", Colour: 2}, {Name: "c", Colour: 12}},
		Days:   []BarDay{{Parts: []int64{30, 0, 20}}, {Parts: []int64{50, 40, 10, 99}}},
	}
	for i, wantParts := range []int{2, 3} {
		parts := b.stack(i)
		if len(parts) != wantParts {
			t.Fatalf("bar %d has %d parts, want %d: parts of nothing and of no series are not drawn", i, len(parts), wantParts)
		}
		floor := 100.0
		for _, p := range parts {
			y, h := number(t, p.y), number(t, p.height)
			if d := y + h - floor; d > 0.02 || d < -0.02 {
				t.Errorf("bar %d: a part ends at %.2f, the one below begins at %.2f", i, y+h, floor)
			}
			floor = y
		}
	}
	if got := b.stack(0)[1].class; got != "co" {
		t.Errorf("a colour beyond the scale is %q, want the rest", got)
	}
}

func TestADaySpeaksItsTotalAndItsPast(t *testing.T) {
	t.Parallel()
	b := Bars{Unit: Dollars, Compare: "last year", Days: []BarDay{{Label: "Thu 12 Nov", Parts: []int64{1_500_000_000, 500_000_000}, Before: 1_000_000_000, Unfinished: true}}}
	if got, want := b.spoken(0), "Thu 12 Nov: $2.00, last year $1.00, not over"; got != want {
		t.Errorf("spoken = %q, want %q", got, want)
	}
}

func TestALineHasGapsWhereNothingWasMeasured(t *testing.T) {
	t.Parallel()
	l := Lines{Series: []Series{{}}, Days: []BarDay{{Parts: []int64{4}}, {Parts: []int64{-1}}, {Parts: []int64{2}}, {Parts: []int64{0}}}}
	got := l.paths(0)
	if len(got) != 2 || got[0] != "12.5,0" || got[1] != "62.5,50 87.5,100" {
		t.Errorf("paths = %q", got)
	}
}

func TestAWaterfallStaysInItsFrame(t *testing.T) {
	t.Parallel()
	f := Fall{Total: time.Second, Steps: []FallStep{
		{Start: 0, Length: 0},
		{Start: time.Second, Length: time.Millisecond},
		{Start: 900 * time.Millisecond, Length: time.Minute},
		{Start: -time.Second, Length: time.Second},
	}}
	for i, s := range f.Steps {
		x, w := number(t, f.x(s)), number(t, f.width(s))
		if x < 0 || w < thinnest-0.01 || x+w > 100.01 {
			t.Errorf("step %d runs from %.2f for %.2f", i, x, w)
		}
	}
	if got := (Fall{}).x(FallStep{Start: time.Second}); got != "0%" {
		t.Errorf("without a length everything stands at the start, not at %s", got)
	}
}

func TestAMeterNeverRunsOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		meter MeterView
		tone  string
		label string
	}{
		{"calm below 80%", MeterView{Spent: 79, Limit: 100}, "", "79.0% spent"},
		{"warns from 80%", MeterView{Spent: 80, Limit: 100}, "warn", "80.0% spent"},
		{"full at the limit", MeterView{Spent: 100, Limit: 100}, "bad", "100% spent"},
		{"a limit of zero is full", MeterView{Spent: 1, Limit: 0}, "bad", "– spent"},
		{"says what is held", MeterView{Spent: 46, Reserved: 3, Limit: 100}, "", "46.0% spent, 3.0% reserved"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.meter.tone() != tt.tone || tt.meter.label() != tt.label {
				t.Errorf("%q %q, want %q %q", tt.meter.tone(), tt.meter.label(), tt.tone, tt.label)
			}
		})
	}
	if got := (MeterView{Spent: 83, Reserved: 40, Limit: 100}).reservedWidth(); got != "17%" {
		t.Errorf("what is held is drawn %s wide, want the 17%% that are left", got)
	}
}

func TestASparkFitsItsFrame(t *testing.T) {
	t.Parallel()
	if got, want := sparkLine([]int64{0, 10, 5}), "0,92 50,8 100,50"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	if got, want := sparkLine([]int64{7, 7}), "0,50 100,50"; got != want {
		t.Errorf("flat line = %q, want %q", got, want)
	}
}

func TestHighlightColours(t *testing.T) {
	t.Parallel()
	tests := []struct {
		language Language
		code     string
		want     string
	}{
		{Python, `from x import Y  # why`, `<from|k> x <import|k> Y  <# why|cm>`},
		{Shell, `curl -H "a: $B"`, `<curl|k> -H <"a: $B"|s>`},
		{JSON, `{"a": 1.5}`, `{<"a"|s>: <1.5|m>}`},
		{YAML, "a: \"b\"\n  c: d", "<a:|k> <\"b\"|s>\n<  c:|k> d"},
		{Text, `from "x"`, `from "x"`},
	}
	for _, tt := range tests {
		var b strings.Builder
		for _, p := range highlight(tt.language, tt.code) {
			if p.class == "" {
				b.WriteString(p.text)
			} else {
				b.WriteString("<" + p.text + "|" + p.class + ">")
			}
		}
		if b.String() != tt.want {
			t.Errorf("%s: %s, want %s", tt.language, b.String(), tt.want)
		}
	}
}

func FuzzHighlightKeepsTheCode(f *testing.F) {
	for i, code := range []string{`a "b" 'c`, "# x\n\"\\\"", "`a`", "a: b", "\xff\"\xfe\"", ""} {
		f.Add(i, code)
	}
	languages := []Language{Text, Shell, Python, Script, Golang, JSON, YAML, TOML}
	f.Fuzz(func(t *testing.T, n int, code string) {
		var b strings.Builder
		for _, p := range highlight(languages[(n%len(languages)+len(languages))%len(languages)], code) {
			b.WriteString(p.text)
		}
		if b.String() != code {
			t.Errorf("%q became %q", code, b.String())
		}
	})
}

func TestANarrowChartKeepsTheNewestLabelAndEveryOtherOne(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{1: "0", 2: "1", 7: "0 2 4 6", 8: "1 3 5 7", 22: "3 9 15 21", 31: "4 12 20 28"} {
		b := Bars{}
		for i := range days {
			b.Days = append(b.Days, BarDay{Axis: strconv.Itoa(i)})
		}
		var kept []string
		for i := range days {
			if label := b.axisLabel(i); label != "" && !b.spare(i) {
				kept = append(kept, label)
			}
		}
		if got := strings.Join(kept, " "); got != want {
			t.Errorf("of %d days %q are named, want %q", days, got, want)
		}
	}
}
