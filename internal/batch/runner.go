package batch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// Deps is what a Runner stands on. All fields but Config are needed.
type Deps struct {
	Work    Work
	Calls   Calls
	Drivers map[string]Driver // by provider.BatchAPI.API
	// Ingest copies records to the call log. It may be given the same ones again.
	Ingest func(ctx context.Context, records []calllog.Record) error
	Now    func() time.Time
	Logger *slog.Logger
	Config Config
}

// Runner does the work on batches. Any number of them may run at once, in any number of processes.
type Runner struct {
	Deps

	mu   sync.Mutex
	busy map[id.Org]chan struct{} // one slot for each line that is run inline
}

// Config is the runner's settings. The zero value of each field is its default.
type Config struct {
	// Holder is this worker's name in leases, and no other's. One that is the same after a restart goes on at once with what it held
	// before. "": a name for this run only.
	Holder string
	Lease  time.Duration // how long work is held without a sign of life; 30 s
	Most   int           // batches and parcels under way at once; 8
	Inline int           // lines of one organization that are run at once here; 4
	Stint  time.Duration // how long lines are run before the parcel is given back; 10 s
	Poll   time.Duration // first wait between two questions to a provider; it doubles up to PollMax. 5 s
	// PollMax is the longest wait; 2 min.
	PollMax time.Duration
	Linger  time.Duration // how long jobs wait for company; 30 s
	Page    int           // lines handled at a time; 200
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.Lease, 30*time.Second)
	def(&c.Stint, 10*time.Second)
	def(&c.Poll, 5*time.Second)
	def(&c.PollMax, 2*time.Minute)
	def(&c.Linger, 30*time.Second)
	num := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	num(&c.Most, 8)
	num(&c.Inline, 4)
	num(&c.Page, 200)
	if c.Holder == "" {
		c.Holder = id.New("worker")
	}
	return c
}

// NewRunner makes a runner.
func NewRunner(d Deps) *Runner {
	d.Config = d.Config.withDefaults()
	return &Runner{Deps: d, busy: map[id.Org]chan struct{}{}}
}

// Turn does what is due now and returns when that is done. What fails is due again later; it stops nothing else.
func (r *Runner) Turn(ctx context.Context) error {
	now := r.Now()
	taken, err := r.Work.Take(ctx, r.Config.Holder, now, now.Add(r.Config.Lease), r.Config.Most)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, t := range taken {
		group.Go(func() error { r.hold(ctx, t); return nil })
	}
	return group.Wait()
}

// errBusy ends a turn that has to be gone on with at once; errWait one that something else will wake.
var (
	errBusy = errors.New("batch: to be gone on with")
	errWait = errors.New("batch: waits for its parcels")
)

// later ends a turn that has to be gone on with after a while.
type later struct{ after time.Duration }

func (later) Error() string { return "batch: to be gone on with later" }

// hold works on one thing under its lease and gives it back.
func (r *Runner) hold(ctx context.Context, t Taken) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beating sync.WaitGroup
	beating.Go(func() { r.beat(ctx, t, cancel) })
	var err error
	if t.Batch != nil {
		err = r.batch(ctx, t)
	} else {
		err = r.parcel(ctx, t)
	}
	dead := ctx.Err() != nil
	cancel()
	beating.Wait()
	if dead || errors.Is(err, ErrLost) {
		return // whoever takes it over goes on
	}
	r.giveBack(context.WithoutCancel(ctx), t, err)
}

// giveBack releases what was held: err says when it is due again.
func (r *Runner) giveBack(ctx context.Context, t Taken, err error) {
	now := r.Now()
	var wait later
	due, failed, trouble := time.Time{}, false, ""
	switch {
	case err == nil: // over
	case errors.Is(err, errBusy):
		due = now
	case errors.Is(err, errWait):
		due = t.Batch.ExpiresAt
	case errors.As(err, &wait):
		due = now.Add(wait.after)
	default:
		due, failed, trouble = now.Add(r.pause(t)), true, cut(err.Error(), 500)
		r.Logger.Warn("a batch has to wait", "work", name(t), "error", err)
	}
	if err := r.Work.Release(ctx, t, due, failed, trouble); err != nil && !errors.Is(err, ErrLost) {
		r.Logger.Warn("a lease was not given back; it ends by itself", "work", name(t), "error", err)
	}
}

// pause is how long what fails waits: longer each time.
func (r *Runner) pause(t Taken) time.Duration {
	n := 0
	if t.Parcel != nil {
		n = t.Parcel.Failures
	}
	return min(r.Config.Poll<<min(n, 10), r.Config.PollMax)
}

func name(t Taken) string {
	if t.Batch != nil {
		return string(t.Batch.ID)
	}
	return t.Parcel.ID
}

// beat keeps the lease while the work goes on, and ends the work when the lease is lost.
func (r *Runner) beat(ctx context.Context, t Taken, lost context.CancelFunc) {
	tick := time.NewTicker(r.Config.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := r.Work.Renew(ctx, t, r.Now().Add(r.Config.Lease))
		if errors.Is(err, ErrLost) {
			lost()
			return
		}
	}
}

// tell copies records to the call log and forgets them here.
func (r *Runner) tell(ctx context.Context, org id.Org, records []calllog.Record) error {
	if len(records) == 0 {
		return nil
	}
	if err := r.Ingest(ctx, records); err != nil {
		return err
	}
	calls := make([]id.Call, len(records))
	for i := range records {
		calls[i] = records[i].ID
	}
	return r.Work.Logged(ctx, org, calls)
}

// conclude ends lines and tells the log of their calls.
func (r *Runner) conclude(ctx context.Context, t Taken, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	if err := r.Work.End(ctx, t, lines); err != nil {
		return err
	}
	var records []calllog.Record
	for i := range lines {
		if rec := lines[i].End.Record; rec != nil {
			records = append(records, *rec)
		}
	}
	return r.tell(ctx, lines[0].Org, records)
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
