package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// diary notes what services do.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// lasting runs until its context ends.
func (d *diary) lasting(name string, when phase, err error) service {
	return service{name, when, func(ctx context.Context) error {
		<-ctx.Done()
		d.note(name)
		return err
	}}
}

func TestPhasesStopInOrder(t *testing.T) {
	t.Parallel()
	for range 20 {
		d := &diary{}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		err := runAll(ctx, slog.New(slog.DiscardHandler), []service{
			d.lasting("behind", behind, context.Canceled), d.lasting("edge", edge, nil), d.lasting("edge", edge, context.Canceled), d.lasting("behind", behind, nil),
		})
		if err != nil {
			t.Fatalf("a stop is no failure: %v", err)
		}
		if want := []string{"edge", "edge", "behind", "behind"}; !slices.Equal(d.lines, want) {
			t.Fatalf("order %v", d.lines)
		}
	}
}

func TestAServiceThatFailsStopsTheOthersAndItsErrorIsTold(t *testing.T) {
	t.Parallel()
	errBroken, errClosing := errors.New("broken"), errors.New("closing")
	for name, tt := range map[string]struct {
		run  func(context.Context) error
		want error
	}{
		"with an error":          {func(context.Context) error { return errBroken }, errBroken},
		"by ending":              {func(context.Context) error { return nil }, errEnded},
		"by a cancel of its own": {func(context.Context) error { return context.Canceled }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &diary{}
			err := runAll(t.Context(), slog.New(slog.DiscardHandler), []service{
				{"faulty", behind, tt.run}, d.lasting("edge", edge, nil), d.lasting("behind", behind, errClosing),
			})
			if !errors.Is(err, tt.want) || !errors.Is(err, errClosing) || !strings.Contains(err.Error(), "faulty: ") {
				t.Errorf("%v", err)
			}
			if !slices.Equal(d.lines, []string{"edge", "behind"}) {
				t.Errorf("stopped %v", d.lines)
			}
		})
	}
}
