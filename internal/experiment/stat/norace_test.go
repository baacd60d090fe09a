//go:build !race

package stat_test

func scaled(n int) int { return n }
