package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// listen opens addr now, so that a taken port is an error at start and not later. setting is what names the address.
func (h *house) listen(ctx context.Context, what, addr, setting string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s cannot listen on %s: another program does already. Choose another address with %s", what, addr, setting)
	case err != nil:
		return nil, fmt.Errorf("%s cannot listen on %s (%s): %w", what, addr, setting, err)
	}
	h.undo = append(h.undo, func() { _ = l.Close() })
	return l, nil
}

// serve answers on l until ctx ends; then before is called, running requests may finish within drain, and the rest are cut.
func serve(l net.Listener, srv *http.Server, log *slog.Logger, drain time.Duration, before func()) func(context.Context) error {
	srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		if before != nil {
			before()
		}
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := srv.Shutdown(stopCtx); err != nil {
			log.Warn("requests were cut at the end of the drain time", "error", err)
			_ = srv.Close()
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
