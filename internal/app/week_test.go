package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// wound is a clock that runs, and can be put forward.
type wound struct{ ahead atomic.Int64 }

func (w *wound) now() time.Time          { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *wound) forward(d time.Duration) { w.ahead.Add(int64(d)) }

// by is a run of some parts by another clock.
func by(w *wound, list ...Part) func(context.Context, Config, io.Writer, *slog.Logger) error {
	return func(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
		return RunBy(ctx, w.now, cfg, out, log, list...)
	}
}

// week is an experiment of seven days on an installation whose clock is put forward, over providers that keep books of their own.
type week struct {
	t        *testing.T
	clock    *wound
	p        *running
	boot     bootstrapped
	provider *replay.Server
	alias    string
	test     string // id of the experiment
	before   int    // calls in the provider's book that are not part of it

	mu     sync.Mutex
	served map[string]string // unit -> model
	unjudged,
	fresh []judged
}

type judged struct {
	CallID string `json:"call_id"`
	Name   string `json:"name"`
	Value  bool   `json:"value"`
}

const (
	weekUnits = 500 // a day
	weekSlots = 4   // a day
	control   = "claude-haiku-4-5"
	variant   = "gpt-4o-mini"
)

// A week of traffic on an alias that is split in halves, with judgements that come hours later. The split is a fair one, what each arm
// cost is what the providers' own books say, to the nano-dollar, the verdict names the cheaper model, and after the promotion the
// alias's next version sends every call there. Applications send the same request throughout.
func TestASimulatedWeekFindsAndPromotesTheWinner(t *testing.T) {
	t.Parallel()
	w := startWeek(t)
	for day := range 7 {
		for slot := range weekSlots {
			w.traffic(day, slot)
			w.judge()
			w.clock.forward(24 * time.Hour / weekSlots)
		}
	}
	w.judge()
	w.clock.forward(3 * time.Hour) // what was judged late is waited for, and then it is over
	e := w.verdict()
	w.compare(e)
	w.promote()
}

func startWeek(t *testing.T) *week {
	t.Helper()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	cfg := settings(t, pgtest.URL(t))
	cfg.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w := &week{t: t, clock: &wound{}, provider: provider, served: map[string]string{}}
	w.p = play(t, cfg, by(w.clock, API, Proxy, Worker))
	answers(t, cfg.PublicURL+"/readyz")
	w.boot = w.p.bootstrap()
	credentials := map[string]any{}
	for _, v := range []string{"openai", "anthropic"} {
		credentials[v] = w.post("/credentials", map[string]any{"provider": v, "name": v, "secret": "a-secret-for-" + v, "base_url": provider.Base(v)})["id"]
	}
	w.alias, _ = w.post("/aliases", map[string]any{"name": "fast-classifier", "route": map[string]any{
		"targets": []map[string]string{{"provider": "anthropic", "model": control}},
	}})["id"].(string)
	w.test, _ = w.post("/experiments", map[string]any{
		"alias": w.alias, "name": "A smaller model", "goal": "cheaper", "quality": "scores", "score_name": "right", "days": 7, "share": 100,
		"variants": []map[string]any{
			{"name": "control", "weight": 50},
			{"name": "mini", "weight": 50, "target": map[string]any{"provider": "openai", "model": variant, "credential": credentials["openai"]}},
		},
	})["id"].(string)
	w.post("/experiments/"+w.test+"/start", map[string]any{})
	used := fmt.Sprint(w.p.cfg.PublicURL, "/api/v1/credentials/", credentials["openai"])
	if status, got, err := ask(t, http.MethodDelete, used, w.boot.ManagementToken, nil); status != http.StatusConflict || !bytes.Contains(got, []byte("A smaller model")) {
		t.Errorf("deleting an arm's credential: %d %s %v", status, got, err)
	}
	eventually(t, "the experiment at the proxy", func() error {
		w.before = provider.Ledger.Len()
		_, header, err := w.call("warm-up")
		if why := header.Get("X-Tollgate-Decision"); err == nil && !strings.Contains(why, w.test) {
			err = fmt.Errorf("decided without the experiment: %s", why)
		}
		return err
	})
	return w
}

func (w *week) post(path string, body any) map[string]any {
	w.t.Helper()
	return must(w.t, http.MethodPost, w.p.cfg.PublicURL+"/api/v1"+path, w.boot.ManagementToken, body)
}

// call is what applications send: always the same but for the unit.
func (w *week) call(unit string) (model string, header http.Header, err error) {
	body, _ := json.Marshal(chat("fast-classifier", "Is this a complaint? Answer yes or no. "+unit))
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.p.cfg.GatewayURL+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.boot.VirtualKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Tollgate-Unit", unit)
	req.Header.Set("X-Tollgate-Debug", "1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, got)
	}
	return res.Header.Get("X-Tollgate-Model"), res.Header, err
}

// traffic is a slot's calls: each unit twice, which must find the same model.
func (w *week) traffic(day, slot int) {
	w.t.Helper()
	units := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range units {
				w.visit(fmt.Sprintf("user-%d-%d-%d", day, slot, n), n)
			}
		})
	}
	for n := range weekUnits / weekSlots {
		units <- n
	}
	close(units)
	wg.Wait()
}

