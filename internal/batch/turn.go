package batch

import (
	"context"
	"time"
)

// batch does the next step of a batch.
func (r *Runner) batch(ctx context.Context, t Taken) error {
	switch t.Batch.Status {
	case Validating:
		return r.validate(ctx, t)
	case InProgress, Cancelling, Finalizing:
		return r.advance(ctx, t)
	case Failed, Completed, Expired, Cancelled:
	}
	return nil
}

// advance plans what waits, or ends what has to end.
func (r *Runner) advance(ctx context.Context, t Taken) error {
	b, now := t.Batch, r.Now()
	if b.Status == Cancelling || !now.Before(b.ExpiresAt) {
		if err := r.Work.Stop(ctx, t, now); err != nil {
			return err
		}
	} else if err := r.plan(ctx, t); err != nil {
		return err
	}
	counts, unlogged, err := r.Work.Counts(ctx, t)
	if err != nil {
		return err
	}
	if unlogged > 0 {
		if err := r.catchUp(ctx, t); err != nil {
			return err
		}
	}
	if counts.Open() > 0 {
		if now.Before(b.ExpiresAt) {
			return errWait
		}
		return later{time.Minute} // its parcels wake it; this is for one that was forgotten
	}
	return r.Work.Finish(ctx, t, b.ending(now, counts), now)
}

// ending is how a batch without open lines ends.
func (b *Batch) ending(now time.Time, c Counts) Status {
	switch {
	case c.Cancelled > 0 || b.Status == Cancelling:
		return Cancelled
	case c.Expired > 0 && !now.Before(b.ExpiresAt):
		return Expired
	}
	return Completed
}

// catchUp tells the log what a worker that died had stored and not told.
func (r *Runner) catchUp(ctx context.Context, t Taken) error {
	for {
		records, err := r.Work.Unlogged(ctx, t, r.Config.Page)
		if err != nil || len(records) == 0 {
			return err
		}
		if err := r.tell(ctx, t.Batch.Org, records); err != nil {
			return err
		}
	}
}

// plan gives every waiting line a parcel, or its end.
func (r *Runner) plan(ctx context.Context, t Taken) error {
	for {
		lines, err := r.Work.Waiting(ctx, t, r.Config.Page)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			if t.Batch.Shape == Job {
				return nil // its parcel waits for company
			}
			return r.Work.Close(ctx, t, r.Now())
		}
		if err := r.place(ctx, t, lines); err != nil {
			return err
		}
	}
}

// place plans some lines.
func (r *Runner) place(ctx context.Context, t Taken, lines []Line) error {
	var ended []Line
	var order []Place
	groups := map[Place][]Line{}
	for _, l := range lines {
		p, err := r.Calls.Plan(ctx, l.Order())
		if err != nil {
			return err
		}
		if p.Refused != nil {
			l.End = *p.Refused
			ended = append(ended, l)
			continue
		}
		if d, ok := r.Drivers[p.Place.Driver]; !ok || !d.Speaks(p.Place.Dialect) {
			p.Place.Driver = Inline
		}
		if p.Place.Driver == Inline {
			p.Place = Place{Driver: Inline}
			p.Sent, p.Draft = nil, nil // it is routed when it runs
		}
		l.Sent, l.Draft = p.Sent, p.Draft
		if groups[p.Place] == nil {
			order = append(order, p.Place)
		}
		groups[p.Place] = append(groups[p.Place], l)
	}
	if err := r.conclude(ctx, t, ended); err != nil {
		return err
	}
	for _, p := range order {
		most, bytes := r.limits(p.Driver)
		now := r.Now()
		due := t.Batch.ExpiresAt // until Close
		if t.Batch.Shape == Job {
			due = now.Add(r.Config.Linger)
		}
		if err := r.Work.Assign(ctx, t, p, groups[p], most, bytes, now, due); err != nil {
			return err
		}
	}
	return nil
}

// What one worker takes at a time of lines that it runs itself: a parcel's lines stand in memory while they wait for their turn.
const (
	inlineParcel = 100
	inlineBytes  = 16 << 20
)

func (r *Runner) limits(driver string) (lines int, bytes int64) {
	if d, ok := r.Drivers[driver]; ok {
		return d.Limits()
	}
	return inlineParcel, inlineBytes
}
