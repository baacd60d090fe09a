package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/alias"
	"tollgate/internal/batch"
	"tollgate/internal/batch/batchhttp"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/batch/batchtest"
	"tollgate/internal/batch/remote"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/snapshot"
)

// depot is a world with a database, in which batches run at a provider made by hand.
type depot struct {
	*world
	db       *postgres.DB
	provider *batchtest.Provider
}

func newDepot(t *testing.T, vendors ...string) *depot {
	d := &depot{world: newWorld(t), db: pgtest.New(t), provider: &batchtest.Provider{Now: time.Now, Takes: 300 * time.Millisecond}}
	scope, team := pgtest.Org(t, d.db, "Acme")
	d.org.ID, d.key.Team, d.key.Scope = scope.Org(), team, scope
	for _, v := range vendors {
		d.connect(v, d.provider.ServeHTTP)
	}
	face := batchhttp.Face{Batches: batch.NewService(batchpg.New(d.db), time.Now)}
	caller := func(k *snapshot.Key) batch.Caller { return batch.Caller{Scope: k.Scope, Team: k.Team, Key: k.ID} }
	keyed := func(serve func(http.ResponseWriter, *http.Request, batch.Caller) error) gateway.KeyHandler {
		return func(w http.ResponseWriter, r *http.Request, k *snapshot.Key) error { return serve(w, r, caller(k)) }
	}
	d.keyed = gateway.Keyed{
		Batches: keyed(face.OpenAI), Messages: keyed(face.Messages), Files: keyed(face.Files), Jobs: keyed(face.Jobs),
		Defer: func(ctx context.Context, k *snapshot.Key, call id.Call, path string, h http.Header, body []byte) (string, []byte, error) {
			return face.Defer(ctx, caller(k), call, path, h, body)
		},
	}
	return d
}

// worker is a new worker.
func (d *depot) worker() *batch.Runner {
	calls := calllogpg.New(d.db)
	return batch.NewRunner(batch.Deps{
		Work: batchpg.New(d.db), Calls: d.gw.Lines(), Drivers: remote.Drivers(), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Ingest: func(ctx context.Context, records []calllog.Record) error {
			_, err := calls.Ingest(ctx, records, calllog.Beat{})
			return err
		},
		Config: batch.Config{Lease: time.Second, Poll: 20 * time.Millisecond, PollMax: 100 * time.Millisecond, Linger: 50 * time.Millisecond, Page: 50},
	})
}

// upload sends a file as an SDK does; fields in the order given: "purpose" or "file".
func (d *depot) upload(content string, order ...string) answer {
	d.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	for _, field := range order {
		if field == "purpose" {
			_ = m.WriteField("purpose", "batch")
			continue
		}
		part, _ := m.CreateFormFile("file", "in.jsonl")
		_, _ = io.WriteString(part, content)
	}
	_ = m.Close()
	r, err := http.NewRequest(http.MethodPost, d.url+"/v1/files", &form)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.secret)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return d.send(r)
}

func (d *depot) get(path string) answer {
	d.t.Helper()
	r := d.request(path, "")
	r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	return d.send(r)
}

func decoded[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

// batchAnswer is what tests look at of a batch.
type batchAnswer struct {
	ID     string
	Status string
	Output string                                 `json:"output_file_id"`
	Errors string                                 `json:"error_file_id"`
	Counts struct{ Total, Completed, Failed int } `json:"request_counts"`
}

// submit uploads lines and makes a batch of them.
func (d *depot) submit(lines string) batchAnswer {
	d.t.Helper()
	file := decoded[struct{ ID string }](d.t.(*testing.T), d.upload(lines, "purpose", "file"))
	a := d.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, file.ID))
	if a.status != http.StatusOK {
		d.t.Fatalf("%d %s", a.status, a.body)
	}
	return decoded[batchAnswer](d.t.(*testing.T), a)
}

// await turns workers until the batch is over; each of the first so many is killed in the middle of a turn.
func (d *depot) await(which string, kills int) batchAnswer {
	d.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithCancel(d.t.Context())
		if kills > 0 {
			kills--
			time.AfterFunc(time.Duration(50+rand.IntN(250))*time.Millisecond, cancel)
		}
		w := d.worker()
		for ctx.Err() == nil {
			_ = w.Turn(ctx) // a dead worker's failure is nobody's
			b := decoded[batchAnswer](d.t.(*testing.T), d.get("/v1/batches/"+which))
			switch b.Status {
			case "completed", "failed", "cancelled", "expired":
				cancel()
				return b
			}
			if time.Now().After(deadline) {
				d.t.Fatalf("the batch is not over: %+v", b)
			}
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}
}

