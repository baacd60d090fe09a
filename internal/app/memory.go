package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector's reserve. A proxy's live heap is small and what its calls leave behind is large, so at Go's default it collects all
// the time: about a tenth of a call's CPU. It is given a fixed reserve instead of a share, so that a process that holds much does
// not take five times as much.
const (
	collectReserve   = 128 << 20   // bytes of garbage before a collection
	collectMax       = 400         // per cent of the live heap, at most
	collectMin       = 100         // Go's default
	collectLookEvery = time.Second // a burst of calls makes the live heap grow within seconds
)

// collectPercent is the garbage that a heap of live bytes may hold before it is collected, in per cent of it.
func collectPercent(live uint64) int {
	if live == 0 {
		return collectMax
	}
	return int(min(max(collectReserve*100/live, collectMin), collectMax))
}

// tuneCollector follows the live heap. An operator who sets GOGC has decided: then it changes nothing. GOMEMLIMIT holds in any case,
// because the runtime collects earlier near that limit whatever the percentage.
func tuneCollector(ctx context.Context) error {
	if _, set := os.LookupEnv("GOGC"); set {
		<-ctx.Done()
		return nil
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	look := time.NewTicker(collectLookEvery)
	defer look.Stop()
	for now := 0; ; {
		metrics.Read(live)
		if want := collectPercent(live[0].Value.Uint64()); want != now {
			debug.SetGCPercent(want)
			now = want
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}
