// Package credentialpg keeps sealed provider secrets in PostgreSQL. It can open none.
package credentialpg

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is credential.Store.
type Store struct{ db *postgres.DB }

var _ credential.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// row is one line of the credentials table.
type row struct {
	OrgID, ID, Provider, Name, BaseURL, Hint string
	Settings                                 map[string]string `gorm:"serializer:json"`
	Version, Revision                        int
	IsDefault                                bool
	Weight                                   int
	DekID                                    string
	Ciphertext                               []byte
	CreatedAt, UpdatedAt                     time.Time
	CreatedBy                                string
	LastCheckAt                              *time.Time // NULL means never
	LastCheck                                string
}

// TableName is gorm's.
func (row) TableName() string { return "credentials" }

// dekRow is one line of the org_deks table.
type dekRow struct {
	OrgID, ID string
	Kek       string
	Wrapped   []byte
}

// TableName is gorm's.
func (dekRow) TableName() string { return "org_deks" }

// DEK implements credential.Store. Of two that make one at the same time one wins, and both get the winner's.
func (s *Store) DEK(ctx context.Context, in tenant.Scope, fresh func() (credential.DEK, error)) (credential.DEK, error) {
	got, err := s.liveDEK(ctx, in)
	if !errors.Is(err, postgres.ErrNoRow) {
		return got, err
	}
	d, err := fresh() // outside of any transaction: it may ask a key service
	if err != nil {
		return credential.DEK{}, err
	}
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&dekRow{OrgID: string(in.Org()), ID: d.ID, Kek: d.KEK, Wrapped: d.Wrapped}).Error
	})
	if err != nil {
		return credential.DEK{}, err
	}
	return s.liveDEK(ctx, in)
}

func (s *Store) liveDEK(ctx context.Context, in tenant.Scope) (credential.DEK, error) {
	var r dekRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "retired_at IS NULL").Error })
	return toDEK(r), err
}

// Insert implements credential.Store.
func (s *Store) Insert(ctx context.Context, in tenant.Scope, c credential.Credential, sealed credential.Sealed) (credential.Credential, error) {
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := turn(tx); err != nil {
			return err
		}
		var others int64
		if err := tx.Model(&row{}).Where("provider = ?", c.Provider).Count(&others).Error; err != nil {
			return err
		}
		c.Default = c.Default || others == 0
		if err := displace(tx, c); err != nil {
			return err
		}
		r := fromCredential(in, c)
		r.DekID, r.Ciphertext = sealed.DEK.ID, sealed.Ciphertext
		return tx.Create(&r).Error
	})
	if err != nil {
		return credential.Credential{}, translate(err)
	}
	return c, nil
}

// turn makes the writers of one organization's credentials wait for each other: which one is the default depends on the others.
// It comes before the first write, since a write holds the revision of the configuration until commit.
func turn(tx *gorm.DB) error {
	return tx.Exec(`SELECT 1 FROM orgs FOR NO KEY UPDATE`).Error
}

// displace makes room for c as the default, where it is one.
func displace(tx *gorm.DB, c credential.Credential) error {
	if !c.Default {
		return nil
	}
	return tx.Model(&row{}).Where("provider = ? AND id <> ? AND is_default", c.Provider, string(c.ID)).Update("is_default", false).Error
}

// Credential implements credential.Store.
func (s *Store) Credential(ctx context.Context, in tenant.Scope, which id.Credential) (credential.Credential, error) {
	var r row
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "id = ?", string(which)).Error })
	return toCredential(r), translate(err)
}

// Credentials implements credential.Store.
func (s *Store) Credentials(ctx context.Context, in tenant.Scope) ([]credential.Credential, error) {
	var rows []row
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Omit("Ciphertext").Order("provider, name").Find(&rows).Error })
	if err != nil {
		return nil, err
	}
	out := make([]credential.Credential, len(rows))
	for i, r := range rows {
		out[i] = toCredential(r)
	}
	return out, nil
}

// Sealed implements credential.Store.
func (s *Store) Sealed(ctx context.Context, in tenant.Scope, which id.Credential) (credential.Credential, credential.Sealed, error) {
	var r row
	var d dekRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Take(&r, "id = ?", string(which)).Error; err != nil {
			return err
		}
		return tx.Take(&d, "id = ?", r.DekID).Error
	})
	return toCredential(r), credential.Sealed{DEK: toDEK(d), Ciphertext: r.Ciphertext}, translate(err)
}

