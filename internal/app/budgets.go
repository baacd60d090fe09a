package app

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/id"
)

// bootIDFile names this boot of the machine: what a killed process had written is still there only while it lasts.
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// boot is this boot of the machine; "": not known.
func boot() string {
	raw, err := os.ReadFile(bootIDFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// newBook makes the leases of a data plane, held in the name of its spool's proxy.
func (h *house) newBook(calls *spool.Spool, log *slog.Logger) *lease.Book {
	authority := budgetpg.NewAuthority(h.db)
	return lease.New(lease.Deps{
		Authority: authority,
		Holder:    lease.Holder{ID: id.NewHolder(), Proxy: calls.Proxy(), Boot: boot()},
		Now:       h.now,
		Logger:    log,
		Listen:    authority.Listen,
	}, lease.Config{})
}

// succeedEvery is how often it is looked whether all that earlier runs wrote is in the log.
const succeedEvery = 500 * time.Millisecond

// succeed gives back what earlier runs of this proxy held of budgets and did not spend, once all that they wrote is in the call log.
// Where something of it was lost the money stays held: nobody knows whether it was spent.
func (d *dataPlane) succeed(ctx context.Context) error {
	for ctx.Err() == nil {
		shipped, whole := d.calls.Inherited()
		if !whole {
			d.log.Warn("budget: records of an earlier run were lost or set aside; what it held stays held until its windows are over, or `tollgate budget reconcile`")
			<-ctx.Done()
			return nil
		}
		if shipped {
			if err := d.book.Succeed(ctx); err == nil {
				<-ctx.Done()
				return nil
			}
		}
		if sleep(ctx, succeedEvery) != nil {
			return nil
		}
	}
	return nil
}

// budgetFigures are those of leases. Round trips by reservations is what admission costs the database.
func budgetFigures(b *lease.Book) []prometheus.Collector {
	count := func(name, help string, read func(lease.Figures) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read(b.Figures())) })
	}
	return []prometheus.Collector{
		count("tollgate_budget_reservations_total", "Attempts under a budget for which room was asked.", func(f lease.Figures) int64 { return f.Reservations }),
		count("tollgate_budget_exchanges_total", "Round trips to the authority of budgets.", func(f lease.Figures) int64 { return f.Exchanges }),
		count("tollgate_budget_exchange_failures_total", "Of these, without an answer.", func(f lease.Figures) int64 { return f.Failures }),
		count("tollgate_budget_misses_total", "Attempts that found too little in hand.", func(f lease.Figures) int64 { return f.Misses }),
		count("tollgate_budget_waits_total", "Attempts that waited for room and got it.", func(f lease.Figures) int64 { return f.Waits }),
		count("tollgate_budget_refusals_total", "Attempts for which a budget had no room.", func(f lease.Figures) int64 { return f.Refusals }),
		count("tollgate_budget_overruns_total", "Attempts that cost more than their bound: each is a defect.", func(f lease.Figures) int64 { return f.Overruns }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_budget_idle_nano_usd", Help: "Money in hand that no call holds.",
		}, func() float64 { idle, _ := b.Held(); return float64(idle) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_budget_open_nano_usd", Help: "The most that calls under way can cost.",
		}, func() float64 { _, open := b.Held(); return float64(open) }),
	}
}

// ledgerFigure is the alarm of the ledger.
func ledgerFigure(drift func() int64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tollgate_budget_ledger_differences", Help: "What does not add up in the books of budgets, by the last verification: it must be 0.",
	}, func() float64 { return float64(drift()) })
}
