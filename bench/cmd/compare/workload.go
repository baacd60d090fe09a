package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strconv"
	"time"

	"tollgate/bench/internal/procstat"
)

// workload is one kind of load and the figures that are read from it.
type workload struct {
	name    string
	args    []string
	latency bool // open loop: percentiles count, and the direct way is measured too
	figures []figure
}

// figure is one number with its target, as a ratio to the reverse proxy. limit 0: none is set.
type figure struct {
	name  string
	unit  string
	limit float64
	read  func(result) float64
}

var workloads = []workload{
	{name: "1 KB calls", args: []string{"-c", "32"}, figures: []figure{
		{"CPU a call, 1 KB", "µs", 1.5, func(r result) float64 { return r.own().PerReq }},
		{"CPU a call, 1 KB, with database", "µs", 0, func(r result) float64 { return r.tree().PerReq }},
	}},
	{name: "100-chunk streams", args: []string{"-c", "16", "-stream", "-mock", "chunks=100", "-expect-chunks", "100"}, figures: []figure{
		{"CPU a streamed chunk", "µs", 1.3, func(r result) float64 { return r.own().PerChunk }},
	}},
	{name: "200 KB prompts", args: []string{"-c", "8", "-prompt-bytes", "200000"}, figures: []figure{
		{"CPU a call, 200 KB", "µs", 2, func(r result) float64 { return r.own().PerReq }},
	}},
	{name: "1,000 calls/s", args: []string{"-rate", "1000", "-c", "512"}, latency: true, figures: []figure{
		{"p50 at 1,000 calls/s", "µs", 0, func(r result) float64 { return r.Latency.P50 }},
		{"p99 at 1,000 calls/s", "µs", 2, func(r result) float64 { return r.Latency.P99 }},
	}},
}

// result is what the generator prints, as far as it is read here.
type result struct {
	OK       int64            `json:"ok"`
	Requests int64            `json:"requests"`
	Errors   map[string]int64 `json:"errors"`
	Sample   string           `json:"error_sample"`
	Steal    float64          `json:"steal_pct"`
	Latency  struct {
		P50 float64 `json:"p50_us"`
		P99 float64 `json:"p99_us"`
	} `json:"latency"`
	Procs map[string]struct {
		PerReq   float64 `json:"cpu_us_per_req"`
		PerChunk float64 `json:"cpu_us_per_chunk"`
		PeakKB   float64 `json:"rss_peak_kb"`
	} `json:"procs"`
}

type usage = struct {
	PerReq   float64 `json:"cpu_us_per_req"`
	PerChunk float64 `json:"cpu_us_per_chunk"`
	PeakKB   float64 `json:"rss_peak_kb"`
}

func (r result) own() usage  { return r.Procs["own"] }
func (r result) tree() usage { return r.Procs["tree"] }

// load runs the generator once.
func (l *lab) load(ctx context.Context, t *target, args []string) (result, error) {
	all := append([]string{l.bin("loadgen"), "-url", t.url, "-model", t.model, "-d", strconv.Itoa(l.seconds) + "s"}, args...)
	for _, h := range t.headers {
		all = append(all, "-H", h)
	}
	if t.pid != 0 {
		all = append(all, "-pid", fmt.Sprintf("own=%d!", t.pid), "-pid", fmt.Sprintf("tree=%d", t.pid))
	}
	if l.pinned {
		all = append([]string{"taskset", "-c", otherCore}, all...)
	}
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	var r result
	if jsonErr := json.Unmarshal(b, &r); jsonErr != nil {
		return r, fmt.Errorf("%s: %w: %s", t.name, err, b)
	}
	if failed := r.Requests - r.OK; failed > r.Requests/1000 {
		return r, fmt.Errorf("%s: %d of %d calls failed: %v %s", t.name, failed, r.Requests, r.Errors, r.Sample)
	}
	return r, nil
}

// settle lets what a run left behind (the shipping of its records) end before the next.
const settle = 1500 * time.Millisecond

// round runs one workload at every target. Odd rounds go backwards, so that no target always follows the same one.
func (l *lab) round(ctx context.Context, w workload, round int, into *figures) error {
	for i := range l.targets {
		t := l.targets[i]
		if round%2 == 1 {
			t = l.targets[len(l.targets)-1-i]
		}
		if t.name == "direct" && !w.latency {
			continue
		}
		log.Printf("round %d: %s: %s", round+1, w.name, t.name)
		r, err := l.load(ctx, t, w.args)
		if err != nil {
			return err
		}
		into.steal = max(into.steal, r.Steal)
		for _, f := range w.figures {
			into.add(f, t.name, f.read(r))
		}
		if err := rest(ctx, settle); err != nil {
			return err
		}
	}
	return nil
}

// openStreams is how many streams are held open to weigh them.
const openStreams = 200

// leanCollector is the setting under which memory is measured, the same for every target: at the default a collector keeps a reserve
// of the size of the heap or more, which hides 200 streams or multiplies them, as it happens.
const leanCollector = "GOGC=5"

// warmUp pages in the code of calls and streams and fills the pools. It has few open at once, so that the streams need new memory.
var warmUp = [][]string{{"-c", "4", "-n", "2000"}, {"-c", "4", "-n", "200", "-stream", "-mock", "chunks=20"}}

// memory weighs an open stream, for every target in the same way: the resident set's median while 200 slow streams are open, less what
// it was at rest before, divided by 200. BenchmarkOpenStream of internal/gateway tells live heap and stacks alone.
func (l *lab) memory(ctx context.Context, into *figures) error {
	f := figure{name: "memory an open stream (GOGC=5)", unit: "KB"}
	all := figure{name: "resident set with 200 (GOGC=5)", unit: "MB"}
	for _, t := range l.targets {
		if t.pid == 0 {
			continue
		}
		log.Printf("memory: %s", t.name)
		for _, warm := range warmUp {
			if _, err := l.load(ctx, t, warm); err != nil {
				return err
			}
		}
		before, err := atRest(ctx, t.pid)
		if err != nil {
			return err
		}
		during := watchRSS(ctx, t.pid, 1500*time.Millisecond)
		streams := []string{"-stream", "-mock", "chunks=60,delay=50ms", "-c", strconv.Itoa(openStreams), "-warmup", "1s"}
		_, err = l.load(ctx, t, streams)
		with := during()
		if err != nil {
			return err
		}
		into.add(f, t.name, max(with-before, 0)/openStreams)
		into.add(all, t.name, with/1024)
	}
	return nil
}

// atRest waits until the resident set stands still (within 1 % for three seconds, at most twenty) and gives it in KB.
func atRest(ctx context.Context, pid int) (float64, error) {
	last, still := float64(procstat.RSS([]int{pid})), 0
	for range 20 {
		if err := rest(ctx, time.Second); err != nil {
			return 0, err
		}
		now := float64(procstat.RSS([]int{pid}))
		if still++; now < last*0.99 || now > last*1.01 {
			last, still = now, 0
		}
		if still == 3 {
			return now, nil
		}
	}
	return float64(procstat.RSS([]int{pid})), nil
}

// watchRSS samples a resident set from after on; the function it returns stops that and gives the median in KB.
func watchRSS(ctx context.Context, pid int, after time.Duration) (median func() float64) {
	ctx, stop := context.WithCancel(ctx)
	seen := make(chan []float64, 1)
	go func() {
		var all []float64
		for err := rest(ctx, after); err == nil; err = rest(ctx, 50*time.Millisecond) {
			all = append(all, float64(procstat.RSS([]int{pid})))
		}
		seen <- all
	}()
	return func() float64 { stop(); return middle(<-seen) }
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