func (w *week) visit(unit string, n int) {
	for again := range 2 {
		model, header, err := w.call(unit)
		if err != nil {
			w.t.Errorf("%s: %v", unit, err)
			return
		}
		w.mu.Lock()
		if was := w.served[unit]; was != "" && was != model {
			w.t.Errorf("%s went from %s to %s", unit, was, model)
		}
		w.served[unit] = model
		if again == 0 { // right 99 times of 100, whichever model it is
			w.fresh = append(w.fresh, judged{header.Get("X-Tollgate-Call-Id"), "right", (n*7+len(w.served))%100 != 0})
		}
		w.mu.Unlock()
	}
}

// judge sends the judgements of the slot before: they come six hours late. By the clock that was put forward their calls are old, so those
// that the log does not have yet are unknown for a moment.
func (w *week) judge() {
	w.t.Helper()
	for late := w.unjudged; len(late) > 0; {
		batch := late[:min(len(late), 100)]
		late = late[len(batch):]
		every(w.t, 20*time.Millisecond, "judgements", func() error {
			items, _ := w.post("/scores", map[string]any{"scores": batch})["items"].([]any)
			for i, one := range items {
				if refused := one.(map[string]any)["error"]; refused != nil {
					batch = batch[i:]
					return fmt.Errorf("%v", refused)
				}
			}
			return nil
		})
	}
	w.unjudged, w.fresh = w.fresh, nil
}

// seen is the part of an experiment that the test looks at.
type seen struct {
	Status  string `json:"status"`
	Reading struct {
		Verdict  string `json:"verdict"`
		Best     string `json:"best"`
		Sentence string `json:"sentence"`
		Final    bool   `json:"final"`
		Arms     []struct {
			Name   string      `json:"name"`
			Units  int64       `json:"units"`
			Calls  int64       `json:"calls"`
			Scored int64       `json:"scored"`
			Cost   json.Number `json:"cost_nano_usd"`
		} `json:"arms"`
	} `json:"reading"`
}

func (w *week) verdict() seen {
	w.t.Helper()
	var e seen
	every(w.t, 100*time.Millisecond, "the verdict", func() error {
		status, got, err := ask(w.t, http.MethodGet, w.p.cfg.PublicURL+"/api/v1/experiments/"+w.test, w.boot.ManagementToken, nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %s %w", status, got, err)
		}
		e = seen{}
		if err := json.Unmarshal(got, &e); err != nil {
			return err
		}
		if e.Reading.Verdict != "winner" || !e.Reading.Final {
			return fmt.Errorf("%s: %s", e.Status, got)
		}
		return nil
	})
	w.t.Logf("%s: %s", e.Reading.Verdict, e.Reading.Sentence)
	if e.Reading.Best != "mini" {
		w.t.Errorf("the winner is %q", e.Reading.Best)
	}
	return e
}

// compare holds the arms against the providers' books.
func (w *week) compare(e seen) {
	w.t.Helper()
	costs, calls := map[string]int64{}, map[string]int64{}
	for _, c := range w.provider.Ledger.Calls()[w.before:] {
		if rate, ok := harness.Rates(c.Model); ok && c.Status == http.StatusOK {
			costs[c.Model] += rate.Nano(c.Billed)
			calls[c.Model]++
		}
	}
	total := 0.0
	for i, model := range []string{control, variant} {
		if i >= len(e.Reading.Arms) {
			w.t.Fatalf("%d arms", len(e.Reading.Arms))
		}
		arm := e.Reading.Arms[i]
		if cost, _ := arm.Cost.Int64(); cost != costs[model] || arm.Calls != calls[model] {
			w.t.Errorf("%s: %d calls for %d nano-dollars, the provider's book says %d for %d", arm.Name, arm.Calls, cost, calls[model], costs[model])
		}
		if unjudged := arm.Units - arm.Scored; unjudged < 0 || unjudged > 1 { // the warm-up is not judged
			w.t.Errorf("%s: %d of %d units are judged", arm.Name, arm.Scored, arm.Units)
		}
		total += float64(arm.Units)
	}
	expected := total / 2
	off := float64(e.Reading.Arms[0].Units) - expected
	if chi := 2 * off * off / expected; chi > 10.83 { // p < 0.001
		w.t.Errorf("the split is %d to %d", e.Reading.Arms[0].Units, e.Reading.Arms[1].Units)
	}
	if math.Abs(total-7*weekUnits) > 2 { // the warm-up is a unit too
		w.t.Errorf("%v units, want about %d", total, 7*weekUnits)
	}
}

// promote gives the alias to the winner, waits the ramp out and finds every call there.
func (w *week) promote() {
	w.t.Helper()
	w.post("/experiments/"+w.test+"/promote", map[string]any{"arm": "mini"})
	w.clock.forward(25 * time.Hour) // half of the units for a day; then the alias itself changes
	every(w.t, 100*time.Millisecond, "the next version of the alias", func() error {
		status, got, err := ask(w.t, http.MethodGet, w.p.cfg.PublicURL+"/api/v1/aliases/"+w.alias, w.boot.ManagementToken, nil)
		if err != nil || status != http.StatusOK || !bytes.Contains(got, []byte(`"version":2`)) || !bytes.Contains(got, []byte(variant)) || bytes.Contains(got, []byte(control)) {
			return fmt.Errorf("%d %s %w", status, got, err)
		}
		return nil
	})
	eventually(w.t, "all calls at the winner", func() error {
		for n := range 40 {
			model, header, err := w.call("after-" + strconv.Itoa(n) + id.New("x"))
			if err != nil {
				return err
			}
			if model != variant {
				return fmt.Errorf("%s: %s", model, strings.Join(header["X-Tollgate-Route"], ""))
			}
		}
		return nil
	})
}