// bill is what the call log has of a batch, by provider: calls and their cost.
func (d *depot) bill(which string) map[string][2]int64 {
	d.t.Helper()
	out := map[string][2]int64{}
	err := d.db.InSystemPgx(d.t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(d.t.Context(), `SELECT provider || ' ' || outcome, count(*), sum(cost_nano)::bigint FROM calls WHERE batch_id = $1 GROUP BY 1`, which)
		if err != nil {
			return err
		}
		var name string
		var n, cost int64
		_, err = pgx.ForEachRow(rows, []any{&name, &n, &cost}, func() error { out[name] = [2]int64{n, cost}; return nil })
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func chatLines(n int, model func(i int) string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"custom_id":"line-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":"%d?"}]}}`+"\n", i, model(i), i)
	}
	return b.String()
}

// What a line of the provider made by hand costs at half the list price, in nano-dollars.
const (
	miniBatchCost  = (batchtest.InputTokens*150_000 + batchtest.OutputTokens*600_000) / 2 / 1000
	haikuBatchCost = (batchtest.InputTokens*1_000_000 + batchtest.OutputTokens*5_000_000) / 2 / 1000
)

func TestAThousandLinesOverTwoProvidersAreBilledOnceThoughWorkersAreKilled(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai", "anthropic")
	d.start()
	const n = 1000
	made := d.submit(chatLines(n, func(i int) string {
		return []string{"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"}[i%2]
	}))
	b := d.await(made.ID, 3)
	if b.Status != "completed" || b.Counts.Total != n || b.Counts.Completed != n || b.Errors != "" {
		t.Fatalf("%+v", b)
	}
	out := d.get("/v1/files/" + b.Output + "/content")
	seen := map[string]bool{}
	for line := range strings.Lines(out.body) {
		var l struct {
			CustomID string `json:"custom_id"`
			Response struct {
				Status int `json:"status_code"`
				Body   struct {
					Object  string
					Choices []struct{ Message struct{ Content string } }
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if seen[l.CustomID] || l.Response.Status != 200 || l.Response.Body.Object != "chat.completion" || !strings.HasPrefix(l.Response.Body.Choices[0].Message.Content, "answer to call_") {
			t.Fatalf("%s", line)
		}
		seen[l.CustomID] = true
	}
	if len(seen) != n {
		t.Errorf("%d answers, want %d", len(seen), n)
	}
	bill := d.bill(made.ID)
	if bill["openai ok"] != [2]int64{n / 2, n / 2 * miniBatchCost} || bill["anthropic ok"] != [2]int64{n / 2, n / 2 * haikuBatchCost} || len(bill) != 2 {
		t.Errorf("the call log has %v", bill)
	}
	billed := d.provider.Billed()
	for call, times := range billed {
		if times != 1 {
			t.Errorf("the provider billed %s %d times", call, times)
		}
	}
	if len(billed) != n {
		t.Errorf("the provider billed %d lines, want %d", len(billed), n)
	}
}

func TestLinesOfAProviderWithoutABatchAPIAreRunOneByOne(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.start()
	made := d.submit(chatLines(20, func(i int) string { return []string{"sandbox/echo-mini", "openai/none"}[i%10/9] }))
	b := d.await(made.ID, 0)
	if b.Status != "completed" || b.Counts.Completed != 18 || b.Counts.Failed != 2 {
		t.Fatalf("%+v", b)
	}
	bill := d.bill(made.ID)
	if bill["sandbox ok"][0] != 18 || bill["sandbox ok"][1] == 0 || bill[" refused"] != [2]int64{2, 0} {
		t.Errorf("the call log has %v", bill)
	}
	if bad := d.get("/v1/files/" + b.Errors + "/content"); strings.Count(bad.body, `"status_code":400`) != 2 || !strings.Contains(bad.body, "provider.not_connected") {
		t.Errorf("%s", bad.body)
	}
}

func TestAProviderThatHasNoBatchAPIAtItsAddressIsAskedLineByLine(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.connect("openai", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chat/completions" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"x","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":1000,"completion_tokens":100}}`)
	})
	d.start()
	made := d.submit(chatLines(5, func(int) string { return "openai/gpt-4o-mini" }))
	b := d.await(made.ID, 0)
	if bill := d.bill(made.ID); b.Counts.Completed != 5 || bill["openai ok"] != [2]int64{5, 5 * 2 * miniBatchCost} {
		t.Errorf("%+v, the call log has %v", b, bill)
	}
}

