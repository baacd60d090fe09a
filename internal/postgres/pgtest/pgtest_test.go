package pgtest_test

import (
	"testing"

	"gorm.io/gorm"

	"tollgate/internal/postgres/pgtest"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, two := pgtest.New(t), pgtest.New(t)
	in, team := pgtest.Org(t, one, "Acme")
	count := func(tx *gorm.DB, n *int64) error { return tx.Table("teams").Where("id = ?", team).Count(n).Error }
	var here, there int64
	if err := one.InTenant(t.Context(), in, func(tx *gorm.DB) error { return count(tx, &here) }); err != nil {
		t.Fatal(err)
	}
	if err := two.InTenant(t.Context(), in, func(tx *gorm.DB) error { return count(tx, &there) }); err != nil {
		t.Fatal(err)
	}
	if here != 1 || there != 0 {
		t.Errorf("rows: %d in the first database, %d in the second; want 1 and 0", here, there)
	}
}
