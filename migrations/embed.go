// Package migrations holds the schema: NNNNN_noun.sql, one file up and down, applied in order by postgres.Migrate.
//
// The first migration makes the tenant wall (roles and the functions that raise it); every later table stands behind
// it. Tables are forced to obey their row policies even for their owner, and the owner has no policy: a migration that
// reads or writes rows says SET LOCAL ROLE tollgate_system first.
package migrations

import "embed"

// FS is every migration.
//
//go:embed *.sql
var FS embed.FS
