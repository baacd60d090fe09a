package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/http"
	_ "net/http/pprof"
	"os"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/egress"
	"tollgate/internal/gateway"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/snapshot"
)

func TestZZServe(t *testing.T) {
	addr := os.Getenv("TG_SERVE")
	if addr == "" {
		return
	}
	w := newWorld(t)
	w.connectURL("openai", "http://"+os.Getenv("TG_UP")+"/v1")
	w.alias("bench", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	os.WriteFile("/tmp/bb/key", []byte(w.secret), 0o600)
	lg := slog.New(slog.NewTextHandler(io.Discard, nil))
	sp, err := spool.Open(t.TempDir(), spool.Options{Now: time.Now, Logger: lg, QuotaBytes: 2 << 30})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			b, err := sp.Next(context.Background(), 5000, 200*time.Millisecond)
			if err != nil {
				return
			}
			_ = sp.Done(b)
		}
	}()
	snap := snapshot.New(1, time.Now(), []*snapshot.Org{w.org}, w.keys)
	gw := gateway.New(gateway.Deps{
		Snapshots: func() *snapshot.Snapshot { return snap }, Log: sp, Hash: w.hasher.Hash, Vendors: catalog.Vendor, Dialects: catalog.Dialect,
		Transport: gateway.NewTransport(egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})), Sandbox: sandboxOf(), Now: time.Now, Logger: lg,
	}, gateway.Config{Proxy: sp.Proxy()})
	ln, _ := net.Listen("tcp", addr)
	go http.ListenAndServe("127.0.0.1:6060", nil)
	gateway.NewServer(gw, lg).Serve(ln)
}
