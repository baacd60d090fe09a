// Command loadgen drives an OpenAI- or Anthropic-shaped endpoint on this
// machine and prints one JSON object with what it measured.
//
//	closed loop: -c workers, each sends its next request when it has the last answer
//	open loop:   -rate requests a second at fixed instants whatever the answers do;
//	             latency counts from the instant a request was due (so a stall is
//	             charged to every request it delayed: no coordinated omission)
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tollgate/bench/internal/h1"
	"tollgate/bench/internal/hdr"
	"tollgate/bench/internal/procstat"
)

type multi []string

func (m *multi) String() string     { return strings.Join(*m, ",") }
func (m *multi) Set(s string) error { *m = append(*m, s); return nil }

type config struct {
	url      string
	host     string
	conns    int
	rate     float64
	duration time.Duration
	warmup   time.Duration
	max      int64
	stream   bool
	timeout  time.Duration
	chunks   int
	request  []byte

	begin, end time.Time // the measured time of an open loop
}

func (c *config) inWindow(t time.Time) bool { return !t.Before(c.begin) && t.Before(c.end) }

type proc struct {
	name  string
	pid   int
	alone bool // without its children
	pids  []int
	cpu0  float64
	peak  int64
}

// ProcResult is what one watched process tree used during the run.
type ProcResult struct {
	Procs     int     `json:"procs"`
	CPUSec    float64 `json:"cpu_s"`
	CPUPct    float64 `json:"cpu_pct"`
	CPUPerReq float64 `json:"cpu_us_per_req"`
	CPUPerChk float64 `json:"cpu_us_per_chunk,omitempty"`
	RSSKB     int64   `json:"rss_kb"`
	PeakKB    int64   `json:"rss_peak_kb"`
	PSSKB     int64   `json:"pss_kb"`
}

// Result is the JSON that is printed.
type Result struct {
	Label      string                 `json:"label,omitempty"`
	Mode       string                 `json:"mode"`
	Conns      int                    `json:"conns"`
	TargetRate float64                `json:"target_rps,omitempty"`
	Seconds    float64                `json:"seconds"`
	Requests   int64                  `json:"requests"`
	OK         int64                  `json:"ok"`
	RPS        float64                `json:"rps"`
	OKRPS      float64                `json:"ok_rps"`
	QueueMax   int                    `json:"queue_max,omitempty"` // open loop: requests that waited for a connection
	Errors     map[string]int64       `json:"errors,omitempty"`
	Statuses   map[string]int64       `json:"statuses"`
	Latency    *hdr.Summary           `json:"latency"`           // open loop: from the due instant
	Service    *hdr.Summary           `json:"service,omitempty"` // open loop: from the actual send
	TTFB       *hdr.Summary           `json:"ttfb"`
	TTFT       *hdr.Summary           `json:"ttft,omitempty"`
	Gap        *hdr.Summary           `json:"chunk_gap,omitempty"`     // between arrivals of content chunks
	Transit    *hdr.Summary           `json:"chunk_transit,omitempty"` // mock's write to our read
	Return     *hdr.Summary           `json:"return_path,omitempty"`   // non-stream: mock's write to our read
	Chunks     int64                  `json:"chunks,omitempty"`
	ChunksPS   float64                `json:"chunks_per_s,omitempty"`
	UsageSeen  int64                  `json:"usage_seen,omitempty"`
	BytesIn    int64                  `json:"bytes_in"`
	Procs      map[string]*ProcResult `json:"procs,omitempty"`
	CPUBusy    []float64              `json:"cpu_busy_pct"`
	StealPct   float64                `json:"steal_pct"`
	ErrSample  string                 `json:"error_sample,omitempty"`
}

// worker owns one connection and its own histograms.
type worker struct {
	cfg  *config
	c    net.Conn
	br   *bufio.Reader
	buf  []byte
	line []byte
	resp h1.Response

	recording *atomic.Bool

	lat, svc, ttfb, ttft, gap, transit, ret hdr.Hist
	errs                                    map[string]int64
	status                                  [600]int64
	n, ok, chunks, usage, bytes             int64
	sample                                  string

	due chan time.Time // open loop
}

