package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tollgate/internal/egress"
	"tollgate/internal/notice"
	"tollgate/internal/notice/mail"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/notice/webhook"
)

// noticeRetention is how long notices are kept.
const noticeRetention = 180 * 24 * time.Hour

func (h *house) noticeSeal() (*notice.Seal, error) {
	return notice.NewSeal(h.ring.Derive("notice channels"))
}

// noticeService shows notices and manages channels.
func (h *house) noticeService() (*notice.Service, error) {
	seal, err := h.noticeSeal()
	if err != nil {
		return nil, err
	}
	return notice.NewService(noticepg.New(h.db), seal, egress.New(h.cfg.EgressAllow).CheckHook, h.now), nil
}

// courier sends notices, and removes old ones.
func (h *house) courier(log *slog.Logger) (turn, prune func(context.Context) error, err error) {
	seal, err := h.noticeSeal()
	if err != nil {
		return nil, nil, err
	}
	post, err := mail.New(h.cfg.SMTPURL.Reveal(), h.cfg.MailFrom)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: TOLLGATE_SMTP_URL, TOLLGATE_MAIL_FROM: %w", ErrConfig, err)
	}
	store, client := noticepg.New(h.db), egress.New(h.cfg.EgressAllow).Client()
	c := &notice.Courier{
		Outbox: store, Seal: seal, Poster: store, Base: h.cfg.PublicURL, Now: h.now, Logger: log,
		Senders: map[notice.Medium]notice.Sender{
			notice.Email: post, notice.Webhook: webhook.Signed{Client: client, Now: h.now}, notice.Slack: webhook.Slack{Client: client},
		},
	}
	return c.Turn, func(ctx context.Context) error {
		_, err := store.Prune(ctx, h.now().Add(-noticeRetention))
		return err
	}, nil
}
