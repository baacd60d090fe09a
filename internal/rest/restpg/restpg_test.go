package restpg_test

import (
	"testing"

	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/rest/restpg"
	"tollgate/internal/rest/resttest"
)

func TestARequestIsRememberedOncePerOrganization(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "a")
	b, _ := pgtest.Org(t, db, "b")
	resttest.ExerciseLedger(t, restpg.New(db), a, b)
}