var errDial = errors.New("dial")

func (w *worker) connect() error {
	if w.c != nil {
		return nil
	}
	c, err := net.DialTimeout("tcp", w.cfg.host, 5*time.Second)
	if err != nil {
		return errDial
	}
	w.c = c
	if w.br == nil {
		w.br = bufio.NewReaderSize(c, 16<<10)
	} else {
		w.br.Reset(c)
	}
	return nil
}

func (w *worker) drop() {
	if w.c != nil {
		w.c.Close()
		w.c = nil
	}
}

// one sends one request and reads its answer; due is zero in a closed loop.
func (w *worker) one(due time.Time) {
	reconnected := false
retry:
	fresh := w.c == nil
	start := time.Now()
	err := w.connect()
	var t tally
	if err == nil {
		w.c.SetDeadline(start.Add(w.cfg.timeout))
		t, err = w.exchange(start)
	}
	if err != nil {
		w.drop()
		// A kept connection that the server had closed before we wrote is no error of the server's.
		if !fresh && !reconnected && !t.sawByte && !isTimeout(err) {
			reconnected = true
			goto retry
		}
	}
	end := time.Now()
	// Closed loop: what ended in the measured time. Open loop: what was due in
	// it, however late it ended.
	if due.IsZero() && !w.recording.Load() || !due.IsZero() && !w.cfg.inWindow(due) {
		return
	}
	w.n++
	w.bytes += t.bytes
	if t.status > 0 && t.status < 600 {
		w.status[t.status]++
	}
	if err != nil {
		w.fail(classify(err, &t))
		return
	}
	if t.status != 200 {
		w.fail("status_" + strconv.Itoa(t.status))
		if w.sample == "" {
			w.sample = string(w.line[:min(len(w.line), 300)])
		}
		return
	}
	if w.cfg.stream {
		switch {
		case t.errEvent:
			w.fail("sse_error_event")
			return
		case !t.done:
			w.fail("stream_incomplete")
			return
		case w.cfg.chunks > 0 && t.chunks != int64(w.cfg.chunks):
			w.fail("stream_chunk_count")
			return
		}
	}
	w.ok++
	w.chunks += t.chunks
	w.usage += t.usage
	if due.IsZero() {
		w.lat.Record(int64(end.Sub(start)))
	} else {
		w.lat.Record(int64(end.Sub(due)))
		w.svc.Record(int64(end.Sub(start)))
	}
	w.ttfb.Record(int64(t.first.Sub(start)))
	if !t.token.IsZero() {
		w.ttft.Record(int64(t.token.Sub(start)))
	}
}

func (w *worker) fail(what string) { w.errs[what]++ }

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func classify(err error, t *tally) string {
	at := "before_headers"
	if t.status > 0 {
		at = "mid_body"
	}
	switch {
	case errors.Is(err, errDial):
		return "dial"
	case isTimeout(err):
		return "timeout_" + at
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset_" + at
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "eof_" + at
	}
	return "other_" + at
}

// tally is what one answer held.
type tally struct {
	status   int
	sawByte  bool
	first    time.Time
	token    time.Time
	last     time.Time
	done     bool
	errEvent bool
	chunks   int64
	usage    int64
	bytes    int64
}

