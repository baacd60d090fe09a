package usage

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tollgate/internal/id"
)

// Hour names one bucket: an organization's hour.
type Hour struct {
	Org id.Org
	At  time.Time // UTC
}

// Bench is where a Roller works; package usagepg provides it.
type Bench interface {
	// Dirty gives hours whose figures are behind, the longest waiting first, at most limit.
	Dirty(ctx context.Context, limit int) ([]Hour, error)
	// Recompute computes an hour from the call log and replaces its figures. Several may do it at once.
	Recompute(ctx context.Context, h Hour) error
}

// Roller keeps figures up to date. Any number of workers may run one.
//
// A recompute reads all calls of its hour, so a busy hour costs more each time. After a recompute that took d, its hour rests for
// restShare × d: however busy it is, one hour takes at most a fifth of one connection, and its figures are the later for it.
type Roller struct {
	bench Bench
	now   func() time.Time
	log   *slog.Logger
	rest  map[Hour]time.Time // until when
}

const (
	restShare = 4
	dirtyMax  = 1000 // hours looked at in one turn
)

// NewRoller makes a Roller.
func NewRoller(bench Bench, now func() time.Time, log *slog.Logger) *Roller {
	return &Roller{bench: bench, now: now, log: log, rest: make(map[Hour]time.Time)}
}

// Turn recomputes the hours that are dirty and not at rest. An hour that fails does not hold up the others. It is not for
// concurrent use.
func (r *Roller) Turn(ctx context.Context) error {
	hours, err := r.bench.Dirty(ctx, dirtyMax)
	if err != nil {
		return err
	}
	now := r.now()
	for h, until := range r.rest {
		if !now.Before(until) {
			delete(r.rest, h)
		}
	}
	var failed []error
	for _, h := range hours {
		if _, resting := r.rest[h]; resting {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		began := r.now()
		if err := r.bench.Recompute(ctx, h); err != nil {
			failed = append(failed, err)
			r.log.Warn("an hour of usage was not computed; it will be tried again", "organization", string(h.Org), "hour", h.At, "error", err)
		}
		ended := r.now()
		r.rest[h] = ended.Add(restShare * ended.Sub(began))
	}
	return errors.Join(failed...)
}
