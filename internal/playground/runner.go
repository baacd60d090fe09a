package playground

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// How runs are done.
const (
	tasksAtOnce = 4
	tasksATurn  = 16 // of one run, before the next run has its turn
	lookEvery   = time.Second
	// staleAfter is when a task without a result is taken for one whose worker died: later than a call and its judgement last.
	staleAfter = 2*askTimeout + time.Minute
)

// interrupted is what people are told of a call whose answer nobody stored.
const interrupted = "The worker stopped before the answer was stored. The call was made, and is not made again by itself: ask for failed rows again if you need its answer."

// errCancelled is why the calls of a run end that somebody cancelled.
var errCancelled = errors.New("the run was cancelled")

// Runner does runs, task by task. Any number of workers may; a task is claimed with the name of its call before that is made, so that
// a call that is in the log is never made again.
type Runner struct {
	service *Service
	log     *slog.Logger
}

// NewRunner makes a Runner.
func NewRunner(s *Service, log *slog.Logger) *Runner { return &Runner{s, log} }

// Turn does a part of every run that goes on.
func (r *Runner) Turn(ctx context.Context) error {
	list, err := r.service.Store.Unfinished(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, st := range list {
		if err := r.work(ctx, st); err != nil && ctx.Err() == nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", st.ID, err))
		}
	}
	return failed
}

// work does a part of one run.
func (r *Runner) work(ctx context.Context, st Standing) error {
	run, err := r.service.Store.Run(ctx, st.In, st.ID)
	if err != nil || run.Status != Running {
		return err
	}
	if err := r.recover(ctx, st.In, &run); err != nil {
		return err
	}
	limited, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go r.watch(limited, st, stop)
	for range tasksATurn / tasksAtOnce {
		tasks, err := r.service.Store.Claim(ctx, st.In, st.ID, tasksAtOnce, r.service.Now().UTC())
		if err != nil {
			return err
		}
		if len(tasks) == 0 {
			break
		}
		var group errgroup.Group
		for _, t := range tasks {
			group.Go(func() error { return r.do(limited, st.In, &run, t) })
		}
		if err := group.Wait(); err != nil || limited.Err() != nil {
			return err
		}
	}
	_, err = r.service.Store.Finish(ctx, st.In, st.ID, r.service.Now().UTC())
	return err
}

// watch cuts the calls under way once the run does not go on.
func (r *Runner) watch(ctx context.Context, st Standing, stop context.CancelCauseFunc) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if run, err := r.service.Store.Run(ctx, st.In, st.ID); err == nil && run.Status == Cancelled {
				stop(errCancelled)
				return
			}
		}
	}
}

// do asks one task and stores what became of it. A call that a budget refuses pauses the run, and its task is free again.
func (r *Runner) do(ctx context.Context, in tenant.Scope, run *Run, t Task) error {
	s := r.service
	after := context.WithoutCancel(ctx) // what a call cost is stored also when the worker stops
	out := Result{Row: t.Row.Number, Column: t.Column}
	req, err := s.rowRequest(ctx, in, &run.Setup, t.Column, &t.Row)
	if err != nil {
		if ctx.Err() != nil {
			return s.Store.Release(after, in, run.ID, t.Row.Number, t.Column)
		}
		out.Answer = Answer{Cost: 0, Error: Words(err)}
		return s.Store.Put(after, in, run.ID, out)
	}
	out.Answer, err = s.call(ctx, Outgoing{Org: in.Org(), Key: run.Key, Call: t.Call, Body: req.Body, Low: true}, nil)
	switch {
	case err != nil:
		if errors.Is(err, ErrNoPlane) { // it comes back by itself
			return errors.Join(err, s.Store.Release(after, in, run.ID, t.Row.Number, t.Column))
		}
		if err := s.Store.Release(after, in, run.ID, t.Row.Number, t.Column); err != nil || ctx.Err() != nil {
			return err
		}
		return r.pause(after, in, run.ID, Words(err))
	case out.Answer.Refused():
		if err := s.Store.Release(after, in, run.ID, t.Row.Number, t.Column); err != nil {
			return err
		}
		return r.pause(after, in, run.ID, out.Answer.Error)
	case out.Answer.OK():
		r.judge(ctx, in, run, &t.Row, &out)
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelled):
		out.Answer.Error, out.Answer.Code = interrupted, "playground.interrupted"
	}
	return s.Store.Put(after, in, run.ID, out)
}

