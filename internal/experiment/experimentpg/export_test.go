package experimentpg

import "context"

var Fill = fill

// Step is called before each of the steps of Recompute.
func (s *Store) Step(fn func(ctx context.Context, n int) error) { s.step = fn }
