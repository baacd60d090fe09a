// Package conformance holds the gateway against recorded traffic of real providers and against the project's own cases for what was
// never recorded. Everything goes through the real program:
//
//   - same: a client of the provider's own dialect. The provider gets the client's bytes, the client the provider's.
//   - answer: a client of each chat surface, and a provider that answers with the recording.
//   - ask: a recorded request, to providers of all chat dialects.
//   - turn: the turn after a recorded answer that called tools, as a client of the surface would send it.
//   - plain: embeddings, reranks and counts of tokens of other dialects.
//
// What a body means is read by package replay, which shares no code with the product.
package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// surfaces are the dialects of chat that clients speak.
func surfaces() []string {
	return []string{replay.OpenAI, replay.Responses, replay.Anthropic, replay.Gemini}
}

// corpus is the project's own cases and, where they are found, the recorded ones; whole tells that they were.
func corpus(t *testing.T) (cases []*replay.Case, whole bool) {
	t.Helper()
	cases, err := replay.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("the project's own cases are missing")
	}
	for _, c := range cases {
		c.Path = "own/" + c.Path
	}
	cases = append(cases, spoken()...)
	dir, err := replay.Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Logf("no recorded traffic here: only the project's own %d cases run", len(cases))
		return cases, false
	}
	recorded, err := replay.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) == 0 {
		t.Fatalf("no cases in %s", dir)
	}
	return append(cases, recorded...), true
}

// spoken are the smallest good answers of the dialects that have no cases of their own in testdata.
func spoken() []*replay.Case {
	var out []*replay.Case
	for _, dialect := range replay.Chats() {
		if dialect == replay.OpenAI || dialect == replay.Anthropic {
			continue
		}
		for _, stream := range []bool{false, true} {
			c := &replay.Case{Path: "own/" + dialect + "-text", Response: replay.Speak(dialect, stream)}
			if stream {
				c.Path += "-stream"
			}
			c.Meta.Provider, c.Meta.Dialect, c.Meta.Status, c.Meta.Stream = "own", dialect, http.StatusOK, stream
			c.Meta.Model = map[string]string{replay.Vertex: "claude-haiku-4-5", replay.Invoke: "anthropic.claude-haiku-4-5", replay.Gemini: "gemini-2.5-flash"}[dialect]
			if version := map[string]string{replay.Vertex: "vertex-2023-10-16", replay.Invoke: "bedrock-2023-05-31"}[dialect]; version != "" {
				c.Request = []byte(`{"anthropic_version":"` + version + `","max_tokens":9,"messages":[{"role":"user","content":"Say something."}]}`)
			}
			out = append(out, c)
		}
	}
	return out
}

// run is one call through the gateway.
type run struct {
	kind    string // same, answer, ask, turn, plain
	surface string // the client's dialect
	c       *replay.Case
	cut     replay.Cutting
	way     way // to the provider
	n       int
	do      func(*gate, *run) error

	// What came of it.
	err     error
	refused string // the field that the target cannot express
	callID  string
	used    replay.Usage // what the call log must say, where Known
	told    string
}

// way is how a provider is reached: the vendor, the dialect that it is asked in, and its model.
type way struct{ vendor, dialect, model string }

// model is what the client asks for; the provider finds the run behind the "~".
func (r *run) model() string { return r.way.vendor + "/" + r.wire() }

// wire is the model that the provider is asked for.
func (r *run) wire() string { return cmp.Or(r.way.model, "m") + "~" + r.key() }

func (r *run) key() string { return fmt.Sprintf("r%d", r.n) }

// name is the same in every run of the tests, whatever the cutting.
func (r *run) name() string {
	name := r.kind + " " + r.c.Path + " " + r.surface
	if r.kind == "ask" {
		name += " -> " + r.way.target()
	}
	return name
}

// target is the dialect, and the vendor where a dialect is reached in more than one way.
func (w way) target() string {
	if w.vendor == "mistral" {
		return replay.Mistral
	}
	return w.dialect
}

func TestEveryCasePassesTheGateway(t *testing.T) {
	t.Parallel()
	cases, whole := corpus(t)
	g := open(t)
	var runs []*run
	for _, plan := range []func(*gate, *replay.Case) []*run{planSame, planAnswers, planAsks, planTurns, planPlain} {
		for _, c := range cases {
			runs = append(runs, plan(g, c)...)
		}
	}
	for i, r := range runs {
		r.n = i
	}
	start := time.Now()
	perform(g, runs)
	t.Logf("%d calls in %s", len(runs), time.Since(start).Round(time.Millisecond))
	g.accounted(t, runs)
	s := judge(t, runs, known(t))
	s.print(t)
	if whole {
		s.write(t)
	}
}

// perform makes all calls on a few workers.
func perform(g *gate, runs []*run) {
	var wg sync.WaitGroup
	queue := make(chan *run)
	for range 6 {
		wg.Go(func() {
			for r := range queue {
				g.provider.Play(r.key(), replay.Play{Case: r.c, Cutting: r.cut})
				if err := r.do(g, r); err != nil {
					r.err = fmt.Errorf("(cutting %q) %w", r.cut, err)
				}
			}
		})
	}
	for _, r := range runs {
		queue <- r
	}
	close(queue)
	wg.Wait()
}

// accounted: what the call log says a call used and cost is what the recording says, by class.
func (g *gate) accounted(t *testing.T, runs []*run) {
	t.Helper()
	var log map[string]harness.Call
	harness.Eventually(t, time.Minute, func() error {
		log = map[string]harness.Call{}
		for _, c := range g.owner.Calls(nil) {
			if _, twice := log[c.ID]; twice {
				t.Fatalf("call %s is in the log twice", c.ID)
			}
			log[c.ID] = c
		}
		for _, r := range runs {
			if _, ok := log[r.callID]; !ok && r.callID != "" {
				return fmt.Errorf("%s (%s) is not in the call log", r.name(), r.callID)
			}
		}
		return nil
	})
	for _, r := range runs {
		if r.err != nil || !r.used.Known {
			continue
		}
		c, want := log[r.callID], units(r.used)
		switch {
		case !equalUnits(want, c.Units) || c.UsageSource != "reported" || c.Outcome != "ok":
			r.err = fmt.Errorf("the call log says %s, %s usage %v; the recording %v", c.Outcome, c.UsageSource, c.Units, want)
		case c.Cost() != cost(c.Units):
			r.err = fmt.Errorf("the call log says that it cost %d, which is %d: %v", c.Cost(), cost(c.Units), c.Units)
		case r.told != "" && (c.Told == nil || !sameDollars(r.told, *c.Told)):
			r.err = fmt.Errorf("the provider says that it cost $%s, the call log %v", r.told, c.Told)
		}
	}
}

// known reads known.txt: the cases that cannot pass, each with its reason.
func known(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("known.txt: %q has no reason", line)
		}
		out[name] = reason
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// rejected: the provider did not take the secret, with whatever status it says so.
func rejected(c *replay.Case) bool {
	return c.Meta.Status == http.StatusUnauthorized || c.Meta.Status == http.StatusForbidden ||
		c.Meta.Status == http.StatusBadRequest && bytes.Contains(c.Response, []byte("Incorrect API key"))
}
