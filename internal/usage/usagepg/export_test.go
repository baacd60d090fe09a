package usagepg

import "context"

// Step is called before each of the five steps of Recompute.
func (s *Store) Step(fn func(ctx context.Context, n int) error) { s.step = fn }
