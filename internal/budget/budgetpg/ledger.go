package budgetpg

import (
	"log/slog"
	"sync/atomic"

	"tollgate/internal/postgres"
)

// Ledger keeps the books of budgets: it closes windows, checks that everything adds up, and corrects by the providers' own figures. What
// calls were charged is settled by ingest itself (function budget_settle of migration 17), in the transaction that brings them into the
// log: so each is counted once.
type Ledger struct {
	db    *postgres.DB
	log   *slog.Logger
	drift atomic.Int64
}

// NewLedger makes a Ledger.
func NewLedger(db *postgres.DB, log *slog.Logger) *Ledger { return &Ledger{db: db, log: log} }

// Drift is how many differences the last verification by a Keeper of this ledger found. It must be 0.
func (l *Ledger) Drift() int64 { return l.drift.Load() }
