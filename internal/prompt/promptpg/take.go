package promptpg

import (
	"gorm.io/gorm"

	"tollgate/internal/id"
)

// Try implements prompt.Desk.
func (d *desk) Try(fn func() error) error {
	outer, was := d.tx, d.err
	err := outer.Transaction(func(tx *gorm.DB) error { // inside a transaction this is a savepoint
		d.tx = tx
		if err := fn(); err != nil {
			return err
		}
		return d.err
	})
	d.tx = outer
	if err != nil {
		d.err = was
	}
	return err
}

// Numbers implements prompt.Desk.
func (d *desk) Numbers(which id.Prompt, hash string) (out []int, err error) {
	err = d.tx.Raw(`SELECT number FROM prompt_versions WHERE prompt_id = ? AND hash = ? ORDER BY number`, string(which), hash).Scan(&out).Error
	return out, err
}
