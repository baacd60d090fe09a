package gateway

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the data plane's figures. No label names an organization, a key or a model: what is measured is the service.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	attempts *prometheus.CounterVec
	overhead prometheus.Histogram
	streams  prometheus.Gauge
	unlogged prometheus.Counter
}

func newMetrics(g *Gateway) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tollgate_calls_total", Help: "Model calls by the provider that answered last and by how they ended.",
		}, []string{"provider", "outcome"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tollgate_attempts_total", Help: "Requests to providers by result.",
		}, []string{"provider", "result"}),
		overhead: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tollgate_overhead_seconds", Help: "A call's time less what was spent waiting for the provider and the client.",
			Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .05, .25},
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tollgate_open_streams", Help: "Streamed calls under way.",
		}),
		unlogged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tollgate_final_failures_total", Help: "Ends of calls that could not be written to the call log.",
		}),
	}
	m.registry.MustRegister(m.calls, m.attempts, m.overhead, m.streams, m.unlogged,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_snapshot_age_seconds", Help: "Age of the configuration that calls are served with.",
		}, func() float64 {
			if s := g.Snapshots(); s != nil {
				return g.Now().Sub(s.Taken).Seconds()
			}
			return -1
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_ready", Help: "1 when calls are served.",
		}, func() float64 {
			if g.ready() == nil {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_drains", Help: "Answers that are read on without their client.",
		}, func() float64 { return float64(len(g.drains)) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registry is where other parts of the process register their figures.
func (g *Gateway) Registry() *prometheus.Registry { return g.metrics.registry }

// Metrics serves the figures. It belongs on an operator's listener, not on the public one.
func (g *Gateway) Metrics() http.Handler {
	return promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{})
}

func (m *metrics) observe(c *Call) {
	m.calls.WithLabelValues(c.Record.Provider, string(c.Outcome.how)).Inc()
	m.overhead.Observe(c.Record.Overhead.Seconds())
}

func (m *metrics) attempt(vendor, class string) {
	if class == "" {
		class = "ok"
	}
	m.attempts.WithLabelValues(vendor, class).Inc()
}
