// Command compare measures Tollgate beside its references in one run and prints ratios:
//
//	direct        the generator straight at the mock provider (latency only)
//	reverseproxy  net/http and httputil.ReverseProxy, tuned: what everything is divided by
//	relay         a hand-written HTTP/1.1 relay: about the least a Go program can do
//	tollgate      cmd/tollgate with everything on: key check, alias, prices, call log to Postgres, metrics
//
// Targets alternate within each round and medians over the rounds are compared, because a shared machine drifts. Where there are two
// cores and taskset, the target has one to itself and mock, generator and database share the other.
//
//	go run ./bench/cmd/compare [-rounds 3] [-seconds 3] [-json bench.json]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// budget bounds the whole run.
const budget = 10 * time.Minute

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 3, "rounds; medians are compared")
	seconds := flag.Int("seconds", 3, "measured seconds of each workload")
	out := flag.String("json", "", "also write the figures to this file")
	keep := flag.Bool("keep", false, "keep the temporary folder with binaries and logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	if err := run(ctx, *rounds, *seconds, *out, *keep); err != nil {
		log.Fatalf("compare: %v", err)
	}
}

func run(ctx context.Context, rounds, seconds int, out string, keep bool) error {
	dir, err := os.MkdirTemp("", "tollgate-bench-")
	if err != nil {
		return err
	}
	if keep {
		log.Printf("logs in %s", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	bins := filepath.Join(dir, "bin")
	if err := build(ctx, bins); err != nil {
		return err
	}
	figures := newFigures()
	lean := &lab{dir: filepath.Join(dir, "memory"), bins: bins, seconds: seconds, env: []string{leanCollector}}
	if err := weigh(ctx, lean, figures); err != nil {
		return err
	}
	l := &lab{dir: filepath.Join(dir, "speed"), bins: bins, seconds: seconds}
	defer l.close()
	if err := l.open(ctx); err != nil {
		return err
	}
	for round := range rounds {
		for _, w := range workloads {
			if err := l.round(ctx, w, round, figures); err != nil {
				return err
			}
		}
	}
	report := figures.report(l.pinned)
	fmt.Print(report.table())
	if out == "" {
		return nil
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(b, '\n'), 0o644)
}

// weigh measures memory, in processes of its own.
func weigh(ctx context.Context, l *lab, into *figures) error {
	defer l.close()
	if err := l.open(ctx); err != nil {
		return err
	}
	return l.memory(ctx, into)
}
