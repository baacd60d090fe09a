// Package restpg remembers requests with an Idempotency-Key in Postgres.
package restpg

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/postgres"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Ledger is a rest.Ledger.
type Ledger struct{ db *postgres.DB }

// New makes a ledger.
func New(db *postgres.DB) *Ledger { return &Ledger{db: db} }

var _ rest.Ledger = (*Ledger)(nil)

// row is one line of the idempotency table. Status 0 is a claim that runs.
type row struct {
	BodyHash  []byte
	ClaimedAt time.Time
	Status    int
	Header    []byte
	Body      []byte
	Secret    bool
	Resource  string
}

// Claim implements rest.Ledger. The primary key decides between simultaneous claims.
func (l *Ledger) Claim(ctx context.Context, in tenant.Scope, c rest.Claim, now, cutoff time.Time) (*rest.Held, error) {
	var held *rest.Held
	err := l.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Exec(`DELETE FROM idempotency WHERE claimed_at < ?`, cutoff).Error; err != nil {
			return err
		}
		made := tx.Exec(`INSERT INTO idempotency (org_id, actor, route, key, body_hash, claimed_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (org_id, actor, route, key) DO NOTHING`, in.Org(), c.Actor, c.Route, c.Key, c.BodyHash[:], now)
		if made.Error != nil || made.RowsAffected == 1 {
			return made.Error
		}
		var r row
		if err := tx.Table("idempotency").Take(&r, "actor = ? AND route = ? AND key = ?", c.Actor, c.Route, c.Key).Error; err != nil {
			return err
		}
		var err error
		held, err = toHeld(r)
		return err
	})
	return held, err
}

// Finish implements rest.Ledger.
func (l *Ledger) Finish(ctx context.Context, in tenant.Scope, c rest.Claim, o rest.Outcome) error {
	header, err := json.Marshal(o.Header)
	if err != nil {
		return err
	}
	body := append([]byte{}, o.Body...) // never NULL
	return l.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE idempotency SET status = ?, header = ?, body = ?, secret = ?, resource = ?
			WHERE actor = ? AND route = ? AND key = ?`, o.Status, string(header), body, o.Secret, o.Resource, c.Actor, c.Route, c.Key).Error
	})
}

// Drop implements rest.Ledger.
func (l *Ledger) Drop(ctx context.Context, in tenant.Scope, c rest.Claim) error {
	return l.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Exec(`DELETE FROM idempotency WHERE actor = ? AND route = ? AND key = ?`, c.Actor, c.Route, c.Key).Error
	})
}

func toHeld(r row) (*rest.Held, error) {
	h := &rest.Held{ClaimedAt: r.ClaimedAt}
	copy(h.BodyHash[:], r.BodyHash)
	if r.Status == 0 {
		return h, nil
	}
	o := rest.Outcome{Status: r.Status, Body: r.Body, Secret: r.Secret, Resource: r.Resource}
	if len(o.Body) == 0 {
		o.Body = nil
	}
	if err := json.Unmarshal(r.Header, &o.Header); err != nil {
		return nil, err
	}
	h.Outcome = &o
	return h, nil
}
