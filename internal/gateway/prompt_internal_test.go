package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/snapshot"
)

// staged is a gateway as far as the stage prompt needs it, and calls of an organization with a prompt of 8 KB and ten variables.
type staged struct {
	g   *Gateway
	key *snapshot.Key
	on  *surface
	req *http.Request
}

func newStaged(tb testing.TB) *staged {
	d, ok := catalog.Client(provider.OpenAIChat)
	if !ok {
		tb.Fatal("no dialect")
	}
	var c prompt.Content
	for i := range 10 {
		c.Variables = append(c.Variables, template.Variable{Name: fmt.Sprint("v", i), Kind: template.String, Required: true})
		c.Text += strings.Repeat("What a prompt says to a model, with care. ", 19) + fmt.Sprintf("{{v%d}} ", i)
	}
	org := &snapshot.Org{ID: "org_1", Aliases: map[string]*snapshot.Alias{}, Prompts: prompt.NewShelf([]prompt.Stock{{
		Prompt:   prompt.Prompt{ID: "prompt_x", Name: "x", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: c}},
	}}, nil)}
	req, err := http.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &staged{
		g: &Gateway{cfg: Config{}.withDefaults()}, key: &snapshot.Key{Key: key.Key{ID: id.Key("key_1"), Environment: "production"}, Org: org},
		on: &surface{dialect: d}, req: req,
	}
}

// call is a call that has been read.
func (s *staged) call(tb testing.TB, body string) *Call {
	b := s.g.bodies.borrow(len(body))
	b.b = append(b.b[:0], body...)
	c := &Call{Surface: s.on, req: s.req, Text: "call_1", Caller: caller{key: s.key}}
	head, err := s.on.dialect.Probe(b.b, provider.Line{Nameless: true})
	if err != nil {
		tb.Fatal(err)
	}
	c.Ask = ask{buf: b, body: b.b, head: head, size: int64(len(b.b))}
	return c
}

func prompting8KB() (with, without string) {
	vars := map[string]string{}
	for i := range 10 {
		vars[fmt.Sprint("v", i)] = strings.Repeat("a \"value\" ", 4)
	}
	raw, _ := json.Marshal(vars) //nolint:errchkjson // texts encode
	messages := `"messages":[{"role":"user","content":"` + strings.Repeat("word ", 100) + `"}]}`
	return `{"model":"m","tollgate":{"prompt":"x","variables":` + string(raw) + `},` + messages, `{"model":"m",` + messages
}

// TestACallWithoutAPromptPaysNothingForTheStage: it takes no memory and scans nothing.
func TestACallWithoutAPromptPaysNothingForTheStage(t *testing.T) {
	s := newStaged(t)
	_, body := prompting8KB()
	c := s.call(t, body)
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.g.prompt(c); err != nil {
			t.Fatal(err)
		}
	}); n != 0 || c.prompt != nil {
		t.Errorf("%v allocations", n)
	}
}

// TestBuffersOfRenderedBodiesAreGivenBack: whatever becomes of a call.
func TestBuffersOfRenderedBodiesAreGivenBack(t *testing.T) {
	t.Parallel()
	s := newStaged(t)
	with, _ := prompting8KB()
	c := s.call(t, with)
	if err := s.g.prompt(c); err != nil {
		t.Fatal(err)
	}
	own, rendered := c.prompt.buf, c.Ask.buf
	if own == rendered || string(c.prompt.sent) != with || !json.Valid(c.Ask.body) || len(c.Ask.body) < 8000 {
		t.Fatalf("%d bytes", len(c.Ask.body))
	}
	first := string(c.Ask.body)
	chosen, err := s.key.Org.Prompts.Choose(prompt.Wanted{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.g.fillIn(c, c.Ask.wanted, &chosen); err != nil { // again, from the client's own body
		t.Fatal(err)
	}
	if string(c.Ask.body) != first || string(c.prompt.sent) != with {
		t.Error("rendered twice, a body is another one")
	}
	c.release()
	if c.prompt.buf != nil || c.Ask.buf != nil || len(own.b) != 0 {
		t.Error("a buffer is kept")
	}
	c.release() // twice is once
}

// BenchmarkPromptStage is choosing, rendering and inserting a prompt of 8 KB with ten variables, and what a call without one pays.
func BenchmarkPromptStage(b *testing.B) {
	with, without := prompting8KB()
	b.Run("none", func(b *testing.B) {
		s := newStaged(b)
		c := s.call(b, without)
		b.ReportAllocs()
		for b.Loop() {
			if err := s.g.prompt(c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("8KB", func(b *testing.B) {
		b.Cleanup(func() { debug.SetGCPercent(100) })
		debug.SetGCPercent(400) // as a proxy has it while its heap is small: see tuneCollector
		s := newStaged(b)
		took := make([]time.Duration, 0, 1<<20)
		b.ReportAllocs()
		for b.Loop() {
			c := s.call(b, with)
			start := time.Now()
			if err := s.g.prompt(c); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			c.release()
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	})
}
