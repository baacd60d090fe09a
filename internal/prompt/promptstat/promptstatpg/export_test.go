package promptstatpg

import "context"

// At stops Recompute before its steps; tests only.
func (s *Store) At(step func(ctx context.Context, n int) error) { s.step = step }
