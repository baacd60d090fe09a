package budget

import (
	"math"
	"time"

	"tollgate/internal/money"
)

// How a forecast was made.
const (
	ByProfile = "the last 4 weeks" // by weekday and hour
	ByLine    = "a straight line"  // from the window's start: there is too little history
)

// Band is a forecast of what will have been spent in the window by a time: 8 of 10 lie between Low and High.
type Band struct {
	At             time.Time
	Low, Mid, High money.NanoUSD
}

// Forecast is how a window is expected to end. The zero Forecast: nothing can be said yet.
type Forecast struct {
	Method string // ByProfile, ByLine or "": none
	Bands  []Band // from now to the window's end, in even steps
	// When spent and reserved reach the limit; zero: not in the window. EndsEarly and EndsLate are those of High and Low.
	EndsAt, EndsEarly, EndsLate time.Time
}

// End is the band at the window's end; zero where there is no forecast.
func (f *Forecast) End() Band {
	if len(f.Bands) == 0 {
		return Band{}
	}
	return f.Bands[len(f.Bands)-1]
}

const (
	historyDays  = 28
	historyHours = historyDays * 24
	week         = 7 * 24   // hours
	bandsMax     = 120      // of a forecast
	outlook      = 30 * 24  // hours, of a limit without an end
	cone         = 1.2816   // standard deviations to either side that 80 % of a normal distribution lie in
	lineSpread   = 0.25     // relative, of a straight line: nothing is known of how even it is
	spreadMax    = 1.0      // relative
	levelMin     = 1.0 / 4  // of the last week against the four
	levelMax     = 4.0      //
	lineMin      = 1.0 / 50 // part of a window that must have passed before a line is drawn
	dayHours     = 24.0
)

// history is what was spent in the hours before now, oldest first: historyHours of them in nano-dollars, the last one ending at or
// before now. Statistics are float64: nobody is charged by a forecast.
type history [historyHours]float64

// add counts what was spent in an hour; from is the first hour of the history.
func (h *history) add(p Point, from time.Time) {
	if i := int(p.At.Sub(from) / time.Hour); i >= 0 && i < historyHours {
		h[i] += float64(p.Spent)
	}
}

// forecast foresees the window of a meter from what was spent in it and before. zone is that of weekdays and hours.
func forecast(m Meter, now time.Time, past *history, zone *time.Location) Forecast {
	end := m.Window.To
	if end.IsZero() {
		end = now.Add(outlook * time.Hour)
	}
	if !now.Before(end) {
		return Forecast{}
	}
	pace, spread, method := paces(m, now, end, past, zone)
	if method == "" {
		return Forecast{}
	}
	f := Forecast{Method: method}
	step := max(end.Sub(now)/bandsMax, time.Minute)
	var sum float64
	last := Band{At: now, Low: m.Spent, Mid: m.Spent, High: m.Spent}
	f.Bands = append(f.Bands, last)
	for at := now; at.Before(end); {
		next := at.Add(step)
		if next.After(end) {
			next = end
		}
		sum += pace(at, next)
		s := spread(next.Sub(now).Hours() / dayHours)
		b := Band{next, max(last.Low, plus(m.Spent, sum*max(0, 1-cone*s))), plus(m.Spent, sum), max(last.High, plus(m.Spent, sum*(1+cone*s)))}
		f.Bands = append(f.Bands, b)
		last, at = b, next
	}
	room := m.Limit - m.Held
	f.EndsAt = crossing(f.Bands, room, func(b Band) money.NanoUSD { return b.Mid })
	f.EndsEarly = crossing(f.Bands, room, func(b Band) money.NanoUSD { return b.High })
	f.EndsLate = crossing(f.Bands, room, func(b Band) money.NanoUSD { return b.Low })
	return f
}

