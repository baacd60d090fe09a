package gateway

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tollgate/internal/health"
)

// metrics are the data plane's figures. No label names an organization, a key or a model: what is measured is the service.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	attempts *prometheus.CounterVec
	overhead prometheus.Histogram
	streams  prometheus.Gauge
	unlogged prometheus.Counter

	ejections *prometheus.CounterVec
	spent     prometheus.Counter
	refused   *prometheus.CounterVec
	cache     *prometheus.CounterVec
	cuts      prometheus.Counter
	limits    *prometheus.CounterVec
	limited   *prometheus.CounterVec
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
	m.ejections = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_ejections_total", Help: "Breakers that opened, by provider.",
	}, []string{"provider"})
	m.spent = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tollgate_repeats_refused_total", Help: "Repeats at one target that were not made because the allowance was spent.",
	})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_shed_total", Help: "Calls refused because the process had no room, by priority.",
	}, []string{"priority"})
	m.cache = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_cache_total", Help: "Calls to routes that keep answers, by whether one was kept.",
	}, []string{"result"})
	m.limits = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_limit_checks_total", Help: "Calls under a limit, by how they were counted: shared, local-share or open.",
	}, []string{"mode"})
	m.limited = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_limited_total", Help: "What limits did to calls.",
	}, []string{"metric", "did"})
	m.cuts = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tollgate_cut_calls_total", Help: "Calls that were ended because their key or its secret was taken out of use.",
	})
	m.registry.MustRegister(m.cuts, m.limits, m.limited, m.cache, m.calls, m.attempts, m.overhead, m.streams, m.unlogged, m.ejections, m.spent, m.refused, targets{g},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_calls_under_way", Help: "Calls that were taken on and have not ended.",
		}, func() float64 { return float64(g.limiter.inFlight.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_cache_bytes", Help: "Memory of kept answers.",
		}, func() float64 { return float64(g.kept.bytes()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_calls_limit", Help: "Calls that may be under way at once.",
		}, func() float64 { return float64(g.limiter.limit.Load()) }),
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

func (m *metrics) shed(p priority) {
	m.refused.WithLabelValues([...]string{low: "low", normal: "normal", high: "high"}[p]).Inc()
}

// targets tells, by provider, of the targets that were asked lately.
type targets struct{ g *Gateway }

var (
	targetsKnown   = prometheus.NewDesc("tollgate_targets", "Targets (an organization's model at a provider, by a credential) asked lately.", []string{"provider"}, nil)
	targetsEjected = prometheus.NewDesc("tollgate_targets_ejected", "Of these, those whose breaker is open.", []string{"provider"}, nil)
)

// Describe implements prometheus.Collector.
func (targets) Describe(to chan<- *prometheus.Desc) {
	to <- targetsKnown
	to <- targetsEjected
}

// Collect implements prometheus.Collector.
func (t targets) Collect(to chan<- prometheus.Metric) {
	type figures struct{ all, open float64 }
	known := map[string]figures{}
	t.g.Health.Each(t.g.Now(), func(s *health.Seen) {
		f := known[s.Provider]
		f.all++
		if s.Open {
			f.open++
		}
		known[s.Provider] = f
	})
	for provider, f := range known {
		to <- prometheus.MustNewConstMetric(targetsKnown, prometheus.GaugeValue, f.all, provider)
		to <- prometheus.MustNewConstMetric(targetsEjected, prometheus.GaugeValue, f.open, provider)
	}
}
