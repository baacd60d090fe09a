package app

import (
	"context"
	"log/slog"
	"path/filepath"

	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/price/seed"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/snapshot/snapshotpg"
)

// follower keeps the data plane's configuration: from the disk at once, from the database as soon as that answers.
func (h *house) follower(ctx context.Context, log *slog.Logger) (*snapshot.Follower, error) {
	shipped, err := seed.Records()
	if err != nil {
		return nil, err
	}
	file, err := snapshot.OpenFile(filepath.Join(h.cfg.DataDir, "snapshot"), h.ring, log)
	if err != nil {
		return nil, err
	}
	sealed, err := h.vault()
	if err != nil {
		return nil, err
	}
	f := snapshot.NewFollower(snapshot.Deps{
		Source: snapshotpg.New(h.db, pricepg.New(h.db)),
		Open: func(ctx context.Context, org id.Org, c credential.Credential, s credential.Sealed) (secret.Text, error) {
			return credential.Open(ctx, sealed, org, c, s)
		},
		Vendors: catalog.Vendor, Shipped: shipped, File: file, Now: h.now, Logger: log,
	})
	f.Boot(ctx)
	return f, nil
}
