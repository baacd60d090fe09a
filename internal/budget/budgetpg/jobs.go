package budgetpg

import (
	"context"
	"time"

	"tollgate/internal/budget"
)

// Keeper looks after the books from time to time; a worker has one.
type Keeper struct {
	ledger *Ledger
	now    func() time.Time
	since  time.Time // calls that settled before were compared
	whole  time.Time // when all entries are gone over next
}

// NewKeeper makes a Keeper.
func NewKeeper(ledger *Ledger, now func() time.Time) *Keeper {
	return &Keeper{ledger: ledger, now: now}
}

// Windows finalises windows that are over, and forgets the entries of those that were long ago.
func (k *Keeper) Windows(ctx context.Context) error {
	for {
		closed, err := k.ledger.Finalise(ctx, k.now())
		if err != nil {
			return err
		}
		if closed < closeMax {
			break
		}
	}
	_, err := k.ledger.Retire(ctx, k.now())
	return err
}

const (
	wholeEvery = 6 * time.Hour    // all entries are gone over
	overlap    = 15 * time.Minute // of one comparison with the next: an ingest may take long to commit
)

// Books goes over the books. A difference is an alarm: it must never be.
func (k *Keeper) Books(ctx context.Context) error {
	now := k.now()
	verify := func(ctx context.Context) (budget.Audit, error) { return k.ledger.VerifySince(ctx, k.since) }
	whole := !now.Before(k.whole)
	if whole {
		verify = k.ledger.VerifyAll
	}
	audit, err := verify(ctx)
	if err != nil {
		return err
	}
	if k.since = now.Add(-overlap); whole {
		k.whole = now.Add(wholeEvery)
	}
	for i := range min(len(audit.Differences), 10) {
		d := &audit.Differences[i]
		k.ledger.log.Error("the books of a budget are wrong", "rule", d.Rule, "org", d.Org, "budget", d.Budget, "pot", d.Pot, "what", d.Text())
	}
	if audit.Count > 0 {
		k.ledger.log.Error("the books of budgets do not add up: see `tollgate budget verify`", "differences", audit.Count)
	}
	k.ledger.drift.Store(int64(audit.Count))
	return nil
}
