package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// How Listen paces itself.
const (
	listenRetryMin = 50 * time.Millisecond
	listenRetryMax = 5 * time.Second
	listenQuiet    = 15 * time.Second // silence after which the connection is tested
	listenPatience = 5 * time.Second  // how long connecting and testing may take
)

// Listen calls got with the payload of every NOTIFY on the channel until ctx ends, and returns ctx's error. It holds
// one connection of its own, outside the pool, and makes a new one when that is lost; after each connection,
// the first included, it calls got with "": what was notified before was perhaps not heard, so look for yourself.
// Notices are hints; a poll stands behind them.
func (db *DB) Listen(ctx context.Context, channel string, got func(payload string)) error {
	wait := listenRetryMin
	for {
		err := db.listenOnce(ctx, channel, func(payload string) {
			wait = listenRetryMin
			got(payload)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		db.log.Warn("lost the notification channel", "channel", channel, "retry_in", wait, "error", err)
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
		wait = min(2*wait, listenRetryMax)
	}
}

// listenOnce listens on one connection until that is lost.
func (db *DB) listenOnce(ctx context.Context, channel string, got func(payload string)) error {
	conn, err := db.listener(ctx, channel)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	got("")
	for {
		quiet, cancel := context.WithTimeout(ctx, listenQuiet)
		notice, err := conn.WaitForNotification(quiet)
		silent := quiet.Err() != nil
		cancel()
		switch {
		case err == nil:
			got(notice.Payload)
		case ctx.Err() != nil:
			return ctx.Err()
		case !silent || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed():
			return err
		default: // a peer that vanished says nothing: ask
			if err := ping(ctx, conn); err != nil {
				return err
			}
		}
	}
}

func (db *DB) listener(ctx context.Context, channel string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, listenPatience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return nil, translate(err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("listen: %w", translate(err))
	}
	return conn, nil
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, listenPatience)
	defer cancel()
	return translate(conn.Ping(ctx))
}
