package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment/stat"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// The traffic that a forecast stands on.
const (
	forecastPast   = 7 * 24 * time.Hour
	forecastSample = 20_000
	forecastUnits  = 100 // fewer in the sample say nothing about spread
	// usualQualitySD stands in where nothing is known: that of units of which four in five succeed.
	usualQualitySD = 0.4
	// judgeOverhead and judgeAnswer are tokens of a judge's question beside the call, and of its answer.
	judgeOverhead = 300
	judgeAnswer   = 120
	bytesPerToken = 4
)

// Forecast is what an experiment can be expected to show, from the last seven days of its alias.
type Forecast struct {
	CallsPerDay float64 // of the alias
	UnitsPerDay float64 // that would take part
	Scored      float64 // share of them with a judgement, 0 to 1; estimated where Measured is false
	Measured    bool    // quality and its share were seen in the traffic
	Quality     float64 // mean of now, 0 to 1; 0 where it was not measured
	UnitsTotal  int64   // that take part until the end
	Horizon     int64   // of the control and one arm together, with a value, at the end; 0: unknown
	Lengths     []Length

	ExpectedDays int // least whole weeks, in days, after which the margin is seen with 80 %; 0: nothing can be promised
	EarlyDay     int // day on which a difference as large as the margin is proven by looks alone, in half of all tests; 0: not before the end

	JudgeCalls     int64
	JudgeCost      money.NanoUSD // at most the judge's budget; 0: no price is known
	SavingPerMonth money.NanoUSD // if the first arm behind the control had all of the alias; negative: it costs more
	SavingKnown    bool          // false: a price is not known
	Warnings       []string      // sentences
	Refusal        string        // why nothing can be promised; "": it can
}

// Length is what a test of some days sees with 80 % chance.
type Length struct {
	Days    int
	Quality float64 // smallest difference in points of 0 to 1; 0: unknown
	Cost    float64 // smallest relative difference; 0: unknown
}

// Forecast says what a plan can be expected to show. It changes nothing; the plan need not be complete.
func (s *Service) Forecast(ctx context.Context, in tenant.Scope, p Plan) (Forecast, error) {
	p = p.normal()
	a, err := s.Aliases.Alias(ctx, in, p.Alias)
	if errors.Is(err, alias.ErrNotFound) {
		err = invalid("alias", "There is no such alias.")
	}
	if err != nil {
		return Forecast{}, err
	}
	p.AliasName = a.Name
	now := instant(s.Now())
	t, err := s.Store.Traffic(ctx, in, a.Name, p, now.Add(-forecastPast), now, forecastSample)
	if err != nil {
		return Forecast{}, err
	}
	f := foresee(p, t)
	if err := s.money(ctx, in, p, t, &f); err != nil {
		return f, err
	}
	if err := s.promptWarnings(ctx, in, p, a, t, &f); err != nil {
		return f, err
	}
	return f, s.warn(ctx, in, p, t, &f)
}

// foresee is the statistics of a forecast.
func foresee(p Plan, t Traffic) Forecast {
	f := Forecast{CallsPerDay: float64(t.Calls) / 7}
	if t.Sampled > 0 {
		f.UnitsPerDay = f.CallsPerDay * part(t.Units, t.Sampled) * float64(p.Share) / 100
	}
	f.UnitsTotal = int64(f.UnitsPerDay * float64(p.Days))
	f.quality(p, t)
	control, arm := split(p)
	test := stat.Hybrid(max(len(p.Variants)-1, 1))
	quality := stat.Traffic{UnitsPerDay: f.UnitsPerDay, Scored: f.Scored, SD: f.sd(t), Split: [2]float64{control, arm}}
	cost := stat.Traffic{UnitsPerDay: f.UnitsPerDay, SD: relative(t.CostSD, t.CostMean), Split: quality.Split}
	for _, days := range lengths {
		l := Length{Days: days, Cost: finite(test.Forecast(cost, days, 0).Detectable)}
		if p.Quality != CostLatency {
			l.Quality = finite(test.Forecast(quality, days, 0).Detectable)
		}
		f.Lengths = append(f.Lengths, l)
	}
	deciding := quality
	if p.Quality == CostLatency {
		deciding = cost
	}
	got := test.Forecast(deciding, p.Days, p.Margin)
	f.Horizon, f.ExpectedDays, f.EarlyDay = int64(got.Units), got.Days, got.EarlyDay
	f.refuse(p, t)
	return f
}

// split is the share of the units that the control and the first arm have.
func split(p Plan) (control, arm float64) {
	if len(p.Variants) < 2 {
		return 0.5, 0.5
	}
	return float64(p.Variants[0].Weight) / 100, float64(p.Variants[1].Weight) / 100
}

// quality fills in what share of units has a judgement.
func (f *Forecast) quality(p Plan, t Traffic) {
	switch p.Quality {
	case Scores:
		f.Scored, f.Measured = part(t.Scored, t.Units), t.Scored > 0
	case Judge:
		f.Scored = 1
		if p.Judge != nil && t.Units > 0 {
			kept := part(t.Kept, t.Sampled) * float64(p.Judge.Sample) / 100
			f.Scored = 1 - math.Pow(1-kept, float64(t.Sampled)/float64(t.Units))
		}
	case SchemaRate, ToolRate, RetryRate:
		f.Scored = 1
	case CostLatency:
	}
	if f.Measured {
		f.Quality = t.Quality
	}
}

func (f *Forecast) sd(t Traffic) float64 {
	if f.Measured && t.Scored >= forecastUnits && t.QualitySD > 0 {
		return t.QualitySD
	}
	return usualQualitySD
}

