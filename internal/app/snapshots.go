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

// follower keeps the data plane's configuration: from the disk (in folder) at once, from the database as soon as that answers.
func (h *house) follower(ctx context.Context, folder string, log *slog.Logger) (*snapshot.Follower, error) {
	shipped, err := seed.Records()
	if err != nil {
		return nil, err
	}
	file, err := snapshot.OpenFile(filepath.Join(folder, "snapshot"), h.ring, log)
	if err != nil {
		return nil, err
	}
	sealed, err := h.vault()
	if err != nil {
		return nil, err
	}
	source := snapshotpg.New(h.db, pricepg.New(h.db))
	source.BytesMax = h.cfg.SnapshotMax
	f := snapshot.NewFollower(snapshot.Deps{
		Source: source,
		Open: func(ctx context.Context, org id.Org, c credential.Credential, s credential.Sealed) (secret.Text, error) {
			return credential.Open(ctx, sealed, org, c, s)
		},
		Vendors: catalog.Vendor, Shipped: shipped, File: file, Force: h.cfg.SnapshotForce, Now: h.now, Logger: log,
	})
	f.Boot(ctx)
	return f, nil
}