// paces gives what is expected to be spent between two times, and the relative standard deviation of a sum over so many days.
func paces(m Meter, now, end time.Time, past *history, zone *time.Location) (pace func(from, to time.Time) float64, spread func(days float64) float64, method string) {
	if past != nil && past.tells() {
		p := profile(past, now, zone)
		level := past.level()
		daily := past.daily()
		return func(from, to time.Time) float64 { return level * p.between(from, to, zone) },
			func(days float64) float64 { return min(spreadMax, daily*math.Sqrt(1/max(days, 1/dayHours)+1.0/7)) }, ByProfile
	}
	from := m.Window.From
	if from.IsZero() || m.Spent <= 0 || now.Sub(from) < time.Duration(lineMin*float64(end.Sub(from))) {
		return nil, nil, ""
	}
	perHour := float64(m.Spent) / now.Sub(from).Hours()
	return func(from, to time.Time) float64 { return perHour * to.Sub(from).Hours() }, func(float64) float64 { return lineSpread }, ByLine
}

// tells reports whether there is a week of history at least, and something in the last one.
func (h *history) tells() bool {
	for i, v := range h {
		if v > 0 {
			return i <= historyHours-week && h.sum(historyHours-week, historyHours) > 0
		}
	}
	return false
}

func (h *history) sum(from, to int) (sum float64) {
	for _, v := range h[from:to] {
		sum += v
	}
	return sum
}

// weeks is how many whole weeks of history there are, from the first spending on.
func (h *history) weeks() int {
	for i, v := range h {
		if v > 0 {
			return max(1, (historyHours-i)/week)
		}
	}
	return 0
}

// level is the last week against the mean one.
func (h *history) level() float64 {
	n := h.weeks()
	mean := h.sum(historyHours-n*week, historyHours) / float64(n)
	if mean == 0 {
		return 1
	}
	return min(max(h.sum(historyHours-week, historyHours)/mean, levelMin), levelMax)
}

// daily is the relative standard deviation of a day against the mean of its weekday.
func (h *history) daily() float64 {
	n := h.weeks()
	if n < 2 {
		return lineSpread * 2
	}
	var total, squares float64
	for d := range 7 {
		days := make([]float64, n)
		var mean float64
		for w := range n {
			from := historyHours - (w+1)*week + d*24
			days[w] = h.sum(from, from+24)
			mean += days[w] / float64(n)
		}
		total += mean
		for _, v := range days {
			squares += (v - mean) * (v - mean) / float64(n-1)
		}
	}
	if total == 0 {
		return lineSpread
	}
	return math.Sqrt(squares/7) / (total / 7)
}

// weekly is a mean week: nano-dollars by weekday and hour.
type weekly [7][24]float64

// profile is the mean week of the history.
func profile(h *history, now time.Time, zone *time.Location) (p weekly) {
	var n [7][24]float64
	last := now.Truncate(time.Hour)
	for i := historyHours - h.weeks()*week; i < historyHours; i++ {
		at := last.Add(time.Duration(i-historyHours) * time.Hour).In(zone)
		p[at.Weekday()][at.Hour()] += h[i]
		n[at.Weekday()][at.Hour()]++
	}
	for d := range p {
		for hour := range p[d] {
			p[d][hour] /= max(n[d][hour], 1)
		}
	}
	return p
}

// between is what the mean week spends between two times.
func (p *weekly) between(from, to time.Time, zone *time.Location) (sum float64) {
	for at := from; at.Before(to); {
		next := at.Truncate(time.Hour).Add(time.Hour)
		if next.After(to) {
			next = to
		}
		local := at.In(zone)
		sum += p[local.Weekday()][local.Hour()] * next.Sub(at).Hours()
		at = next
	}
	return sum
}

// crossing is when a line through the bands reaches an amount; zero: it does not.
func crossing(bands []Band, amount money.NanoUSD, of func(Band) money.NanoUSD) time.Time {
	if of(bands[0]) >= amount {
		return bands[0].At
	}
	for i := 1; i < len(bands); i++ {
		low, high := of(bands[i-1]), of(bands[i])
		if high >= amount {
			part := float64(amount-low) / float64(high-low)
			return bands[i-1].At.Add(time.Duration(part * float64(bands[i].At.Sub(bands[i-1].At)))).Truncate(time.Second)
		}
	}
	return time.Time{}
}

// plus adds an expected amount, and stays in range.
func plus(spent money.NanoUSD, more float64) money.NanoUSD {
	const most = float64(amountMax) * 10
	return spent + money.NanoUSD(min(max(more, 0), most))
}
