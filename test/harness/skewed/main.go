// Command skewed is the proxy on a machine whose clock is wrong: TEST_CLOCK_SHIFT is by how much. The product itself has no such setting.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"tollgate/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	shift, err := time.ParseDuration(os.Getenv("TEST_CLOCK_SHIFT"))
	if err != nil {
		return fmt.Errorf("TEST_CLOCK_SHIFT: %w", err)
	}
	cfg, err := app.ReadConfig()
	if err != nil {
		return err
	}
	if err := cfg.Check(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	return app.RunBy(ctx, func() time.Time { return wrong(time.Now(), shift) }, cfg, os.Stdout, log, app.Proxy)
}

// wrong is the time on a machine whose wall clock is set wrong. The monotonic clock beside it, by which durations and deadlines are
// measured, runs right, as it does there: time.Time.Add would move both.
func wrong(t time.Time, by time.Duration) time.Time {
	const seconds = 30 // package time: the first word of a time with a monotonic reading is a flag, 33 bits of seconds, 30 of nanoseconds
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(by/time.Second) << seconds
	return t
}
