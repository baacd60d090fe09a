// Package app wires the rooms into processes. It is the one package that knows every other, reads the real clock and makes the
// root context; everything else is handed what it needs.
//
// A process is a list of parts: cmd/tollgate runs them all over an embedded Postgres, cmd/api, cmd/proxy and cmd/worker one each.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/credential/sign"
	"tollgate/internal/key"
	"tollgate/internal/postgres"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/secret"
)

// Part is one role that a process can play: API, Proxy or Worker.
type Part struct {
	name  string
	build func(ctx context.Context, h *house) ([]service, error)
	// offline: the part works without its database, so it starts even when that is down.
	offline bool
}

// service is something that runs until its context ends, and then ends cleanly.
type service struct {
	name string
	when phase
	run  func(ctx context.Context) error
}

// phase orders the end of a process: the edge stops taking work and finishes what it has, then what stands behind it ends.
type phase int

const (
	edge phase = iota
	behind
	phases
)

// house is what all parts of a process share.
type house struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	ring    *secret.Keyring
	hasher  *key.Hasher
	db      *postgres.DB
	onWeb   []string              // lines of "what listens where" for the person who started it
	hint    string                // what to do next; empty: nothing to say
	figures []prometheus.Gatherer // what the parts measure
	signs   *sign.Signer          // see signer
	quiet   func()                // ends signs
	plane   *dataPlane            // of this process; nil: none yet
	asks    bool                  // a part makes calls for people who look on: see ownPlane
	undo    []func()              // gives back what was opened, newest last, when a part cannot be built
}

// Run plays parts until ctx ends, then stops them in order. out gets the lines that a person waits for; everything else goes to the log.
func Run(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger, parts ...Part) error {
	return RunBy(ctx, time.Now, cfg, out, log, parts...)
}

// RunBy is Run by another clock: tests set one that goes fast, or wrong.
func RunBy(ctx context.Context, now func() time.Time, cfg Config, out io.Writer, log *slog.Logger, parts ...Part) error {
	log.Debug("configuration", "settings", cfg)
	h, closeHouse, err := open(ctx, now, cfg, log, parts)
	if err != nil {
		return err
	}
	defer closeHouse()
	defer h.hush()
	services, err := h.build(ctx, parts)
	if err != nil {
		return err
	}
	for _, line := range h.onWeb {
		_, _ = fmt.Fprintln(out, line)
	}
	if h.hint != "" {
		_, _ = fmt.Fprintln(out, h.hint)
	}
	return runAll(ctx, log, services)
}

// build makes the services of all parts, or none.
func (h *house) build(ctx context.Context, parts []Part) (services []service, err error) {
	defer func() {
		if err != nil {
			for _, undo := range slices.Backward(h.undo) {
				undo()
			}
		}
	}()
	for _, p := range parts {
		built, err := p.build(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		services = append(services, built...)
	}
	services = append(services, h.ownPlane(ctx)...)
	measured, err := h.metrics(ctx)
	return append(services, measured...), err
}

// open makes what the parts share, and returns how to close it.
func open(ctx context.Context, now func() time.Time, cfg Config, log *slog.Logger, parts []Part) (*house, func(), error) {
	if err := catalog.Check(); err != nil {
		return nil, nil, fmt.Errorf("vendors: %w", err)
	}
	ring, err := cfg.Keyring()
	if err != nil {
		return nil, nil, err
	}
	lazy := offline(parts)
	db, closeDB, err := openDatabase(ctx, cfg, log, lazy)
	if err != nil {
		return nil, nil, err
	}
	h := &house{cfg: cfg, log: log, now: now, ring: ring, hasher: key.NewHasher(ring), db: db}
	if !lazy {
		if err := h.fit(ctx); err != nil {
			closeDB()
			return nil, nil, err
		}
	}
	return h, closeDB, nil
}

// offline reports whether every part can do without the database.
func offline(parts []Part) bool {
	for _, p := range parts {
		if !p.offline {
			return false
		}
	}
	return true
}

// runAll runs every service and stops them phase by phase: when ctx ends, or when one of them fails.
func runAll(ctx context.Context, log *slog.Logger, services []service) error {
	failed := make(chan error, len(services))
	var stops [phases]context.CancelFunc
	var done [phases][]chan struct{}
	for when := edge; when < phases; when++ {
		phaseCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		stops[when] = stop
		for _, s := range services {
			if s.when != when {
				continue
			}
			ended := make(chan struct{})
			done[when] = append(done[when], ended)
			go func() {
				defer close(ended)
				err := s.run(phaseCtx)
				if phaseCtx.Err() == nil && err == nil {
					err = errEnded
				}
				if err != nil && (!errors.Is(err, context.Canceled) || phaseCtx.Err() == nil) {
					failed <- fmt.Errorf("%s: %w", s.name, err)
				}
			}()
		}
	}
	var first error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case first = <-failed:
		log.Error("stopping because a part failed", "error", first)
	}
	for when := edge; when < phases; when++ {
		stops[when]()
		for _, ended := range done[when] {
			<-ended
		}
	}
	for {
		select {
		case err := <-failed:
			first = errors.Join(first, err)
		default:
			return first
		}
	}
}

var errEnded = errors.New("ended by itself")
