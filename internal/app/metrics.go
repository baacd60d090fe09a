package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tollgate/internal/calllog/ship"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/snapshot"
)

// metrics serves the figures of all parts on an address of their own: they say how much the service is used, which is nobody's
// business on the address that applications reach.
func (h *house) metrics(ctx context.Context) ([]service, error) {
	if h.cfg.MetricsAddr == "" {
		return nil, nil
	}
	l, err := h.listen(ctx, "the metrics", h.cfg.MetricsAddr, "TOLLGATE_METRICS_ADDR")
	if err != nil {
		return nil, err
	}
	if len(h.figures) == 0 { // a process without a data plane tells about itself
		own := prometheus.NewRegistry()
		own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		h.figures = append(h.figures, own)
	}
	h.onWeb = append(h.onWeb, fmt.Sprintf("metrics    http://%s/metrics", l.Addr()))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers(h.figures), promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	return []service{{"metrics", behind, serve(l, srv, h.log.With("part", "metrics"), time.Second, nil)}}, nil
}

// dataPlaneFigures are those of a proxy's snapshot, spool and shipper. Gauges are read when they are asked for.
func dataPlaneFigures(f *snapshot.Follower, calls *spool.Spool, shipper *ship.Shipper) []prometheus.Collector {
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	count := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read)
	}
	return []prometheus.Collector{
		gauge("tollgate_snapshot_revision", "Revision of the configuration in force.", func() float64 { return float64(f.Status().Rev) }),
		gauge("tollgate_snapshot_unconfirmed_seconds", "How far the configuration in force may be behind: time since its source last answered.",
			func() float64 { return f.Age().Seconds() }),
		gauge("tollgate_snapshot_stale", "1 when that is so long that somebody should look.", func() float64 { return flag(f.Stale()) }),
		gauge("tollgate_snapshot_refused", "1 while the source's configuration is refused because most keys have vanished from it.",
			func() float64 { return flag(f.Status().Held != nil) }),
		gauge("tollgate_snapshot_bad_objects", "Keys, credentials and aliases that hold in an older form, or not at all.",
			func() float64 { return float64(len(f.Status().Bad)) }),
		gauge("tollgate_snapshot_keys", "Virtual keys held.", func() float64 {
			if s := f.Snapshot(); s != nil {
				return float64(s.Keys())
			}
			return 0
		}),
		gauge("tollgate_spool_bytes", "Disk that call records take.", func() float64 { used, _ := calls.Fill(); return float64(used) }),
		gauge("tollgate_spool_quota_bytes", "Disk that they may take.", func() float64 { _, quota := calls.Fill(); return float64(quota) }),
		gauge("tollgate_spool_healthy", "1 when calls can be logged; without a log there is no call.", func() float64 { return flag(calls.Healthy() == nil) }),
		count("tollgate_records_shipped_total", "Call records stored in the call log.", func() float64 { shipped, _ := shipper.Counts(); return float64(shipped) }),
		count("tollgate_records_aside_total", "Call records that the call log refused; they lie in the spool's quarantine.",
			func() float64 { _, aside := shipper.Counts(); return float64(aside) }),
	}
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
