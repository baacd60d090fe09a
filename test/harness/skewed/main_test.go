package main

import (
	"testing"
	"time"
)

func TestOnlyTheWallClockIsWrong(t *testing.T) {
	for _, by := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		now := time.Now()
		got := wrong(now, by)
		if wall := got.Round(0).Sub(now.Round(0)); wall != by {
			t.Errorf("the wall clock is wrong by %s, want %s", wall, by)
		}
		if apart := got.Sub(now); apart != 0 {
			t.Errorf("the monotonic clock is wrong by %s", apart)
		}
	}
}
