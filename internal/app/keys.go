package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"tollgate/internal/egress"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/leak"
	"tollgate/internal/notice"
)

// upgradeEvery is how often imported secrets that were used are told.
const upgradeEvery = time.Second

// tellOfKeys has notices about keys kept and sent. nil posts nothing.
func tellOfKeys(p notice.Poster) key.Tell {
	return func(ctx context.Context, org id.Org, n key.Notice) error {
		if p == nil {
			return nil
		}
		_, err := p.Post(ctx, org, notice.New{
			Kind: notice.Kind(n.Kind), About: string(n.About), Once: n.Once, Title: n.Title, Text: n.Text, Path: n.Path, Data: n.Data, At: n.At,
		})
		return err
	}
}

// leakIntake answers scanners that found keys in public.
func (h *house) leakIntake(leaks *key.Leaks, log *slog.Logger) http.Handler {
	in := &leak.Intake{Leaks: leaks, Secret: h.cfg.LeakSecret, Now: h.now, Logger: log}
	if h.cfg.LeakGitHubKeys != "off" {
		in.GitHub = leak.NewGitHub(h.cfg.LeakGitHubKeys, egress.New(h.cfg.EgressAllow).Client(), h.now)
	}
	return in.Handler()
}
