package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Refusal is a provider's definite no: it has not made what it was asked for.
type Refusal struct {
	Status  int
	Message string // the provider's words
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the provider answered %d: %s", r.Status, cut(r.Message, 300))
}

// absent reports that the provider has no such interface here.
func (r *Refusal) absent() bool {
	return r.Status == http.StatusNotFound || r.Status == http.StatusMethodNotAllowed || r.Status == http.StatusNotImplemented
}

// passing reports that the same may be answered otherwise soon.
func (r *Refusal) passing() bool {
	return r.Status == http.StatusTooManyRequests || r.Status == http.StatusRequestTimeout || r.Status == http.StatusConflict || r.Status >= 500
}

// parcel does the next step of a parcel.
func (r *Runner) parcel(ctx context.Context, t Taken) error {
	p := t.Parcel
	if p.Status == Done {
		return nil
	}
	if r.Now().After(p.ExpiresAt.Add(grace)) {
		return r.abandon(ctx, t, expired, "The provider did not end its batch in time.")
	}
	if p.Driver == Inline {
		return r.runParcel(ctx, t)
	}
	d, ok := r.Drivers[p.Driver]
	if !ok {
		return fmt.Errorf("batch: no driver %q in this release", p.Driver)
	}
	way := func(ctx context.Context, req Request) (*http.Response, error) {
		return r.Calls.Reach(ctx, p.Org, p.Place, req)
	}
	var err error
	if p.Settings, err = r.Calls.Settings(p.Org, p.Place); err != nil {
		return err
	}
	if p.Status == Sent {
		return r.follow(ctx, t, d, way)
	}
	return r.send(ctx, t, d, way)
}

// grace is how long a provider may take beyond the window before a parcel is given up.
const grace = 12 * time.Hour

// abandon ends a parcel and all of its lines with an error.
func (r *Runner) abandon(ctx context.Context, t Taken, code, message string) error {
	if err := r.Work.EndRest(ctx, t, code, message); err != nil {
		return err
	}
	if code == expired || code == lost { // it may have been done and be billed: what is held stays so until its windows are over
		return r.Work.Arrived(ctx, t, r.Now())
	}
	return r.arrived(ctx, t)
}

// Why a parcel is given up whose provider may have done its work.
const (
	expired = "batch.expired"
	lost    = "batch.lost"
)

// arrived ends a parcel whose lines have all ended, and gives back what was held for them.
func (r *Runner) arrived(ctx context.Context, t Taken) error {
	if t.Parcel.Driver != Inline {
		if err := r.Calls.GiveBack(ctx, t.Parcel); err != nil {
			return err
		}
	}
	return r.Work.Arrived(ctx, t, r.Now())
}

// afford has the money of lines held before they are sent, and ends those for which there is none.
func (r *Runner) afford(ctx context.Context, t Taken, lines []Line, at time.Time) ([]Line, error) {
	broke, err := r.Calls.Hold(ctx, t.Parcel, lines, at)
	if err != nil || len(broke) == 0 {
		return lines, err
	}
	if err := r.conclude(ctx, t, broke); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(lines, func(l Line) bool {
		return slices.ContainsFunc(broke, func(b Line) bool { return b.Call == l.Call })
	}), nil
}

// send makes the batch at the provider, or finds the one that a worker made that died before it could tell.
func (r *Runner) send(ctx context.Context, t Taken, d Driver, way Way) error {
	p := t.Parcel
	lines, err := r.Work.Lines(ctx, t)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return r.Work.Arrived(ctx, t, r.Now())
	}
	if !p.TriedAt.IsZero() {
		others, err := r.Work.Others(ctx, t)
		if err != nil {
			return err
		}
		p.Strangers = append(p.Strangers, others...)
		u, found, err := d.Find(ctx, way, p, lines)
		if err != nil {
			return err
		}
		if found {
			return r.sent(ctx, t, u)
		}
	}
	if p.Cancel {
		return r.abandon(ctx, t, "", "")
	}
	at := r.Now().Truncate(time.Microsecond) // as it is stored
	lines, err = r.afford(ctx, t, lines, at)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return r.arrived(ctx, t)
	}
	if err := r.Work.Trying(ctx, t, at); err != nil {
		return err
	}
	u, err := d.Send(ctx, way, p, lines)
	var no *Refusal
	switch {
	case err == nil:
		return r.sent(ctx, t, u)
	case errors.As(err, &no) && no.absent():
		r.Logger.Info("the provider has no batch API here; its lines are run one by one", "parcel", p.ID, "provider", p.Provider)
		if err := r.Calls.GiveBack(ctx, p); err != nil {
			return err
		}
		if err := r.Work.Reroute(ctx, t, Inline); err != nil {
			return err
		}
		return errBusy
	case errors.As(err, &no) && !no.passing():
		return r.abandon(ctx, t, "batch.refused", p.Provider+" refused the batch: "+cut(no.Message, 500))
	}
	return err
}