func (r *Runner) pause(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, why string) error {
	_, err := r.service.Store.ChangeRun(ctx, in, which, func(run *Run) error {
		if run.Status == Running {
			run.Status, run.Reason = Paused, why
		}
		return nil
	})
	return err
}

// judge holds the checks against an answer, and has the judge score it.
func (r *Runner) judge(ctx context.Context, in tenant.Scope, run *Run, row *Row, out *Result) {
	for i := range run.Checks {
		out.Verdicts = append(out.Verdicts, run.Checks[i].judge(out.Answer.Text, row, r.service.Conforms))
	}
	if run.Judge == nil {
		return
	}
	body, err := question(run.Judge, row, out.Answer.Text)
	if err != nil {
		return
	}
	a, err := r.service.call(ctx, Outgoing{Org: in.Org(), Key: run.Key, Call: id.NewCall(), Body: body, Low: true}, nil)
	if err != nil {
		out.Note = Words(err)
		return
	}
	out.JudgeCall, out.JudgeCost = a.Call, a.Cost
	if !a.OK() {
		out.Note = "The judge did not answer: " + a.Error
		return
	}
	out.Score, out.Note = opinion(a.Text)
}

// recover looks after tasks whose worker died. What is in the call log was asked, and is not asked again; the rest is.
func (r *Runner) recover(ctx context.Context, in tenant.Scope, run *Run) error {
	s := r.service
	now := s.Now().UTC()
	tasks, err := s.Store.Stale(ctx, in, run.ID, now.Add(-staleAfter), now)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		e, err := s.Calls.Call(ctx, in, t.Call)
		if errors.Is(err, calllog.ErrNotFound) {
			if err = r.do(ctx, in, run, t); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		r.log.Info("a row of a run was asked before, and is not asked again", "run", run.ID, "row", t.Row.Number, "call", t.Call.String())
		out := Result{Row: t.Row.Number, Column: t.Column, Answer: remembered(&e)}
		if out.Answer.OK() {
			r.judge(ctx, in, run, &t.Row, &out)
		}
		if err := s.Store.Put(ctx, in, run.ID, out); err != nil {
			return err
		}
	}
	return nil
}

// remembered is what the call log knows of an answer whose reader died.
func remembered(e *calllog.Entry) Answer {
	l := &listener{now: func() time.Time { return time.Time{} }, got: func(Piece) {}, header: map[string][]string{}, out: Answer{Cost: -1}}
	a := Answer{}
	if e.Payload != nil && !e.Payload.Cut {
		if len(e.Payload.Response) > 5 && string(e.Payload.Response[:5]) == "data:" {
			l.header.Set("Content-Type", "text/event-stream")
		}
		_, _ = l.Write(append(e.Payload.Response, '\n')) // it never fails
		a = l.end()
	}
	a.Call, a.Status, a.Cost = e.ID, e.Status, e.Cost
	if e.Price == calllog.Unpriced {
		a.Cost = -1
	}
	a.Took, a.First = e.Duration, e.FirstByte
	a.Input, a.Output = inputOf(e), outputOf(e)
	if n := len(e.Attempts); n > 0 {
		a.Provider, a.Model = e.Attempts[n-1].Provider, e.Attempts[n-1].Model
	}
	if a.Text == "" && len(a.Tools) == 0 {
		a.Error, a.Code = interrupted, "playground.interrupted"
	}
	return a
}