// refuse says why nothing can be promised.
func (f *Forecast) refuse(p Plan, t Traffic) {
	switch {
	case t.Calls == 0:
		f.Refusal = fmt.Sprintf("%s had no calls in the last seven days, so nothing can be promised.", p.AliasName)
	case t.Units < forecastUnits:
		f.Refusal = fmt.Sprintf("%s had calls of too few units in the last seven days to promise anything: %d, and %d are the least.", p.AliasName, t.Units, forecastUnits)
	case p.Quality == Scores && t.Scored == 0:
		f.Refusal = fmt.Sprintf("No call of %s has a score named %q yet, so there is nothing to tell better from worse by. Send scores, or choose another source of quality.", p.AliasName, p.ScoreName)
	case p.Quality == Judge && t.Kept == 0:
		f.Refusal = fmt.Sprintf("No body of a call of %s is kept, so a judge has nothing to read. Let a key keep bodies (privacy: full), or choose another source of quality.", p.AliasName)
	case f.ExpectedDays == 0:
		f.Refusal = fmt.Sprintf("The traffic is too thin to see a difference of %s within four weeks. Widen the margin, or let more of the traffic take part.", points(p.Margin))
	}
	if f.Refusal != "" {
		f.ExpectedDays, f.EarlyDay = 0, 0
	}
}

// money fills in what the judge costs and what the first arm would save.
func (s *Service) money(ctx context.Context, in tenant.Scope, p Plan, t Traffic, f *Forecast) error {
	if p.Quality == Judge && p.Judge != nil && t.Sampled > 0 {
		if err := s.judging(ctx, in, p, t, f); err != nil {
			return err
		}
	}
	if len(p.Variants) < 2 || p.Variants[1].Target == nil || t.Sampled == 0 || t.Unpriced > 0 {
		return nil
	}
	v := p.Variants[1]
	cost, ok, err := s.Prices.Cost(ctx, in, v.Target.Provider, v.Target.Model, t.MeanInput, t.MeanOutput)
	if err != nil || !ok {
		return err
	}
	perCall := t.CostMean * float64(t.Units) / float64(t.Sampled)
	f.SavingPerMonth = money.NanoUSD(math.Round((perCall*1e9 - float64(cost)) * f.CallsPerDay * hoursAMonth / 24))
	f.SavingKnown = true
	return nil
}

// judging is how many calls the judge reads and what that costs.
func (s *Service) judging(ctx context.Context, in tenant.Scope, p Plan, t Traffic, f *Forecast) error {
	share := part(t.Kept, t.Sampled) * float64(p.Judge.Sample) / 100 * float64(p.Share) / 100
	f.JudgeCalls = int64(f.CallsPerDay * float64(p.Days) * share)
	a, err := s.named(ctx, in, p.Judge.Alias)
	if err != nil || len(a.Route.Targets) == 0 {
		return nil //nolint:nilerr // a judge that is not there yet has no price; Start refuses it
	}
	target := a.Route.Targets[0]
	input := t.MeanInput + t.MeanOutput + int64(len(p.Judge.Rubric)/bytesPerToken) + judgeOverhead
	cost, ok, err := s.Prices.Cost(ctx, in, target.Provider, target.Model, input, judgeAnswer)
	if err != nil || !ok {
		return err
	}
	f.JudgeCost = min(cost*money.NanoUSD(f.JudgeCalls), p.Judge.Budget)
	if cost > 0 {
		f.JudgeCalls = min(f.JudgeCalls, int64(p.Judge.Budget/cost))
	}
	return nil
}

// warn adds what a person should look at before the start.
func (s *Service) warn(ctx context.Context, in tenant.Scope, p Plan, t Traffic, f *Forecast) error {
	if f.ExpectedDays > p.Days {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%d days see a difference of %s; for the margin of %s plan %d days.", p.Days, points(f.sees(p)), points(p.Margin), f.ExpectedDays))
	}
	if p.Quality != CostLatency && !f.Measured && f.Refusal == "" {
		f.Warnings = append(f.Warnings, "How much quality differs from unit to unit was not measured yet; the forecast takes a usual value.")
	}
	if t.Unpriced > 0 {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%s of the alias's calls have no price: costs would be too low by them.", percent(part(t.Unpriced, t.Sampled))))
	}
	for _, v := range p.Variants {
		if v.Target == nil {
			continue
		}
		if _, ok, err := s.Prices.Cost(ctx, in, v.Target.Provider, v.Target.Model, 1000, 1000); err != nil {
			return err
		} else if !ok {
			f.Warnings = append(f.Warnings, fmt.Sprintf("%s/%s has no price: its calls would seem to cost nothing. Set a price first.", v.Target.Provider, v.Target.Model))
		}
	}
	live, err := s.Store.Experiments(ctx, in, Filter{Alias: p.Alias, Status: []Status{Active, Promoted}}, "", 20)
	for i := range live {
		if live[i].Live {
			f.Warnings = append(f.Warnings, fmt.Sprintf("%s runs on this alias; stop it first.", live[i].Plan.Name))
		}
	}
	return err
}

// sees is the smallest difference that the plan's own length shows.
func (f *Forecast) sees(p Plan) float64 {
	for _, l := range f.Lengths {
		if l.Days == p.Days && p.Quality == CostLatency {
			return l.Cost
		} else if l.Days == p.Days {
			return l.Quality
		}
	}
	return 0
}

func relative(sd, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	return sd / mean
}

func finite(x float64) float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	return x
}
