package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/limit"
	"tollgate/internal/limit/limitmem"
	"tollgate/internal/limit/limitredis"
)

// meter counts rate limits: in memory, or together with other proxies. run, where not nil, runs beside it.
func (h *house) meter(proxy string, log *slog.Logger) (m limit.Meter, run func(context.Context) error, figures []prometheus.Collector, err error) {
	if h.cfg.RedisURL.Empty() {
		return limitmem.New(h.now), nil, nil, nil
	}
	shared, err := limitredis.Open(h.cfg.RedisURL.Reveal(), limitredis.Options{
		Proxy: proxy, Fallback: limitredis.Fallback(h.cfg.LimitsFallback), Proxies: h.cfg.LimitsProxies, Patience: h.cfg.LimitsPatience, Now: h.now, Logger: log,
	})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: REDIS_URL cannot be used", ErrConfig) // the cause may quote the password
	}
	h.undo = append(h.undo, func() { _ = shared.Close() })
	return shared, shared.Run, []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_limits_shared", Help: "1 while rate limits are counted together with other proxies; 0: the fallback holds.",
		}, func() float64 { return flag(shared.Usable()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tollgate_limits_proxies", Help: "Proxies that are known to share rate limits.",
		}, func() float64 { return float64(shared.Living()) }),
	}, nil
}
