//go:build race

package stat_test

// scaled: the race detector looks for races, not for rare events.
func scaled(n int) int { return min(n, max(n/100, 128)) }
