package gateway_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/key"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/snapshot"
)

// TestADeferredCallKeepsTheVersionThatItHadWhenItWasSent, though labels move before it runs, and the prompt is gone before its answer is
// read: version and label stand in the log.
func TestADeferredCallKeepsTheVersionThatItHadWhenItWasSent(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	d.org.Prompts = shelved()
	var mu sync.Mutex
	var lines []string
	move := func(shelf *prompt.Shelf, rev int64) {
		next := *d.org
		next.Prompts = shelf
		d.org = &next
		keys := map[key.Hash]*snapshot.Key{}
		for h, k := range d.keys {
			fresh := *k
			fresh.Org = &next
			keys[h] = &fresh
		}
		d.keys = keys
		d.publish(rev)
	}
	d.provider.Fails = func(body []byte) bool { // the provider has done the line: its answer is read without the prompt
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, string(body))
		move(nil, 3)
		return false
	}
	sent := func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(lines) == 0 {
			return ""
		}
		return lines[0]
	}
	d.start()
	body := `{"model":"openai/gpt-4o-mini","tollgate":{"defer":true,"prompt":"support/greeting:staging","variables":{"name":"Ada"}}}`
	job := decoded[struct{ ID, Status, URL string }](t, d.post("/v1/chat/completions", body))
	moved := prompt.NewShelf([]prompt.Stock{{
		Prompt:   prompt.Prompt{ID: "prompt_g", Name: "renamed", Kind: prompt.Text, Latest: 2, Labels: map[string]int{"production": 1, "staging": 1}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "One"}}, {Number: 2, Content: prompt.Content{Text: "Two {{name}}", Variables: []template.Variable{{Name: "name", Kind: template.String}}}}},
	}}, nil)
	move(moved, 2)
	w := d.worker()
	for deadline := time.Now().Add(30 * time.Second); job.Status == "queued"; {
		if time.Now().After(deadline) {
			t.Fatalf("the job is not over: %+v", job)
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		job = decoded[struct{ ID, Status, URL string }](t, d.get(job.URL))
		time.Sleep(10 * time.Millisecond)
	}
	if got := sent(); strings.Count(got, "Two Ada") != 1 || strings.Contains(got, "tollgate") {
		t.Errorf("the provider was sent %s", got)
	}
	if r := d.get(job.URL + "/result"); r.status != 200 {
		t.Errorf("the answer that is paid is not given: %d %s", r.status, r.body)
	}
	var which, label string
	var version int
	err := d.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT prompt_id, prompt_version, prompt_label FROM calls WHERE batch_id = $1`, job.ID).Scan(&which, &version, &label)
	})
	if err != nil || which != "prompt_g" || version != 2 || label != "staging" {
		t.Errorf("prompt %q, version %d, label %q, %v", which, version, label, err)
	}
}
