package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/notice"
)

// reachLook is how far back an Alerter looks: longer than calls take to reach the log.
const reachLook = 15 * time.Minute

// Reach is a limit that was reached lately.
type Reach struct {
	Org      id.Org
	Limit    Limit // its id, name, amount, metric, period and watch
	Refused  int64 // calls that it refused or sent to another target; of one that only watches, those that it would have
	Subjects int64 // of Limit.Each: keys, teams, …; 1 where all count together
	LastAt   time.Time
}

// Reaches is what Alerter needs of storage, across organizations; package limitpg provides it.
type Reaches interface {
	// Reached lists the limits that stand and were reached by calls in [from, to), at most most.
	Reached(ctx context.Context, from, to time.Time, most int) ([]Reach, error)
}

// Alerter tells people of limits that were reached: of each at most once in a day of UTC. Any number of workers may run one.
type Alerter struct {
	store  Reaches
	poster notice.Poster
	now    func() time.Time
}

// NewAlerter makes one.
func NewAlerter(store Reaches, poster notice.Poster, now func() time.Time) *Alerter {
	return &Alerter{store: store, poster: poster, now: now}
}

// reachesMax bounds what one turn tells; the next one goes on.
const reachesMax = 1000

// Turn tells what is due. What cannot be told stops nothing else, and is told by a later turn.
func (a *Alerter) Turn(ctx context.Context) error {
	now := a.now().UTC()
	reached, err := a.store.Reached(ctx, now.Add(-reachLook), now, reachesMax)
	if err != nil {
		return err
	}
	var failed []error
	for i := range reached {
		_, err := a.poster.Post(ctx, reached[i].Org, reached[i].notice(now))
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (r *Reach) notice(now time.Time) notice.New {
	l := &r.Limit
	allows := fmt.Sprintf("%d %s", l.Amount, l.Metric.Counts())
	if l.Per > 0 {
		allows += " a " + PeriodName(l.Per)
	}
	did := "refused or moved"
	if l.Watch {
		did = "would have refused"
	}
	calls := fmt.Sprintf("%d calls", r.Refused)
	if r.Refused == 1 {
		calls = "1 call"
	}
	whose := ""
	if l.Each != "" && r.Subjects > 1 {
		whose = fmt.Sprintf(" of %d different values of %s", r.Subjects, l.Each)
	}
	return notice.New{
		Kind: notice.LimitReached, About: string(l.ID), Once: "reached on " + r.LastAt.UTC().Format(time.DateOnly),
		Title: fmt.Sprintf("The limit %q %s %s", l.Name, did, calls),
		Text: fmt.Sprintf("It allows %s. In the last %d minutes it %s %s%s, the last one at %s. Raise the limit if these calls are wanted, or slow down whoever makes them. You are told of it once a day.",
			allows, int(reachLook.Minutes()), did, calls, whose, r.LastAt.UTC().Format("15:04 UTC")),
		Path: "/limits/" + string(l.ID),
		Data: map[string]any{"limit": string(l.ID), "name": l.Name, "metric": string(l.Metric), "amount": l.Amount, "calls": r.Refused, "watch": l.Watch},
		At:   now,
	}
}