// Change implements credential.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, which id.Credential, fn func(credential.Credential) (credential.Credential, *credential.Sealed, error)) (credential.Credential, error) {
	var changed credential.Credential
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		r, err := locked(tx, which)
		if err != nil {
			return err
		}
		c, sealed, err := fn(toCredential(r))
		if err != nil {
			return err
		}
		if err := displace(tx, c); err != nil {
			return err
		}
		next := fromCredential(in, c)
		next.DekID, next.Ciphertext = r.DekID, r.Ciphertext
		if sealed != nil {
			next.DekID, next.Ciphertext = sealed.DEK.ID, sealed.Ciphertext
		}
		changed = c
		return tx.Model(&row{}).Where("id = ?", string(which)).
			Select("Name", "BaseURL", "Settings", "Hint", "Version", "Revision", "IsDefault", "Weight", "DekID", "Ciphertext", "UpdatedAt").Updates(&next).Error
	})
	if err != nil {
		return credential.Credential{}, translate(err)
	}
	return changed, nil
}

// locked reads a credential that nobody else can change, delete or point an alias at until the transaction ends.
func locked(tx *gorm.DB, which id.Credential) (row, error) {
	var r row
	if err := turn(tx); err != nil {
		return r, err
	}
	return r, tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&r, "id = ?", string(which)).Error
}

// Delete implements credential.Store.
func (s *Store) Delete(ctx context.Context, in tenant.Scope, which id.Credential) error {
	return translate(s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		r, err := locked(tx, which)
		if err != nil {
			return err
		}
		// An alias that is being made holds a share lock on the credentials it names, so none is missed here.
		var names []string
		err = tx.Raw(`SELECT a.name FROM aliases a JOIN alias_versions v ON v.org_id = a.org_id AND v.alias_id = a.id AND v.number = a.version
			WHERE EXISTS (SELECT FROM jsonb_path_query(v.route, '$.**.credential') c WHERE c = to_jsonb(?::text)) ORDER BY a.name LIMIT 10`, string(which)).Scan(&names).Error
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return credential.ErrUsed.Say("Aliases use this credential: %s. Point them elsewhere first.", strings.Join(names, ", "))
		}
		// Without it the units of an arm would be served by the control, and still be counted as the arm's.
		err = tx.Raw(`SELECT e.name FROM experiments e WHERE e.live
			AND EXISTS (SELECT FROM jsonb_path_query(e.plan, '$.**.credential') c WHERE c = to_jsonb(?::text)) ORDER BY e.name LIMIT 10`, string(which)).Scan(&names).Error
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return credential.ErrUsed.Say("Running experiments use this credential: %s. Stop them first.", strings.Join(names, ", "))
		}
		if err := tx.Where("id = ?", string(which)).Delete(&row{}).Error; err != nil {
			return err
		}
		if !r.IsDefault {
			return nil
		}
		return tx.Exec(`UPDATE credentials SET is_default = true
			WHERE id = (SELECT id FROM credentials WHERE provider = ? ORDER BY id LIMIT 1)`, r.Provider).Error
	}))
}

// Checked implements credential.Store.
func (s *Store) Checked(ctx context.Context, in tenant.Scope, which id.Credential, verdict credential.Verdict, at time.Time) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Model(&row{}).Where("id = ?", string(which)).UpdateColumns(map[string]any{"last_check": string(verdict), "last_check_at": at}).Error
	})
}

func fromCredential(in tenant.Scope, c credential.Credential) row {
	settings := c.Settings
	if settings == nil {
		settings = map[string]string{} // the column is an object
	}
	return row{
		OrgID: string(in.Org()), ID: string(c.ID), Provider: c.Provider, Name: c.Name, BaseURL: c.BaseURL, Settings: settings, Hint: c.Hint, Version: c.Version,
		Revision: c.Revision, IsDefault: c.Default, Weight: c.Weight, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, CreatedBy: c.CreatedBy,
	}
}

func toCredential(r row) credential.Credential {
	c := credential.Credential{
		ID: id.Credential(r.ID), Provider: r.Provider, Name: r.Name, BaseURL: r.BaseURL, Hint: r.Hint, Version: r.Version, Revision: r.Revision,
		Default: r.IsDefault, Weight: r.Weight, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), CreatedBy: r.CreatedBy, LastCheck: r.LastCheck,
	}
	if len(r.Settings) > 0 {
		c.Settings = r.Settings
	}
	if r.LastCheckAt != nil {
		c.LastCheckAt = r.LastCheckAt.UTC()
	}
	return c
}

func toDEK(r dekRow) credential.DEK {
	return credential.DEK{ID: r.ID, KEK: r.Kek, Wrapped: r.Wrapped}
}

func translate(err error) error {
	var conflict *postgres.Conflict
	switch {
	case errors.Is(err, postgres.ErrNoRow):
		return credential.ErrNotFound.Because(err)
	case errors.As(err, &conflict) && conflict.Constraint == "credentials_name_taken":
		return credential.ErrTaken.Because(err).At("name")
	}
	return err
}