func (w *worker) exchange(start time.Time) (t tally, err error) {
	if _, err = w.c.Write(w.cfg.request); err != nil {
		return t, err
	}
	if _, err = w.br.Peek(1); err != nil {
		return t, err
	}
	t.sawByte = true
	t.first = time.Now()
	if err = h1.ReadResponseHead(w.br, &w.resp); err != nil {
		return t, err
	}
	t.status = w.resp.Status
	w.line = w.line[:0]
	rec := w.recording.Load()
	for {
		n, err := w.resp.ReadBody(w.br, w.buf)
		if n > 0 {
			t.bytes += int64(n)
			now := time.Now()
			if w.cfg.stream && t.status == 200 {
				w.events(w.buf[:n], now, &t, rec)
			} else if t.bytes == int64(n) || t.status != 200 {
				if t.status != 200 {
					w.line = append(w.line, w.buf[:min(n, 400)]...)
				} else if rec {
					if ts := stamp(w.buf[:n]); ts > 0 {
						w.ret.Record(now.UnixNano() - ts)
					}
				}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
	}
	if w.resp.Close {
		w.drop()
	}
	return t, nil
}

// stamp finds the mock's time stamp ("@" and 19 digits at the start of a JSON string).
func stamp(b []byte) int64 {
	i := bytes.Index(b, []byte(`"@`))
	if i < 0 || len(b) < i+21 {
		return 0
	}
	v, err := strconv.ParseInt(string(b[i+2:i+21]), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

func (w *worker) events(p []byte, now time.Time, t *tally, rec bool) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.line = append(w.line, p...)
			return
		}
		line := p[:i]
		p = p[i+1:]
		if len(w.line) > 0 {
			w.line = append(w.line, line...)
			line = w.line
		}
		w.event(line, now, t, rec)
		w.line = w.line[:0]
	}
}

func (w *worker) event(line []byte, now time.Time, t *tally, rec bool) {
	if !bytes.HasPrefix(line, []byte("data:")) {
		if bytes.HasPrefix(line, []byte("event: error")) {
			t.errEvent = true
		}
		return
	}
	line = bytes.TrimSpace(line[5:])
	if bytes.Equal(line, []byte("[DONE]")) {
		t.done = true
		return
	}
	if ts := stamp(line); ts > 0 {
		t.chunks++
		if t.token.IsZero() {
			t.token = now
		} else if rec {
			w.gap.Record(int64(now.Sub(t.last)))
		}
		t.last = now
		if rec {
			w.transit.Record(now.UnixNano() - ts)
		}
		return
	}
	if bytes.Contains(line, []byte(`"message_stop"`)) {
		t.done = true
	}
	if bytes.Contains(line, []byte(`_tokens"`)) {
		t.usage++
	}
	if bytes.HasPrefix(line, []byte(`{"error"`)) || bytes.HasPrefix(line, []byte(`{"type":"error"`)) {
		t.errEvent = true
	}
}

func main() {
	log.SetFlags(0)
	var cfg config
	var headers, pidFlags multi
	flag.StringVar(&cfg.url, "url", "http://127.0.0.1:9001/v1/chat/completions", "target (loopback)")
	flag.IntVar(&cfg.conns, "c", 8, "closed loop: workers; open loop: most connections")
	flag.Float64Var(&cfg.rate, "rate", 0, "open loop: requests a second (0: closed loop)")
	flag.DurationVar(&cfg.duration, "d", 5*time.Second, "measured time (at most 60s)")
	flag.DurationVar(&cfg.warmup, "warmup", time.Second, "unmeasured time before it")
	flag.Int64Var(&cfg.max, "n", 0, "stop after this many requests (0: by time)")
	flag.BoolVar(&cfg.stream, "stream", false, "stream the answers")
	flag.DurationVar(&cfg.timeout, "timeout", 30*time.Second, "of one request")
	flag.IntVar(&cfg.chunks, "expect-chunks", 0, "streams: count any other number of content chunks as an error")
	model := flag.String("model", "mock-model", "model in the body")
	prompt := flag.Int("prompt-bytes", 700, "bytes of the user message (700 makes about 1 KB of request with headers)")
	mock := flag.String("mock", "", "mock directive put into the prompt, e.g. chunks=50,delay=20ms")
	shape := flag.String("shape", "chat", "chat, messages or embeddings")
	bodyFile := flag.String("body", "", "file with the request body (instead of a made one)")
	usage := flag.Bool("usage", true, "streams: ask for the usage chunk")
	label := flag.String("label", "", "copied into the result")
	dump := flag.Bool("dump", false, "send one request, print the raw answer, and stop")
	flag.Var(&headers, "H", "header \"Name: value\" (repeatable)")
	flag.Var(&pidFlags, "pid", "name=PID of a process tree to watch, name=PID! of the process alone (repeatable)")
	flag.Parse()
	if cfg.duration > time.Minute {
		log.Fatal("-d: at most 60s")
	}
	runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))

	u, err := url.Parse(cfg.url)
	if err != nil {
		log.Fatal(err)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		log.Fatalf("refusing %q: not a loopback address", u.Hostname())
	}
	cfg.host = u.Host
	body := makeBody(*shape, *model, *mock, *prompt, cfg.stream, *usage)
	if *bodyFile != "" {
		if body, err = os.ReadFile(*bodyFile); err != nil {
			log.Fatal(err)
		}
	}
	var req bytes.Buffer
	fmt.Fprintf(&req, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\nContent-Type: application/json\r\nAccept: */*\r\n", u.RequestURI(), u.Host)
	for _, h := range headers {
		fmt.Fprintf(&req, "%s\r\n", h)
	}
	fmt.Fprintf(&req, "Content-Length: %d\r\n\r\n", len(body))
	req.Write(body)
	cfg.request = req.Bytes()

	if *dump {
		dumpOne(&cfg)
		return
	}
	res := run(&cfg, pidFlags)
	res.Label = *label
	enc := json.NewEncoder(os.Stdout)
	enc.Encode(res)
	if res.OK == 0 {
		os.Exit(1)
	}
}

func dumpOne(cfg *config) {
	c, err := net.DialTimeout("tcp", cfg.host, 5*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(cfg.timeout))
	c.Write(cfg.request)
	br := bufio.NewReader(io.TeeReader(c, os.Stdout))
	var resp h1.Response
	if err := h1.ReadResponseHead(br, &resp); err != nil {
		fmt.Fprintf(os.Stderr, "\n[head: %v]\n", err)
		return
	}
	buf := make([]byte, 4096)
	for {
		if _, err := resp.ReadBody(br, buf); err != nil {
			fmt.Fprintf(os.Stderr, "\n[end: %v]\n", err)
			return
		}
	}
}

func makeBody(shape, model, mock string, n int, stream, usage bool) []byte {
	const words = "Summarise the following incident report for the on-call engineer in three short bullet points. "
	var t strings.Builder
	if mock != "" {
		fmt.Fprintf(&t, "[[mock %s]] ", mock)
	}
	for t.Len() < n {
		t.WriteString(words)
	}
	text := t.String()
	if mock == "" {
		text = text[:n]
	}
	var v any
	switch shape {
	case "embeddings":
		v = map[string]any{"model": model, "input": text}
	case "messages":
		v = map[string]any{
			"model": model, "max_tokens": 1024, "stream": stream,
			"messages": []any{map[string]string{"role": "user", "content": text}},
		}
	default:
		m := map[string]any{"model": model, "messages": []any{
			map[string]string{"role": "system", "content": "You are a helpful assistant."},
			map[string]string{"role": "user", "content": text},
		}, "temperature": 0.7}
		if stream {
			m["stream"] = true
			if usage {
				m["stream_options"] = map[string]bool{"include_usage": true}
			}
		}
		v = m
	}
	b, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func run(cfg *config, pidFlags []string) *Result {
	var procs []*proc
	for _, p := range pidFlags {
		name, id, ok := strings.Cut(p, "=")
		id, alone := strings.CutSuffix(id, "!")
		pid, err := strconv.Atoi(id)
		if !ok || err != nil {
			log.Fatalf("-pid %q: want name=PID", p)
		}
		procs = append(procs, &proc{name: name, pid: pid, alone: alone})
	}
	procs = append(procs, &proc{name: "loadgen", pid: os.Getpid()})

	var recording, stopping atomic.Bool
	var sent atomic.Int64
	newWorker := func() *worker {
		return &worker{cfg: cfg, buf: make([]byte, 32<<10), errs: map[string]int64{}, recording: &recording}
	}
	var wg sync.WaitGroup
	var workers []*worker
	var queueMax int
	var unsent int64
	stopped := make(chan struct{})

	if cfg.rate <= 0 {
		for i := 0; i < cfg.conns; i++ {
			w := newWorker()
			workers = append(workers, w)
			wg.Add(1)
			go func() {
				defer wg.Done()
				for !stopping.Load() {
					if cfg.max > 0 && sent.Add(1) > cfg.max {
						return
					}
					before := len(w.errs)
					w.one(time.Time{})
					if w.c == nil && len(w.errs) > before {
						time.Sleep(5 * time.Millisecond) // do not spin on a dead target
					}
				}
				w.drop()
			}()
		}
		go func() { wg.Wait(); close(stopped) }()
	} else {
		cfg.begin = time.Now().Add(cfg.warmup)
		cfg.end = cfg.begin.Add(cfg.duration)
		d := &dispatcher{cfg: cfg, newWorker: newWorker, wg: &wg}
		go func() {
			d.loop(&stopping)
			d.finish()
			wg.Wait()
			workers = d.all
			queueMax = d.queueMax
			for _, due := range d.queue {
				if cfg.inWindow(due) {
					unsent++
				}
			}
			close(stopped)
		}()
	}

	time.Sleep(cfg.warmup)
	for _, p := range procs {
		p.pids = []int{p.pid}
		if !p.alone {
			p.pids = procstat.Tree(p.pid)
		}
		p.cpu0 = procstat.CPU(p.pids)
	}
	cpu0 := procstat.PerCPU()
	recording.Store(true)
	begin := time.Now()
	sampler := time.NewTicker(250 * time.Millisecond)
	deadline := time.After(cfg.duration)
wait:
	for {
		select {
		case <-sampler.C:
			for _, p := range procs {
				p.peak = max(p.peak, procstat.RSS(p.pids))
			}
		case <-deadline:
			break wait
		case <-stopped:
			break wait
		}
	}
	sampler.Stop()
	recording.Store(false)
	elapsed := time.Since(begin).Seconds()
	cpu1 := procstat.PerCPU()
	res := &Result{
		Mode: "closed", Conns: cfg.conns, TargetRate: cfg.rate, Seconds: elapsed,
		Errors: map[string]int64{}, Statuses: map[string]int64{}, Procs: map[string]*ProcResult{},
	}
	if cfg.rate > 0 {
		res.Mode = "open"
	}
	for _, p := range procs {
		r := &ProcResult{Procs: len(p.pids), CPUSec: procstat.CPU(p.pids) - p.cpu0, RSSKB: procstat.RSS(p.pids), PSSKB: procstat.PSS(p.pids)}
		r.PeakKB = max(p.peak, r.RSSKB)
		r.CPUPct = r.CPUSec / elapsed * 100
		res.Procs[p.name] = r
	}
	for i := range cpu0 {
		t := cpu1[i].Total - cpu0[i].Total
		if t > 0 {
			res.CPUBusy = append(res.CPUBusy, float64(int(1000*(1-(cpu1[i].Idle-cpu0[i].Idle)/t)))/10)
			res.StealPct = max(res.StealPct, float64(int(1000*(cpu1[i].Steal-cpu0[i].Steal)/t))/10)
		}
	}
	stopping.Store(true)
	select {
	case <-stopped:
	case <-time.After(cfg.timeout + 5*time.Second):
		res.Errors["workers_stuck"]++
	}

	sum := newWorker()
	var statuses [600]int64
	for _, w := range workers {
		sum.lat.Merge(&w.lat)
		sum.svc.Merge(&w.svc)
		sum.ttfb.Merge(&w.ttfb)
		sum.ttft.Merge(&w.ttft)
		sum.gap.Merge(&w.gap)
		sum.transit.Merge(&w.transit)
		sum.ret.Merge(&w.ret)
		for k, v := range w.errs {
			res.Errors[k] += v
		}
		for i, v := range w.status {
			statuses[i] += v
		}
		res.Requests += w.n
		res.OK += w.ok
		res.Chunks += w.chunks
		res.UsageSeen += w.usage
		res.BytesIn += w.bytes
		if res.ErrSample == "" {
			res.ErrSample = w.sample
		}
	}
	for i, v := range statuses {
		if v > 0 {
			res.Statuses[strconv.Itoa(i)] = v
		}
	}
	res.QueueMax = queueMax
	if unsent > 0 {
		res.Errors["never_sent"] = unsent
	}
	res.Conns = max(cfg.conns, 0)
	if cfg.rate > 0 {
		res.Conns = len(workers)
	}
	res.RPS, res.OKRPS = float64(res.Requests)/elapsed, float64(res.OK)/elapsed
	res.ChunksPS = float64(res.Chunks) / elapsed
	for _, r := range res.Procs {
		if res.Requests > 0 {
			r.CPUPerReq = r.CPUSec * 1e6 / float64(res.Requests)
		}
		if n := max(sum.transit.Summary().Count(), uint64(res.Chunks)); n > 0 {
			r.CPUPerChk = r.CPUSec * 1e6 / float64(n)
		}
	}
	res.Latency, res.Service, res.TTFB, res.TTFT = sum.lat.Summary(), sum.svc.Summary(), sum.ttfb.Summary(), sum.ttft.Summary()
	res.Gap, res.Transit, res.Return = sum.gap.Summary(), sum.transit.Summary(), sum.ret.Summary()
	return res
}

// dispatcher hands each due request to an idle worker (last used first), makes
// a worker when there is none, and queues when it may make no more.
type dispatcher struct {
	cfg       *config
	newWorker func() *worker
	wg        *sync.WaitGroup

	mu       sync.Mutex
	idle     []*worker
	all      []*worker
	queue    []time.Time
	queueMax int
	done     bool
}

func (d *dispatcher) loop(stopping *atomic.Bool) {
	// Go's timers are good to about a millisecond; a thread of our own in
	// clock_nanosleep with a short timer slack is good to some tens of microseconds.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.Syscall(syscall.SYS_PRCTL, 29 /* PR_SET_TIMERSLACK */, 1, 0)
	t0 := time.Now()
	for i := int64(0); !stopping.Load() && (d.cfg.max == 0 || i < d.cfg.max); i++ {
		due := t0.Add(time.Duration(float64(i) / d.cfg.rate * 1e9))
		if wait := time.Until(due); wait > 0 {
			ts := syscall.NsecToTimespec(int64(wait))
			syscall.Nanosleep(&ts, nil)
		}
		d.dispatch(due)
	}
}

func (d *dispatcher) dispatch(due time.Time) {
	d.mu.Lock()
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle = d.idle[:n-1]
		d.mu.Unlock()
		w.due <- due
		return
	}
	if len(d.all) < d.cfg.conns {
		w := d.newWorker()
		w.due = make(chan time.Time, 1)
		d.all = append(d.all, w)
		d.mu.Unlock()
		d.wg.Add(1)
		go d.work(w)
		w.due <- due
		return
	}
	d.queue = append(d.queue, due)
	d.queueMax = max(d.queueMax, len(d.queue))
	d.mu.Unlock()
}

func (d *dispatcher) work(w *worker) {
	defer d.wg.Done()
	defer w.drop()
	for due := range w.due {
		for {
			w.one(due)
			d.mu.Lock()
			if d.done {
				d.mu.Unlock()
				return
			}
			if len(d.queue) == 0 {
				d.idle = append(d.idle, w)
				d.mu.Unlock()
				break
			}
			due = d.queue[0]
			d.queue = d.queue[1:]
			d.mu.Unlock()
		}
	}
}

func (d *dispatcher) finish() {
	d.mu.Lock()
	d.done = true
	for _, w := range d.idle {
		close(w.due)
	}
	d.idle = nil
	d.mu.Unlock()
}
