package score

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Late is how long a call's record may take to reach the log: a judgement of a call that began since then is taken although its record
// is not there.
const Late = 15 * time.Minute

// ahead is how far a proxy's clock may be before ours.
const ahead = time.Minute

// Draft is a checked judgement on its way to a Store.
type Draft struct {
	Score
	Team  id.Team // the call must be of this team; "": of any
	Fresh bool    // the call's record may still be on its way
}

// Store is what Service needs from storage; package scorepg provides it.
type Store interface {
	// Put stores judgements, none two of one call, name, source and author, and sets their ID, and Pending. refused tells for each
	// whether it was refused, with ErrNoCall: its call is not in the log and not Fresh, or of another organization or team.
	Put(ctx context.Context, in tenant.Scope, drafts []Draft) (refused []error, err error)
	// Scores are those of a call, oldest first. ErrNoCall: there is neither a call nor a score.
	Scores(ctx context.Context, in tenant.Scope, call id.Call) ([]Score, error)
	// Delete removes one, or fails with ErrNotFound.
	Delete(ctx context.Context, in tenant.Scope, call id.Call, which id.Score) error
}

// Service takes and tells judgements.
type Service struct {
	store Store
	now   func() time.Time
	pace  pace
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, pace: pace{buckets: map[id.Org]*bucket{}}}
}

// Result is what became of one judgement: Err, or the score.
type Result struct {
	Score Score
	Err   error
}

// Put stores judgements, at most BatchMax. Each is judged by itself: one that is refused holds up no other. The error is for all of
// them, and then none is stored: ErrTooMany, ErrTooFast.
func (s *Service) Put(ctx context.Context, in tenant.Scope, list []New) ([]Result, error) {
	now := s.now().UTC().Truncate(time.Microsecond)
	switch {
	case len(list) > BatchMax:
		return nil, ErrTooMany
	case !s.pace.take(in.Org(), len(list), now):
		return nil, ErrTooFast
	}
	results := make([]Result, len(list))
	drafts, place := draft(in, list, now, results)
	if len(drafts) == 0 {
		return results, nil
	}
	refused, err := s.store.Put(ctx, in, drafts)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i].Err != nil {
			continue
		}
		at := place[i]
		results[i].Err = refused[at]
		if results[i].Err == nil {
			results[i].Score = drafts[at].Score
		}
	}
	return results, nil
}

// draft checks judgements. Of several of one name, source and author the last counts; place says which draft stands for each.
func draft(in tenant.Scope, list []New, now time.Time, results []Result) (drafts []Draft, place []int) {
	type same struct {
		call         id.Call
		name, author string
		source       Source
	}
	seen := map[same]int{}
	place = make([]int, len(list))
	for i, n := range list {
		if err := n.check(); err != nil {
			results[i].Err = err
			continue
		}
		if n.Author == "" {
			n.Author = in.Actor().ID()
		}
		d := Draft{Team: n.Team, Score: Score{
			ID: id.Score(id.New("score")), Call: n.Call, Name: n.Name, Kind: n.Kind, Value: n.Value, Text: n.Text, Source: n.Source, Author: n.Author, At: now,
		}}
		began := n.Call.Time()
		d.Fresh = began.After(now.Add(-Late)) && began.Before(now.Add(ahead))
		key := same{n.Call, n.Name, n.Author, n.Source}
		at, twice := seen[key]
		if twice {
			drafts[at] = d
		} else {
			at = len(drafts)
			drafts = append(drafts, d)
			seen[key] = at
		}
		place[i] = at
	}
	return drafts, place
}

// Scores are those of a call, oldest first. A call that is too young to be in the log has none yet.
func (s *Service) Scores(ctx context.Context, in tenant.Scope, call id.Call) ([]Score, error) {
	return s.store.Scores(ctx, in, call)
}

// Delete removes a score of a call.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, call id.Call, which id.Score) error {
	return s.store.Delete(ctx, in, call, which)
}