func TestAFileThatIsNotValidFailsWithItsLines(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	d.start()
	good := chatLines(1, func(int) string { return "openai/gpt-4o-mini" })
	bad := good + good + "{\n" + strings.Replace(good, "/v1/chat/completions", "/v1/embeddings", 1)
	file := decoded[struct{ ID string }](t, d.upload(bad, "file", "purpose"))
	made := decoded[batchAnswer](t, d.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, file.ID)))
	if b := d.await(made.ID, 0); b.Status != "failed" || b.Counts.Total != 0 {
		t.Errorf("%+v", b)
	}
	body := d.get("/v1/batches/" + made.ID).body
	for _, want := range []string{`"code":"duplicate_custom_id"`, `"line":2`, `"code":"invalid_json_line"`, `"line":3`, `"code":"mismatched_endpoint"`, `"line":4`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

func TestAnotherTeamSeesNeitherBatchNorFile(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	stranger, secret := d.addKey("production")
	stranger.Scope, stranger.Team = d.key.Scope, "team_other"
	d.start()
	made := d.submit(chatLines(1, func(int) string { return "openai/gpt-4o-mini" }))
	b := d.await(made.ID, 0)
	d.secret = secret
	for _, path := range []string{"/v1/batches/" + made.ID, "/v1/files/" + b.Output, "/v1/files/" + b.Output + "/content"} {
		if a := d.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/v1/batches", "/v1/files"} {
		if a := d.get(path); a.status != http.StatusOK || !strings.Contains(a.body, `"data":[]`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestACancelledBatchKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai", "anthropic")
	d.provider.Takes = time.Hour
	d.start()
	made := d.submit(chatLines(20, func(i int) string { return []string{"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"}[i%2] }))
	w := d.worker()
	for d.provider.Batches() < 2 {
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a := d.post("/v1/batches/"+made.ID+"/cancel", ""); a.status != http.StatusOK || decoded[batchAnswer](t, a).Status != "cancelling" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	b := d.await(made.ID, 0)
	bill := d.bill(made.ID)
	if b.Status != "cancelled" || b.Counts.Completed != 10 || bill["openai ok"][0] != 5 || bill["anthropic ok"][0] != 5 {
		t.Errorf("%+v, the call log has %v", b, bill)
	}
	if a := d.get("/v1/files/" + b.Errors + "/content"); strings.Count(a.body, "batch_cancelled") != 10 {
		t.Errorf("%s", a.body)
	}
}

func TestADeferredCallIsAJobAndIsInTheLogOnce(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai", "anthropic")
	d.start()
	body := `{"model":"anthropic/claude-haiku-4-5","max_tokens":50,"messages":[{"role":"user","content":"later"}]}`
	a := d.post("/v1/chat/completions", body, "X-Tollgate-Defer", "1")
	job := decoded[struct{ ID, Object, Status, URL string }](t, a)
	call := a.header.Get("X-Tollgate-Call-Id")
	if a.status != http.StatusAccepted || job.Object != "tollgate.job" || job.Status != "queued" || a.header.Get("Location") != job.URL {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if r := d.get(job.URL + "/result"); r.status != http.StatusAccepted {
		t.Errorf("%d %s", r.status, r.body)
	}
	w := d.worker()
	for deadline := time.Now().Add(30 * time.Second); job.Status == "queued"; {
		if time.Now().After(deadline) {
			t.Fatal("the job is not over")
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		job = decoded[struct{ ID, Object, Status, URL string }](t, d.get(job.URL))
		time.Sleep(10 * time.Millisecond)
	}
	r := d.get(job.URL + "/result")
	if r.status != 200 || !strings.Contains(r.body, `"object":"chat.completion"`) || !strings.Contains(r.body, "answer to "+call) || r.header.Get("X-Tollgate-Call-Id") != call {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if bill := d.bill(job.ID); bill["anthropic ok"] != [2]int64{1, haikuBatchCost} || len(bill) != 1 {
		t.Errorf("the call log has %v", bill)
	}
	if len(d.log.finals) != 0 {
		t.Errorf("the proxy logged %d calls as well", len(d.log.finals))
	}
	if a := d.post("/v1/chat/completions", strings.Replace(body, "{", `{"stream":true,`, 1), "X-Tollgate-Defer", "1"); a.status != http.StatusBadRequest {
		t.Errorf("a stream was deferred: %d %s", a.status, a.body)
	}
}

func TestMessageBatchesSpeakAnthropic(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai", "anthropic")
	d.provider.Fails = func(b []byte) bool { return bytes.Contains(b, []byte("wrong")) }
	d.start()
	params := func(model, text string) string {
		return fmt.Sprintf(`{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":%q}]}`, model, text)
	}
	a := d.post("/v1/messages/batches", fmt.Sprintf(`{"requests":[{"custom_id":"a","params":%s},{"custom_id":"b","params":%s},{"custom_id":"c","params":%s}]}`,
		params("openai/gpt-4o-mini", "x"), params("anthropic/claude-haiku-4-5", "x"), params("anthropic/claude-haiku-4-5", "wrong")))
	type view struct {
		ID      string
		Status  string                                       `json:"processing_status"`
		Results string                                       `json:"results_url"`
		Counts  struct{ Processing, Succeeded, Errored int } `json:"request_counts"`
	}
	v := decoded[view](t, a)
	if a.status != 200 || v.Status != "in_progress" || v.Counts.Processing != 3 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w := d.worker()
	for deadline := time.Now().Add(30 * time.Second); v.Status != "ended"; {
		if time.Now().After(deadline) {
			t.Fatal("the batch is not over")
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		v = decoded[view](t, d.get("/v1/messages/batches/"+v.ID))
		time.Sleep(10 * time.Millisecond)
	}
	r := d.get(v.Results)
	if v.Counts.Succeeded != 2 || v.Counts.Errored != 1 || strings.Count(r.body, `"type":"succeeded","message":{`) != 2 ||
		strings.Count(r.body, `"type":"message"`) != 2 || !strings.Contains(r.body, `{"custom_id":"c","result":{"type":"errored","error":{`) {
		t.Errorf("%+v %s", v, r.body)
	}
}

func TestAnAliasThatGoesByBatchTakesDeferredCallsAndLinesOnly(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	d.alias("bulk", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini", Via: alias.ViaBatch}}})
	d.org.Tasks = map[string]string{"batch-processing": "bulk"}
	d.start()
	body := `{"model":"bulk","messages":[{"role":"user","content":"later"}]}`
	if a := d.post("/v1/chat/completions", body); a.status != http.StatusBadRequest || !strings.Contains(a.body, "X-Tollgate-Defer") {
		t.Errorf("a plain call: %d %s", a.status, a.body)
	}
	byBody := strings.Replace(body, `{"model":"bulk"`, `{"tollgate":{"defer":true},"model":"task:batch-processing"`, 1)
	job := decoded[struct{ ID, Status, URL string }](t, d.post("/v1/chat/completions", byBody))
	w := d.worker()
	for deadline := time.Now().Add(30 * time.Second); job.Status != "completed"; {
		if time.Now().After(deadline) {
			t.Fatalf("the job is not over: %+v", job)
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		job = decoded[struct{ ID, Status, URL string }](t, d.get(job.URL))
		time.Sleep(10 * time.Millisecond)
	}
	var aliasName, task string
	var cost int64
	err := d.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT alias, task, cost_nano FROM calls WHERE batch_id = $1`, job.ID).Scan(&aliasName, &task, &cost)
	})
	if err != nil || aliasName != "bulk" || task != "batch-processing" || cost != miniBatchCost {
		t.Errorf("alias %q, task %q, cost %d, %v", aliasName, task, cost, err)
	}
	made := d.submit(chatLines(3, func(int) string { return "bulk" }))
	if b := d.await(made.ID, 0); b.Counts.Completed != 3 {
		t.Errorf("%+v", b)
	}
}

func TestFilesForAProviderStillPass(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.connect("openai", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":"file-theirs","path":%q,"tuning":%t}`, r.Method+" "+r.URL.Path, bytes.Contains(b, []byte("fine-tune")))
	})
	d.start()
	form := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nsome text\r\n--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n--x--\r\n"
	if a := d.post("/v1/files", form, "Content-Type", "multipart/form-data; boundary=x"); a.status != 200 || !strings.Contains(a.body, `"tuning":true`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := d.get("/v1/files/file-theirs"); a.status != 200 || !strings.Contains(a.body, "GET /files/file-theirs") {
		t.Errorf("%d %s", a.status, a.body)
	}
	broken := strings.Replace(form[:len(form)-20], "fine-tune", "batch", 1)
	before := d.get("/v1/files").body
	if a := d.post("/v1/files", broken, "Content-Type", "multipart/form-data; boundary=x"); a.status != http.StatusBadRequest {
		t.Errorf("a form that breaks off: %d %s", a.status, a.body)
	}
	if after := d.get("/v1/files").body; after != before || !strings.Contains(after, `"data":[]`) {
		t.Errorf("%s", after)
	}
}

func TestAKeyWithoutTheEndpointHasNoBatches(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.key.Endpoints = []key.Endpoint{key.ChatEndpoint}
	d.start()
	for _, path := range []string{"/v1/batches", "/v1/jobs/job_x", "/v1/messages/batches", "/v1/files"} {
		if a := d.get(path); a.status != http.StatusForbidden || !strings.Contains(a.body, "key.endpoint") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	d.secret = "tg_live_nothing"
	if a := d.get("/v1/batches"); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACallFromInsideIsTheKeysCall(t *testing.T) {
	t.Parallel()
	d := newWorld(t)
	d.key.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	d.start()
	in := gateway.Inside{Org: d.org.ID, Key: d.key.ID, Path: "/v1/chat/completions", Body: []byte(`{"model":"sandbox/echo-mini","messages":[{"role":"user","content":"hi"}]}`)}
	a, err := d.gw.Do(t.Context(), in)
	if err != nil || a.Status != 200 || !bytes.Contains(a.Body, []byte("chat.completion")) {
		t.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	r := d.log.last(t)
	if r.ID != a.Call || r.Key != d.key.ID || r.Org != d.org.ID || r.Outcome != calllog.OK || r.Cost == 0 {
		t.Errorf("%+v", r)
	}
	in.Path = "/v1/nothing"
	if a, err := d.gw.Do(t.Context(), in); err != nil || a.Status != http.StatusNotFound {
		t.Errorf("%d %s %v", a.Status, a.Body, err)
	}
	in.Org = "org_other"
	if _, err := d.gw.Do(t.Context(), in); !errors.Is(err, key.ErrUnknown) {
		t.Errorf("a key of another organization: %v", err)
	}
	in.Org, in.Path = d.org.ID, "/v1/chat/completions"
	d.key.RevokedAt = time.Unix(1, 0)
	if a, err := d.gw.Do(t.Context(), in); err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d %s %v", a.Status, a.Body, err)
	}
}

func TestARouteThatKeepsNoPayloadKeepsNoneOfItsLines(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	d.key.Privacy = key.PrivacyFull
	d.alias("secret", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, Privacy: alias.Privacy{Payload: "none"}})
	d.start()
	made := d.submit(chatLines(4, func(i int) string { return []string{"secret", "openai/gpt-4o-mini"}[i%2] }))
	d.await(made.ID, 0)
	var calls, payloads, wrong int
	err := d.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*), count(p.call_id), count(p.call_id) FILTER (WHERE c.alias = 'secret')
			FROM calls c LEFT JOIN call_payloads p USING (org_id, call_id)`).Scan(&calls, &payloads, &wrong)
	})
	if err != nil || calls != 4 || payloads != 2 || wrong != 0 {
		t.Errorf("%d calls, %d with a payload, %d of the route that keeps none; %v", calls, payloads, wrong, err)
	}
}

func TestALineUnderWayIsEndedWhenItsWorkerIsToldToStop(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	asked, release := make(chan struct{}, 8), make(chan struct{})
	d.connect("groq", func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
	})
	d.start()
	made := d.submit(chatLines(1, func(int) string { return "groq/m" }))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w := batch.NewRunner(func() batch.Deps { deps := d.worker().Deps; deps.Config.Lease = time.Minute; return deps }())
		for ctx.Err() == nil {
			_ = w.Turn(ctx)
		}
	}()
	<-asked
	stop()
	close(release)
	<-ended
	var state string
	err := d.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT state FROM batch_lines WHERE batch_id = $1`, made.ID).Scan(&state)
	})
	if err != nil || state != "done" || len(asked) != 0 {
		t.Errorf("the line is %s, and the provider was asked %d times more; %v", state, len(asked), err)
	}
}
