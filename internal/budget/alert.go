package budget

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/notice"
)

// Alerts is what Alerter needs of storage, across organizations; package budgetpg provides it.
type Alerts interface {
	// Crossed lists pots that have reached a mark of which nobody was told, with the highest one, at most limit.
	Crossed(ctx context.Context, now time.Time, limit int) ([]Crossing, error)
	// Paced lists pots of budgets with one pot whose forecast nobody was told of, in windows of a day or more, at most limit.
	Paced(ctx context.Context, now time.Time, limit int) ([]Crossing, error)
	// History is what was spent by the hour on what a selector selects, in [from, to); false where usage is not kept by it.
	History(ctx context.Context, org id.Org, s dimension.Selector, from, to time.Time) ([]Point, bool, error)
	// Overrun lists pots of hard budgets that calls overran, of which nobody was told, at most limit.
	Overrun(ctx context.Context, now time.Time, limit int) ([]Crossing, error)
	// Turned lists raises that have begun or ended, of which nobody was told, at most limit.
	Turned(ctx context.Context, now time.Time, limit int) ([]Turn, error)
	// Told keeps that people were told, so that it is not listed again: of a mark also all lower ones.
	Told(ctx context.Context, org id.Org, about, mark string, upTo int, now time.Time) error
	// ForgetTold forgets what was told before a time.
	ForgetTold(ctx context.Context, before time.Time) error
}

// Crossing is a pot that people are to be told of.
type Crossing struct {
	Org         id.Org
	Budget      Budget // its id, name, selector, each and mode
	Pot         id.Pot
	Meter       Meter
	SubjectName string // display name; "": Subject is its own
	Mark        int    // per cent
	Over        money.NanoUSD
	Zone        *time.Location // of the organization
}

// Turn is a raise that has begun, or ended.
type Turn struct {
	Org    id.Org
	Budget Budget // its id and name
	Raise  Raise
	Over   bool // it has ended
	Zone   *time.Location
}

// Alerter tells people what becomes of their budgets. Any number of workers may run one: the same is told once.
type Alerter struct {
	store     Alerts
	poster    notice.Poster
	now       func() time.Time
	log       *slog.Logger
	foreseeAt time.Time
}

// NewAlerter makes an Alerter.
func NewAlerter(store Alerts, poster notice.Poster, now func() time.Time, log *slog.Logger) *Alerter {
	return &Alerter{store: store, poster: poster, now: now, log: log}
}

const (
	turnMax      = 500 // of each kind
	foreseeEvery = 15 * time.Minute
	toldFor      = 400 * 24 * time.Hour
	crowdMax     = 20 // values of one budget that are told of one by one
)

// The words under which what was told is kept, beside marks.
const (
	toldForecast = "forecast"
	toldOverrun  = "overrun"
	toldBegun    = "begun"
	toldEnded    = "ended"
)

// Turn tells what there is to tell. What fails is told next time. It is not for concurrent use.
func (a *Alerter) Turn(ctx context.Context) error {
	now := a.now()
	errs := []error{a.marks(ctx, now), a.overruns(ctx, now), a.raises(ctx, now)}
	if !now.Before(a.foreseeAt) {
		a.foreseeAt = now.Add(foreseeEvery)
		errs = append(errs, a.forecasts(ctx, now), a.store.ForgetTold(ctx, now.Add(-toldFor)))
	}
	return errors.Join(errs...)
}

// marks tells of pots that reached a mark. Where many values of one budget did at once, they are told of together.
func (a *Alerter) marks(ctx context.Context, now time.Time) error {
	list, err := a.store.Crossed(ctx, now, turnMax)
	if err != nil {
		return err
	}
	type side struct {
		budget id.Budget
		mark   int
	}
	crowds := map[side][]Crossing{}
	for _, c := range list {
		at := side{c.Budget.ID, c.Mark}
		crowds[at] = append(crowds[at], c)
	}
	for _, crowd := range crowds {
		if len(crowd) > crowdMax {
			if err := a.post(ctx, crowd[0].Org, crowdNotice(crowd, now)); err != nil {
				return err
			}
		}
		for _, c := range crowd {
			if len(crowd) <= crowdMax {
				if err := a.post(ctx, c.Org, markNotice(c, now)); err != nil {
					return err
				}
			}
			if err := a.store.Told(ctx, c.Org, c.Pot.String(), "", c.Mark, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Alerter) overruns(ctx context.Context, now time.Time) error {
	list, err := a.store.Overrun(ctx, now, turnMax)
	if err != nil {
		return err
	}
	for _, c := range list {
		a.log.Error("a call cost more than was reserved for it: a hard budget was overrun", "organization", string(c.Org), "budget", string(c.Budget.ID),
			"nano_usd", int64(c.Over))
		if err := a.post(ctx, c.Org, overrunNotice(c, now)); err != nil {
			return err
		}
		if err := a.store.Told(ctx, c.Org, c.Pot.String(), toldOverrun, 0, now); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alerter) raises(ctx context.Context, now time.Time) error {
	list, err := a.store.Turned(ctx, now, turnMax)
	if err != nil {
		return err
	}
	for _, t := range list {
		mark := toldBegun
		if t.Over {
			mark = toldEnded
		}
		if err := a.post(ctx, t.Org, raiseNotice(t, now)); err != nil {
			return err
		}
		if err := a.store.Told(ctx, t.Org, string(t.Raise.ID), mark, 0, now); err != nil {
			return err
		}
	}
	return nil
}

// forecasts tells, once a window, that it is going to be full before its end.
func (a *Alerter) forecasts(ctx context.Context, now time.Time) error {
	list, err := a.store.Paced(ctx, now, turnMax)
	if err != nil {
		return err
	}
	for _, c := range list {
		f, err := a.foresee(ctx, c, now)
		if err != nil {
			return err
		}
		// So early in a window a forecast is a guess, and so late a mark has said it.
		passed, whole := now.Sub(c.Meter.Window.From), c.Meter.Window.To.Sub(c.Meter.Window.From)
		if f.EndsAt.IsZero() || !f.EndsAt.After(now) || passed < whole/10 {
			continue
		}
		if err := a.post(ctx, c.Org, forecastNotice(c, f, now)); err != nil {
			return err
		}
		if err := a.store.Told(ctx, c.Org, c.Pot.String(), toldForecast, 0, now); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alerter) foresee(ctx context.Context, c Crossing, now time.Time) (Forecast, error) {
	to := now.UTC().Truncate(time.Hour)
	from := to.Add(-historyHours * time.Hour)
	points, told, err := a.store.History(ctx, c.Org, c.Budget.Selector, from, to)
	if err != nil {
		return Forecast{}, err
	}
	var past *history
	if told {
		past = new(history)
		for _, p := range points {
			past.add(p, from)
		}
	}
	return forecast(c.Meter, now, past, c.Zone), nil
}

func (a *Alerter) post(ctx context.Context, org id.Org, n notice.New) error {
	_, err := a.poster.Post(ctx, org, n)
	return err
}