func (r *Runner) sent(ctx context.Context, t Taken, u Upstream) error {
	if err := r.Work.Sent(ctx, t, u); err != nil {
		return err
	}
	return later{r.Config.Poll}
}

// follow asks how the provider's batch is, and takes its answers when it has ended.
func (r *Runner) follow(ctx context.Context, t Taken, d Driver, way Way) error {
	p := t.Parcel
	var no *Refusal
	if p.Cancel && !p.Stopped {
		// A refusal is an end too: a batch that has ended cannot be stopped.
		if err := d.Cancel(ctx, way, p); err != nil && !errors.As(err, &no) {
			return err
		}
		if err := r.Work.Stopped(ctx, t); err != nil {
			return err
		}
		p.Polls = 0
	}
	progress, err := d.Poll(ctx, way, p)
	switch {
	case errors.As(err, &no) && no.Status == http.StatusNotFound && p.Failures >= 5:
		return r.abandon(ctx, t, lost, p.Provider+" does not know its batch any more.")
	case err != nil:
		return err
	case !progress.Ended:
		return later{min(r.Config.Poll<<min(p.Polls, 10), r.Config.PollMax)}
	case progress.Full:
		if err := r.Work.Estrange(ctx, t); err != nil {
			return err
		}
		return later{r.Config.PollMax}
	case progress.Failed != "":
		return r.abandon(ctx, t, "batch.refused", p.Provider+" ended the batch: "+cut(progress.Failed, 500))
	}
	return r.collect(ctx, t, d, way)
}

// errStranger ends the reading of a batch that is not ours.
var errStranger = errors.New("batch: these are another's results")

// collect takes the answers of a parcel.
func (r *Runner) collect(ctx context.Context, t Taken, d Driver, way Way) error {
	lines, err := r.Work.Lines(ctx, t)
	if err != nil {
		return err
	}
	c := &collection{runner: r, taken: t, open: make(map[string]*Line, len(lines))}
	for i := range lines {
		c.open[lines[i].Call.String()] = &lines[i]
	}
	err = d.Results(ctx, way, t.Parcel, func(res Result) error { return c.take(ctx, res) })
	if errors.Is(err, errStranger) {
		if err := r.Work.Estrange(ctx, t); err != nil {
			return err
		}
		return errBusy
	}
	if err == nil {
		err = c.flush(ctx)
	}
	if err != nil {
		return err
	}
	code, message := "batch.no_answer", "The provider's batch has no answer to this line."
	if t.Parcel.Cancel || c.missing {
		code, message = "", ""
	}
	return r.abandon(ctx, t, code, message)
}

// collection is the taking of a parcel's answers.
type collection struct {
	runner  *Runner
	taken   Taken
	open    map[string]*Line // by the name that they were sent under
	ours    bool             // one of the results was ours
	missing bool             // the provider left lines out
	ended   []Line
}

func (c *collection) take(ctx context.Context, res Result) error {
	l, ok := c.open[res.CustomID]
	switch {
	case !ok && !c.ours && len(c.open) == c.taken.Parcel.Lines:
		return errStranger // nothing was taken yet, and what comes first is not ours
	case !ok:
		return nil // taken by the worker before this one
	}
	c.ours = true
	if res.Missing {
		c.missing = true
		return nil
	}
	end, err := c.runner.Calls.Play(ctx, l.Order(), c.taken.Parcel, l.Draft, res.Reply)
	if err != nil {
		return err
	}
	delete(c.open, res.CustomID)
	l.End = end
	c.ended = append(c.ended, *l)
	if len(c.ended) < c.runner.Config.Page {
		return nil
	}
	return c.flush(ctx)
}

func (c *collection) flush(ctx context.Context) error {
	lines := c.ended
	c.ended = nil
	return c.runner.conclude(ctx, c.taken, lines)
}
