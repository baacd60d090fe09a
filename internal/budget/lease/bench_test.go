package lease_test

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/budget/lease/leasetest"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// BenchmarkAdmission measures what budgets add to one call, as the gateway makes it: held before, announced, charged and settled. The
// call falls into six pots, of three budgets with two periods each. Percentiles are of each call by itself, in microseconds.
//
//	go test -run '^$' -bench Admission -benchtime 200000x ./internal/budget/lease
func BenchmarkAdmission(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d", callers), func(b *testing.B) {
			book, shares := sixPots()
			took := make([][]time.Duration, callers)
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for n := range callers {
				all.Go(func() { took[n] = admit(b, book, shares, b.N/callers+1) })
			}
			all.Wait()
			b.StopTimer()
			sorted := slices.Concat(took...)
			slices.Sort(sorted)
			for name, of := range map[string]int{"p50-us": 500, "p99-us": 990, "p99.9-us": 999} {
				b.ReportMetric(float64(sorted[len(sorted)*of/1000].Nanoseconds())/1000, name)
			}
			b.ReportMetric(float64(book.Figures().Exchanges), "exchanges")
		})
	}
}

func sixPots() (*lease.Book, []lease.Share) {
	auth := leasetest.New(time.Now)
	var shares []lease.Share
	for _, name := range []id.Budget{"bud_org", "bud_team", "bud_key"} {
		one := &budget.Budget{ID: name, Mode: budget.Block, Limits: []budget.Limit{{Period: budget.Day, Amount: 1 << 60}, {Period: budget.Month, Amount: 1 << 60}}}
		auth.Add(one)
		shares = append(shares, lease.Share{Budget: one})
	}
	book := lease.New(lease.Deps{Authority: auth, Holder: lease.Holder{ID: id.NewHolder()}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, lease.Config{})
	return book, shares
}

// admit makes calls one after another, and gives how long each took.
func admit(b *testing.B, book *lease.Book, shares []lease.Share, calls int) []time.Duration {
	took := make([]time.Duration, calls)
	charges := make([]calllog.Charge, 0, 8)
	for i := range took {
		var h lease.Hold
		began := time.Now()
		if err := book.Reserve(b.Context(), &h, lease.Claim{Org: "org_a", Shares: shares, Amount: 1000}); err != nil {
			b.Error(err)
			return took[:1]
		}
		charges = h.Charges(charges[:0])
		h.Announced()
		h.Conclude(500)
		charges = h.Charges(charges[:0])
		h.Settle()
		took[i] = time.Since(began)
	}
	return took
}
