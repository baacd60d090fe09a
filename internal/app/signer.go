package app

import (
	"context"

	"tollgate/internal/credential/sign"
	"tollgate/internal/egress"
)

// signer puts credentials into requests; the parts of one process share it, and with it the tokens it keeps. It outlives ctx: calls
// that finish after the signal to stop may need a token.
func (h *house) signer(ctx context.Context) *sign.Signer {
	if h.signs == nil {
		life, end := context.WithCancel(context.WithoutCancel(ctx))
		h.signs = sign.New(life, sign.Config{
			Transport: egress.New(h.cfg.EgressAllow).Client().Transport, Now: h.now,
			Ambient: h.cfg.AmbientCredentials, TokenHosts: h.cfg.TokenHosts,
		})
		h.quiet = func() { end(); h.signs.Wait() }
	}
	return h.signs
}

// hush ends what the parts have in common, after all of them.
func (h *house) hush() {
	if h.quiet != nil {
		h.quiet()
	}
}
