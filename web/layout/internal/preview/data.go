package preview

import (
	"time"

	"tollgate/internal/money"
	"tollgate/web/ui"
)

func clock() ui.Clock {
	return ui.Clock{Now: time.Date(2026, 11, 20, 14, 2, 11, 482_000_000, time.UTC)}
}

func fresh() *ui.Freshness {
	return &ui.Freshness{Clock: clock(), RolledTo: clock().Now.Truncate(time.Minute)}
}

func past() []int64 {
	return []int64{12, 40, 38, 44, 41, 8, 10, 42, 39, 47, 60, 58, 9, 7, 44, 45, 52, 49}
}

func groups() []ui.Choice {
	return []ui.Choice{{Text: "Team", Href: "?group=team", Current: true}, {Text: "Model", Href: "?group=model"}, {Text: "Key", Href: "?group=key"}}
}

type row struct {
	name          string
	colour        ui.Colour
	spend, before money.NanoUSD
	requests      int64
	used          time.Time
}

func rows() []row {
	return []row{
		{"Support", 1, 8_015_690_000_000, 6_602_000_000_000, 1_902_114, clock().Now.Add(-12 * time.Second)},
		{"Search", 2, 5_480_120_000_000, 5_500_000_000_000, 2_011_320, clock().Now.Add(-3 * time.Hour)},
		{"Data", 5, 612_000, 0, 311, time.Time{}},
	}
}

func total() money.NanoUSD {
	var sum money.NanoUSD
	for _, r := range rows() {
		sum += r.spend
	}
	return sum
}

// days are twelve days of nine series: the eight colours and the rest.
func days() ui.Bars {
	b := ui.Bars{
		Label: "Spend by day", Unit: ui.Dollars, Compare: "previous 12 days", Height: ui.Mid,
		Marks: []ui.Mark{{Day: 3, Text: "Price of gpt-4o-mini fell"}, {Day: 8, Text: "Prompt v15 went live"}},
	}
	for i, name := range []string{"Support", "Search", "Platform", "Growth", "Data", "Legal", "Sales", "Ops", "Rest"} {
		b.Series = append(b.Series, ui.Series{Name: name, Colour: ui.Colour((i + 1) % 9), Href: "?team=" + name})
	}
	start := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
	for i := range 12 {
		day := start.AddDate(0, 0, i)
		d := ui.BarDay{Label: day.Format("Mon 2 Jan"), Axis: day.Format("2 Jan"), Href: "/requests?day=" + day.Format(time.DateOnly), Unfinished: i == 11}
		for j := range b.Series {
			d.Parts = append(d.Parts, int64((9-j)*(10+(i*7+j*5)%11))*1_000_000_000)
		}
		d.Before = int64(600+(i*37)%200) * 1_000_000_000
		b.Days = append(b.Days, d)
	}
	return b
}

func latency() ui.Lines {
	l := ui.Lines{Label: "Latency by day", Unit: ui.Spans, Height: ui.Low, Series: []ui.Series{{Name: "p50", Colour: 5}, {Name: "p95", Colour: 1}}}
	for i, d := range days().Days {
		p95 := int64(520_000 + (i*91_000)%260_000)
		if i == 5 {
			p95 = -1 // a day without traffic
		}
		l.Days = append(l.Days, ui.BarDay{Label: d.Label, Axis: d.Axis, Href: d.Href, Parts: []int64{int64(310_000 + (i*13_000)%60_000), p95}})
	}
	return l
}

func band() ui.BandView {
	v := ui.BandView{Label: "Quality by day", Measure: ui.Points, Margin: -0.02, Axis: []string{"13 Nov", "15", "17", "20 Nov"}}
	for i := range 8 {
		wide := 0.05 / float64(i+1)
		v.Points = append(v.Points, ui.BandPoint{At: float64(i) / 7, Mean: 0.004, Low: 0.004 - wide, High: 0.004 + wide})
	}
	return v
}

func strip() []ui.Health {
	out := make([]ui.Health, 60)
	for i := range out {
		out[i] = ui.Healthy
	}
	out[20], out[21], out[22], out[23], out[48], out[3] = ui.Slow, ui.Slow, ui.Failing, ui.Slow, ui.Slow, ui.Unknown
	return out
}

func fall() ui.Fall {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	return ui.Fall{Total: ms(4910), Steps: []ui.FallStep{
		{Name: "Authenticate", Kind: ui.Work, Length: ms(0.04)},
		{Name: "Route", Kind: ui.Work, Start: ms(0.04), Length: ms(0.02)},
		{Name: "Attempt 1", Kind: ui.Failed, Start: ms(49), Length: ms(188), Note: "529 overloaded"},
		{Name: "Back-off", Child: true, Kind: ui.Waited, Start: ms(237), Length: ms(200)},
		{Name: "Attempt 2", Kind: ui.Upstream, Start: ms(437), Length: ms(4470)},
		{Name: "first token", Child: true, Kind: ui.Waited, Start: ms(437), Length: ms(512), Note: "512 ms to first token"},
		{Name: "streaming", Child: true, Kind: ui.Streamed, Start: ms(949), Length: ms(3960)},
		{Name: "Settle, record", Kind: ui.Work, Start: ms(4909), Length: ms(0.31), Note: "after the answer"},
	}}
}

func snippets() ui.SnippetView {
	return ui.SnippetView{ID: "first", Label: "First call", Tabs: []ui.SnippetTab{
		{Name: "curl", Language: ui.Shell, Code: "curl https://gw.fernhill.example/v1/models \\\n  -H \"Authorization: Bearer $TOLLGATE_KEY\""},
		{Name: "Python", Language: ui.Python, Code: "from openai import OpenAI\n\nclient = OpenAI(\n    base_url=\"https://gw.fernhill.example/v1\",  # yours\n    api_key=\"tg_live_…\",\n)"},
		{Name: "Go", Language: ui.Golang, Code: "client := openai.NewClient(option.WithBaseURL(\"https://gw.fernhill.example/v1\"))"},
	}}
}

// burnDown is a budget that will be empty before its month is over, raised for two days.
func burnDown() ui.BurnView {
	const usd = 1_000_000_000
	return ui.BurnView{
		Label: "$100 at the beginning, $40 now, empty on Wed 25 Nov by the forecast", Limit: 100 * usd, Now: "$40 now", Empty: "Empty on Wed 25 Nov", Over: "$20 over at the end", Zero: "Limit reached, blocks",
		Left:   []ui.BurnPoint{{At: 0, Left: 100 * usd}, {At: 0.3, Left: 70 * usd}, {At: 0.6, Left: 40 * usd}},
		Before: []ui.BurnPoint{{At: 0, Left: 100 * usd}, {At: 1, Left: 10 * usd}},
		Cone:   []ui.ConePoint{{At: 0.6, Low: 40 * usd, Mid: 40 * usd, High: 40 * usd}, {At: 1, Low: -35 * usd, Mid: -20 * usd, High: 5 * usd}},
		Axis:   []string{"1 Nov", "8 Nov", "16 Nov", "23 Nov", "30 Nov"}, Raises: []ui.BurnInterval{{From: 0.4, To: 0.46}},
	}
}
