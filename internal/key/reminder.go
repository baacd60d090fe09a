package key

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/id"
)

// marks are how long before its expiry a key's people are told, the longest first. A key that lives no longer than a mark is not told of
// at it: who made it knows.
var marks = []struct {
	before time.Duration
	words  string
}{{7 * 24 * time.Hour, "in 7 days"}, {24 * time.Hour, "within a day"}}

// lateTelling is how long after its expiry a key is still told of, if nobody could be told at the time.
const lateTelling = 24 * time.Hour

// overlapMark is how long before the end of an old secret its people are told, where it is still in use.
const overlapMark = time.Hour

// Ending is a key that is about to end, or one whose old secret is.
type Ending struct {
	Org id.Org
	Key Key
}

// EndingStore is what Reminder needs of storage; package keypg provides it.
type EndingStore interface {
	// Endings gives the live keys of every organization that expire in [from, to), with their secrets.
	Endings(ctx context.Context, from, to time.Time) ([]Ending, error)
	// Overlaps gives the live keys of every organization of which a secret ends in [from, to).
	Overlaps(ctx context.Context, from, to time.Time) ([]Ending, error)
}

// Reminder tells people before keys end. Turn is done again and again; what was told is known by its Once.
type Reminder struct {
	store EndingStore
	tell  Tell
	now   func() time.Time
}

// NewReminder makes one.
func NewReminder(store EndingStore, tell Tell, now func() time.Time) *Reminder {
	return &Reminder{store: store, tell: tell, now: now}
}

// Turn tells what is due. What cannot be told stops nothing else, and is told by a later turn.
func (r *Reminder) Turn(ctx context.Context) error {
	now := r.now()
	ending, err := r.store.Endings(ctx, now.Add(-lateTelling), now.Add(marks[0].before))
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range ending {
		if n, due := renewal(&e.Key, now); due {
			failed = append(failed, r.tell(ctx, e.Org, n))
		}
	}
	overlapping, err := r.store.Overlaps(ctx, now, now.Add(overlapMark))
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	for _, e := range overlapping {
		if n, due := lastCall(&e.Key, now); due {
			failed = append(failed, r.tell(ctx, e.Org, n))
		}
	}
	return errors.Join(failed...)
}

// renewal is what is to be told of a key's expiry at now: the nearest mark that has passed.
func renewal(k *Key, now time.Time) (Notice, bool) {
	end := k.ExpiresAt.UTC()
	stamp := end.Format("2 January 2006, 15:04 MST")
	if !now.Before(end) {
		n := k.notice("key.expired", "expired "+end.Format(time.RFC3339), now)
		n.Title = fmt.Sprintf("The key %q has expired", k.Name)
		n.Text = fmt.Sprintf("The key %s expired on %s, and its calls are refused. Set a later expiry on its page if it is still needed.", k.mask(), stamp)
		return n, true
	}
	for i := len(marks) - 1; i >= 0; i-- {
		m := marks[i]
		if end.Sub(now) > m.before || end.Sub(k.CreatedAt) <= m.before {
			continue
		}
		n := k.notice("key.expiring", m.before.String()+" before "+end.Format(time.RFC3339), now)
		n.Title = fmt.Sprintf("The key %q expires %s", k.Name, m.words)
		n.Text = fmt.Sprintf("The key %s expires on %s. From then on its calls are refused. Set a later expiry on its page, or replace it before.", k.mask(), stamp)
		return n, true
	}
	return Notice{}, false
}

// lastCall is what is to be told of an old secret that ends soon and was used since the new one was made.
func lastCall(k *Key, now time.Time) (Notice, bool) {
	for i, s := range k.Secrets {
		if i == 0 || !s.Live(now) || s.NotAfter.IsZero() || s.NotAfter.Sub(now) > overlapMark || !s.LastUsedAt.After(k.Secrets[0].CreatedAt) {
			continue
		}
		n := k.notice("key.rotated", string(s.ID)+" ends "+s.NotAfter.UTC().Format(time.RFC3339), now)
		n.Title = fmt.Sprintf("The old secret of the key %q ends within an hour and is still in use", k.Name)
		n.Text = fmt.Sprintf("The secret %s…%s of the key %q was replaced and ends on %s. It was last used on %s: whoever still has it will be refused. "+
			"Give them the new secret, or cancel the rotation on the key's page.", s.Prefix, s.Last4, k.Name,
			s.NotAfter.UTC().Format("2 January 2006, 15:04 MST"), s.LastUsedAt.UTC().Format("2 January 2006, 15:04 MST"))
		return n, true
	}
	return Notice{}, false
}
