package scorepg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
)

// toldMax is how many scores of one call are told. Names are the client's, so that there may be any number.
const toldMax = 1000

// Scores implements score.Store: the first toldMax. A score of another team's key that came before the call's record is not the call's.
func (s *Store) Scores(ctx context.Context, in tenant.Scope, which id.Call) ([]score.Score, error) {
	var got []score.Score
	found := false
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		known, err := calls(ctx, tx, in, []score.Draft{{Score: score.Score{Call: which}}})
		if err != nil {
			return err
		}
		c, here := known[which]
		rows, err := tx.Query(ctx, `SELECT id, name, kind, coalesce(value, 0), text, source, author, at FROM scores
			WHERE org_id = $1 AND call_id = $2 AND (NOT $3 OR team_id IN ('', $4)) ORDER BY at, id LIMIT $5`,
			string(in.Org()), [16]byte(which), here, string(c.team), toldMax)
		if err != nil {
			return err
		}
		got, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (score.Score, error) {
			n := score.Score{Call: which, Pending: !here}
			err := row.Scan((*string)(&n.ID), &n.Name, (*string)(&n.Kind), &n.Value, &n.Text, (*string)(&n.Source), &n.Author, &n.At)
			n.At = n.At.UTC()
			return n, err
		})
		found = here || len(got) > 0
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("scores of a call: %w", err)
	}
	if !found {
		return nil, score.ErrNoCall
	}
	return got, nil
}

// Delete implements score.Store.
func (s *Store) Delete(ctx context.Context, in tenant.Scope, call id.Call, which id.Score) error {
	gone := false
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM scores WHERE org_id = $1 AND call_id = $2 AND id = $3`, string(in.Org()), [16]byte(call), string(which))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		gone = true
		hour := []time.Time{call.Time()}
		return marks{experiments: hour, prompts: hour}.write(ctx, tx, in)
	})
	if err != nil {
		return fmt.Errorf("delete score: %w", err)
	}
	if !gone {
		return score.ErrNotFound
	}
	return nil
}

// Retire removes the scores of calls that the log has dropped. Their hours are not computed again: the calls are not there any more.
func (s *Store) Retire(ctx context.Context) (removed int64, err error) {
	err = s.db.InSystemPgx(ctx, "scores go with their calls", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM scores WHERE started_at < (SELECT since FROM calls_kept)`)
		removed = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove scores: %w", err)
	}
	return removed, nil
}
