package worker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
)

// job is done at the start and then again and again: every so often (a tenth more or less, so that workers do not march in step), and
// when its channel is notified, but never sooner than rest after it ended. One worker does a job once at a time.
type job struct {
	name  string
	every time.Duration
	rest  time.Duration
	wake  string // a notification channel; empty: none
	do    func(ctx context.Context) error
}

// Run does all jobs until ctx ends and those under way have ended too. A job that fails is logged and done again; it stops no other.
func Run(ctx context.Context, d Deps) error {
	return run(ctx, jobs(d), d.Listen, d.Logger)
}

func run(ctx context.Context, jobs []job, listen func(context.Context, string, func(string)) error, log *slog.Logger) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, j := range jobs {
		wake := make(chan struct{}, 1)
		if j.wake != "" {
			group.Go(func() error {
				err := listen(ctx, j.wake, func(string) {
					select {
					case wake <- struct{}{}:
					default: // it is awake
					}
				})
				if err != nil && ctx.Err() == nil {
					log.Warn("a job is not woken any more; it runs by the clock", "job", j.name, "error", err)
				}
				return nil
			})
		}
		group.Go(func() error {
			j.loop(ctx, wake, log)
			return nil
		})
	}
	return group.Wait()
}

func (j job) loop(ctx context.Context, wake <-chan struct{}, log *slog.Logger) {
	failing := false
	for ctx.Err() == nil {
		err := j.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing: // told once, not every two seconds of an outage
			log.Error("job failed; it will be tried again", "job", j.name, "error", err)
		case err == nil && failing:
			log.Info("job works again", "job", j.name)
		}
		failing = err != nil
		if !pause(ctx, j.rest, nil) || !pause(ctx, jitter(j.every), wake) {
			return
		}
	}
}

// once does the job; a panic is a failure like any other.
func (j job) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return j.do(ctx)
}

// pause waits for d or a wake, whichever is first. It is false when ctx ended.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-wake:
	}
	return true
}

// jitter spreads d by a tenth in both directions.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) //nolint:gosec // jitter needs no secrecy
}
