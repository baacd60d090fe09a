package experiment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// sentence is the verdict as a person says it.
func (p Plan) sentence(r *Reading, l *look) string {
	switch r.Verdict {
	case Winner:
		return p.won(r)
	case NoDifference:
		return p.alike(r)
	case KeepControl:
		return p.lost(r)
	case Breach:
		return "A guardrail was broken: " + l.harmed + ". The alias serves everybody again."
	case Void:
		return "The split is not the planned one, so the arms hold different kinds of units and no difference between them means anything."
	case Inconclusive:
		return "The planned time is over and nothing is proven either way: " + p.range1(r) + " A longer test, or more of the traffic, would see a smaller difference."
	case Collecting:
	}
	return p.collecting(r, l)
}

// won is what the winner has proven.
func (p Plan) won(r *Reading) string {
	i := p.challenger(r.Best)
	if i < 0 {
		return ""
	}
	var s string
	switch p.Goal {
	case Cheaper:
		s = fmt.Sprintf("%s costs %s less per unit (%s)%s.", r.Best, percent(-r.Cost[i].Mean), span(r.Cost[i], true, percent), p.notWorse(r.Quality[i]))
	case Faster:
		s = fmt.Sprintf("%s starts to answer %s sooner (%s)%s.", r.Best, percent(-r.Latency[i].Mean), span(r.Latency[i], true, percent), p.notWorse(r.Quality[i]))
	case Better:
		s = fmt.Sprintf("%s answers better: %s of quality (%s), at %s times the control's cost.",
			r.Best, signed(r.Quality[i].Mean), span(r.Quality[i], false, signed), strconv.FormatFloat(1+r.Cost[i].Mean, 'f', 2, 64))
	}
	return s + p.month(r)
}

func (p Plan) notWorse(q Interval) string {
	if p.Quality == CostLatency || !q.Known {
		return "; quality was not measured"
	}
	return fmt.Sprintf(" and its quality is not worse (%s, within %s)", signed(q.Mean), points(p.Margin))
}

// month is what promoting would save.
func (p Plan) month(r *Reading) string {
	s := r.Savings
	if !s.Known {
		return ""
	}
	low, high := bounds(s)
	if s.Mean >= 0 {
		return fmt.Sprintf(" Promoting it saves about %s a month (%s to %s).", usd(s.Mean), usd(low), usd(high))
	}
	return fmt.Sprintf(" Promoting it costs about %s a month more (%s to %s).", usd(-s.Mean), usd(-high), usd(-low))
}

func (p Plan) alike(r *Reading) string {
	if i := p.challenger(r.Best); i >= 0 {
		return fmt.Sprintf("No meaningful difference in quality (within %s). %s is the cheaper one by estimate: %s per unit.%s", points(p.Margin), r.Best, signedPercent(r.Cost[i].Mean), p.month(r))
	}
	return fmt.Sprintf("No meaningful difference in quality (within %s), and nothing is cheaper than %s: keep it.", points(p.Margin), r.Best)
}

func (p Plan) lost(r *Reading) string {
	why := make([]string, 0, len(r.Cost))
	for i := range r.Cost {
		name := p.Variants[i+1].Name
		switch {
		case p.Quality != CostLatency && r.Quality[i].Known && above(r.Quality[i]) < -p.Margin && p.Goal != Better:
			why = append(why, fmt.Sprintf("%s answers worse (%s)", name, signed(r.Quality[i].Mean)))
		case p.Goal == Better && r.Quality[i].Known && above(r.Quality[i]) < 0:
			why = append(why, fmt.Sprintf("%s answers worse (%s)", name, signed(r.Quality[i].Mean)))
		case p.Goal == Faster:
			why = append(why, fmt.Sprintf("%s is slower (%s)", name, signedPercent(r.Latency[i].Mean)))
		default:
			why = append(why, fmt.Sprintf("%s costs too much (%s)", name, signedPercent(r.Cost[i].Mean)))
		}
	}
	return "Keep " + p.Variants[0].Name + ": " + strings.Join(why, "; ") + "."
}

// range1 tells what the first challenger's figures are, for verdicts without a winner.
func (p Plan) range1(r *Reading) string {
	if len(r.Cost) == 0 || !r.Cost[0].Known {
		return "there was too little to compare."
	}
	s := fmt.Sprintf("%s costs %s (%s)", p.Variants[1].Name, signedPercent(r.Cost[0].Mean), span(r.Cost[0], false, signedPercent))
	if r.Quality[0].Known {
		s += fmt.Sprintf(", quality %s (%s)", signed(r.Quality[0].Mean), span(r.Quality[0], false, signed))
	}
	return s + "."
}

func (p Plan) collecting(r *Reading, l *look) string {
	units := int64(0)
	for _, a := range r.Arms {
		units += a.Units
	}
	s := fmt.Sprintf("Collecting: day %d of %d, %s units so far", r.Day, p.Days, count(units))
	if first := l.e.StartedAt.Add(p.rules().EarlyAt); l.at.Before(first) {
		return s + fmt.Sprintf(". The first verdict can come on %s.", first.UTC().Format("Mon 2 Jan, 15:04 MST"))
	}
	return s + fmt.Sprintf(". The test ends on %s.", l.e.Ends().UTC().Format("Mon 2 Jan, 15:04 MST"))
}

// challenger is the place of an arm among those behind the control; -1 for the control and for none.
func (p Plan) challenger(name string) int {
	for i, v := range p.Variants {
		if v.Name == name {
			return i - 1
		}
	}
	return -1
}

// bounds are those that a claim stands on: of the planned end where there are some, otherwise those that hold at all times.
func bounds(i Interval) (low, high float64) {
	if i.FixedLow != 0 || i.FixedHigh != 0 {
		return i.FixedLow, i.FixedHigh
	}
	return i.Low, i.High
}

func above(i Interval) float64 {
	_, high := bounds(i)
	return high
}

// span tells an interval; turned shows a fall as a positive number.
func span(i Interval, turned bool, say func(float64) string) string {
	low, high := bounds(i)
	if turned {
		low, high = -high, -low
	}
	return say(low) + " to " + say(high)
}

// percent is 0.412 as 41.2%.
func percent(x float64) string { return strings.Replace(fmt.Sprintf("%.1f%%", x*100), "-", "−", 1) }

func signedPercent(x float64) string { return plus(x) + percent(x) }

// points is 0.02 as 2 pp.
func points(x float64) string {
	return strings.Replace(strconv.FormatFloat(math.Round(x*1000)/10, 'f', -1, 64)+" pp", "-", "−", 1)
}

// signed is 0.004 as +0.4 pp.
func signed(x float64) string { return plus(x) + points(x) }

func plus(x float64) string {
	if x > 0 {
		return "+"
	}
	return ""
}

// usd is dollars as people read them: whole from 100 on, cents below, more places for less than a cent.
func usd(x float64) string {
	sign := ""
	if x < 0 {
		sign, x = "−", -x
	}
	switch {
	case x >= 100:
		return sign + "$" + count(int64(math.Round(x)))
	case x >= 0.01 || x == 0:
		return sign + "$" + strconv.FormatFloat(x, 'f', 2, 64)
	}
	return sign + "$" + strconv.FormatFloat(x, 'g', 3, 64)
}

// count is 20712 as 20,712.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func date(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 MST") }
