package batch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/id"
)

// runParcel runs the lines of a parcel one by one, a few at once, for a stint.
//
// A line that was under way when its worker died is run again: its row is its intent. The first run may have reached the provider, who
// then was asked twice; the log has the one run whose answer was kept.
func (r *Runner) runParcel(ctx context.Context, t Taken) error {
	if t.Parcel.Cancel {
		return r.abandon(ctx, t, "", "")
	}
	lines, err := r.Work.Lines(ctx, t)
	if err != nil {
		return err
	}
	s := &stint{runner: r, taken: t, until: r.Now().Add(r.Config.Stint), slots: r.slots(t.Parcel.Org)}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(r.Config.Inline)
	left := false
	for i := range lines {
		if s.over() || running.Err() != nil {
			left = true
			break
		}
		group.Go(func() error { return s.run(running, lines[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	switch wait := s.asked(); {
	case wait > 0:
		return later{min(max(wait, time.Second), r.Config.PollMax)}
	case left:
		return errBusy
	}
	return r.Work.Arrived(ctx, t, r.Now())
}

// slots bound the lines of one organization that are run at once by this worker.
func (r *Runner) slots(org id.Org) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.busy[org]
	if !ok {
		s = make(chan struct{}, r.Config.Inline)
		r.busy[org] = s
	}
	return s
}

// stint is one run over the lines of a parcel.
type stint struct {
	runner *Runner
	taken  Taken
	until  time.Time
	slots  chan struct{}

	mu   sync.Mutex
	wait time.Duration // the longest that a provider asked for
}

// over reports that no further line is begun.
func (s *stint) over() bool { return s.asked() > 0 || !s.runner.Now().Before(s.until) }

func (s *stint) asked() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wait
}

// lasting is ctx with a grace: a line that is under way when its worker is told to stop is paid for, and gets that long to end. It is
// shorter than the lease, which nobody renews any more.
func lasting(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel() }
}

func (s *stint) run(ctx context.Context, l Line) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.slots }()
	ctx, done := lasting(ctx, s.runner.Config.Lease/2)
	defer done()
	end, wait, err := s.runner.Calls.Run(ctx, l.Order())
	switch {
	case err != nil:
		return err
	case wait > 0:
		s.mu.Lock()
		s.wait = max(s.wait, wait)
		s.mu.Unlock()
		return nil
	}
	l.End = end
	if err := s.runner.conclude(ctx, s.taken, []Line{l}); err != nil {
		return err
	}
	s.runner.Calls.Concluded(end.Run)
	return nil
}
