// Package pricepg keeps imported prices and organizations' overrides in PostgreSQL.
package pricepg

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
)

// Store is price.Store, and the reads that a snapshot of every organization needs.
type Store struct{ db *postgres.DB }

var _ price.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// Imported implements price.Store. The catalogue belongs to no organization.
func (s *Store) Imported(ctx context.Context) ([]price.Record, error) {
	var rows []row
	err := s.db.InSystem(ctx, "read the price catalogue", func(tx *gorm.DB) error {
		return tx.Order("provider, lower(model), valid_from").Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]price.Record, len(rows))
	for i, r := range rows {
		out[i] = toRecord(r)
	}
	return out, nil
}

const (
	// One import at a time: the check and the writes below are of one piece.
	lockImport = `SELECT pg_advisory_xact_lock(hashtextextended('price import', 0))`

	laterImport = `SELECT EXISTS (SELECT FROM prices p JOIN unnest($1::text[], $2::text[]) AS n (provider, model)
		ON p.provider = n.provider AND lower(p.model) = lower(n.model) AND (p.valid_from >= $3 OR p.valid_to > $3))`

	endOpen = `UPDATE prices p SET valid_to = $3 FROM unnest($1::text[], $2::text[]) AS n (provider, model)
		WHERE p.provider = n.provider AND lower(p.model) = lower(n.model) AND p.valid_to IS NULL`

	addRows = `INSERT INTO prices (id, provider, model, rates, tiers, context_window, max_output, modality_in, modality_out, source, valid_from)
		SELECT n.id, n.provider, n.model, n.rates::jsonb, n.tiers::jsonb, n.context_window, n.max_output, n.modality_in, n.modality_out, n.source, $11
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::smallint[], $9::smallint[], $10::text[])
			AS n (id, provider, model, rates, tiers, context_window, max_output, modality_in, modality_out, source)`
)

// Import implements price.Store, in four statements whatever the number of rows.
func (s *Store) Import(ctx context.Context, records []price.Record, at time.Time) error {
	c, err := columnsOf(records)
	if err != nil {
		return err
	}
	return s.db.InSystemPgx(ctx, "import prices", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockImport); err != nil {
			return err
		}
		var later bool
		if err := tx.QueryRow(ctx, laterImport, c.provider, c.model, at).Scan(&later); err != nil {
			return err
		}
		if later {
			return price.ErrPlanned
		}
		if _, err := tx.Exec(ctx, endOpen, c.provider, c.model, at); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, addRows, c.id, c.provider, c.model, c.rates, c.tiers, c.context, c.output, c.in, c.out, c.source, at)
		return err
	})
}

// columns are records turned on their side, for unnest.
type columns struct {
	id, provider, model, rates, tiers, source []string
	context, output                           []int64
	in, out                                   []int16
}

func columnsOf(records []price.Record) (columns, error) {
	var c columns
	for _, r := range records {
		rates, err := json.Marshal(r.Rates)
		if err != nil {
			return c, err
		}
		tiers, err := json.Marshal(fromTiers(r.Tiers))
		if err != nil {
			return c, err
		}
		c.id, c.provider, c.model = append(c.id, string(r.ID)), append(c.provider, r.Provider), append(c.model, r.Model)
		c.rates, c.tiers, c.source = append(c.rates, string(rates)), append(c.tiers, string(tiers)), append(c.source, r.Source)
		c.context, c.output = append(c.context, r.ContextWindow), append(c.output, r.MaxOutput)
		c.in, c.out = append(c.in, int16(r.Input)), append(c.out, int16(r.Output))
	}
	return c, nil
}

// turn makes the writers of one organization's prices wait for each other: a change looks at the neighbouring rows.
func turn(tx *gorm.DB, in tenant.Scope) error {
	return tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended('price overrides ' || ?, 0))`, string(in.Org())).Error
}

// Override implements price.Store.
func (s *Store) Override(ctx context.Context, in tenant.Scope, o price.Override) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := turn(tx, in); err != nil {
			return err
		}
		var last []overrideRow
		err := tx.Where("provider = ? AND lower(model) = lower(?)", o.Provider, o.Model).Order("valid_from DESC").Limit(1).Find(&last).Error
		if err != nil {
			return err
		}
		for _, l := range last {
			if !l.ValidFrom.Before(o.From) {
				return price.ErrPlanned
			}
			if l.ValidTo == nil || l.ValidTo.After(o.From) {
				if err := end(tx, l.ID, map[string]any{"valid_to": o.From}); err != nil {
					return err
				}
			}
		}
		r := fromOverride(in.Org(), o)
		return tx.Create(&r).Error
	})
}

func end(tx *gorm.DB, which string, set map[string]any) error {
	return tx.Model(&overrideRow{}).Where("id = ?", which).Updates(set).Error
}

// EndOverride implements price.Store.
func (s *Store) EndOverride(ctx context.Context, in tenant.Scope, which id.PriceRecord, now time.Time) error {
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := turn(tx, in); err != nil {
			return err
		}
		var r overrideRow
		if err := tx.Where("id = ?", string(which)).Take(&r).Error; err != nil {
			return err
		}
		switch {
		case r.ValidFrom.After(now):
			return withdraw(tx, r)
		case r.ValidTo != nil && !r.ValidTo.After(now):
			return price.ErrEnded
		case r.ValidFrom.Equal(now): // it has priced nothing yet, and a span of no length is none
			return withdraw(tx, r)
		}
		return end(tx, r.ID, map[string]any{"valid_to": now, "until": now})
	})
	if errors.Is(err, postgres.ErrNoRow) {
		return price.ErrNotFound
	}
	return err
}

// withdraw removes a price that has not begun. The one that ends where it starts gets back the end it was given, or the
// start of the next one where that is earlier.
func withdraw(tx *gorm.DB, r overrideRow) error {
	if err := tx.Where("id = ?", r.ID).Delete(&overrideRow{}).Error; err != nil {
		return err
	}
	const model = "provider = ? AND lower(model) = lower(?)"
	next := tx.Model(&overrideRow{}).Select("min(valid_from)").Where(model+" AND valid_from > ?", r.Provider, r.Model, r.ValidFrom)
	return tx.Model(&overrideRow{}).
		Where(model+" AND valid_to = ?", r.Provider, r.Model, r.ValidFrom).
		Update("valid_to", gorm.Expr("least(until, (?))", next)).Error
}

// Overrides implements price.Store.
func (s *Store) Overrides(ctx context.Context, in tenant.Scope) ([]price.Override, error) {
	var rows []overrideRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return ordered(tx).Find(&rows).Error })
	if err != nil {
		return nil, err
	}
	out := make([]price.Override, len(rows))
	for i, r := range rows {
		out[i] = toOverride(r)
	}
	return out, nil
}

// AllOverrides gives the overrides of every organization, past ones too, for the snapshot of the data plane.
func (s *Store) AllOverrides(ctx context.Context) (map[id.Org][]price.Record, error) {
	var rows []overrideRow
	err := s.db.InSystem(ctx, "build the snapshot's prices", func(tx *gorm.DB) error { return ordered(tx).Find(&rows).Error })
	if err != nil {
		return nil, err
	}
	out := map[id.Org][]price.Record{}
	for _, r := range rows {
		out[id.Org(r.OrgID)] = append(out[id.Org(r.OrgID)], toOverride(r).Record)
	}
	return out, nil
}

func ordered(tx *gorm.DB) *gorm.DB { return tx.Order("org_id, provider, lower(model), valid_from") }
