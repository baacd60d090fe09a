package remote_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/batch/remote"
	"tollgate/internal/id"
)

// script answers a provider's paths with bodies, and keeps what it was asked.
type script struct {
	t       *testing.T
	answers map[string]string // "GET /batches/x" -> body; a body that begins with a status and a space fails
	asked   []batch.Request
}

func (s *script) way(_ context.Context, req batch.Request) (*http.Response, error) {
	s.asked = append(s.asked, req)
	path, _, _ := strings.Cut(req.Path, "?")
	body, ok := s.answers[req.Method+" "+path]
	if !ok {
		s.t.Errorf("asked %s %s", req.Method, req.Path)
		return nil, errors.New("no such path")
	}
	status := http.StatusOK
	if rest, bad := strings.CutPrefix(body, "429 "); bad {
		status, body = http.StatusTooManyRequests, rest
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func call(n byte) id.Call { return id.Call{15: n} }

func lines() []batch.Line {
	return []batch.Line{
		{Call: call(1), Sent: []byte("{\"model\":\"m\",\n\"messages\":[]}")},
		{Call: call(2), Sent: []byte(`{"model":"m","messages":[]}`)},
	}
}

// providers are the drivers with what their providers really answered.
var providers = []struct {
	driver   string
	dialect  string
	path     string
	upstream string
	ask      string // path of a batch
	running  string
	ended    string
	files    map[string]string // further paths, by what stands there
	custom   []string          // of the answers
	says     string            // stands in the first answer
}{
	{
		driver: "openai", dialect: "openai-chat", path: "/chat/completions", upstream: "batch_6a85c08a63188190982c56b42faa4ff5",
		ask: "/batches/batch_6a85c08a63188190982c56b42faa4ff5", running: "openai_in_progress.json", ended: "openai_completed.json",
		files: map[string]string{"GET /files/file-4SnbT9qu8ShH2A1wCvTHNp/content": `{"id":"batch_req_1","custom_id":"1","response":{"status_code":200,"request_id":"r","body":{"id":"x","says":"four"}},"error":null}
{"id":"batch_req_2","custom_id":"0","response":{"status_code":400,"request_id":"r","body":{"error":{"message":"no"}}},"error":null}
{"id":"batch_req_3","custom_id":"2","response":null,"error":{"code":"batch_expired","message":"too late"}}
`},
		custom: []string{"1 200", "0 400", "2 missing"}, says: "four",
	},
	{
		driver: "anthropic", dialect: "anthropic-messages", path: "/messages", upstream: "msgbatch_01GSR2pUkGcad188iHy2BkZH",
		ask: "/messages/batches/msgbatch_01GSR2pUkGcad188iHy2BkZH", running: "anthropic_in_progress.json", ended: "anthropic_ended.json",
		files:  map[string]string{"GET /messages/batches/msgbatch_01GSR2pUkGcad188iHy2BkZH/results": "anthropic_results.jsonl"},
		custom: []string{"0 200"}, says: "msg_011CeCHqExY3pkcBckm37hEV",
	},
	{
		driver: "mistral", dialect: "openai-chat", path: "/chat/completions", upstream: "ca1cd668-91bd-4abb-accb-3541709c0db1",
		ask: "/batch/jobs/ca1cd668-91bd-4abb-accb-3541709c0db1", running: "mistral_running.json", ended: "mistral_success.json",
		files: map[string]string{"GET /files/abbe56be-ac4c-4562-9586-d3046defca39/content": `{"id":"b-0","custom_id":"0","response":{"status_code":200,"body":{"id":"four"}},"error":null}
{"id":"b-1","custom_id":"1","response":{"status_code":422,"body":{"message":"no"}},"error":null}
`},
		custom: []string{"0 200", "1 422"}, says: "four",
	},
	{
		driver: "gemini", dialect: "gemini", path: "/models/gemini-2.5-flash:generateContent", upstream: "batches/31u18uq6dr4ods3957z38i1mbfa581k01xcq",
		ask: "/batches/31u18uq6dr4ods3957z38i1mbfa581k01xcq", running: "gemini_running.json", ended: "gemini_succeeded.json",
		custom: []string{"0 200", "1 200"}, says: `"4"`,
	},
}

func TestRecordedBatchesAreFollowedToTheirAnswers(t *testing.T) {
	t.Parallel()
	for _, p := range providers {
		t.Run(p.driver, func(t *testing.T) {
			t.Parallel()
			d := remote.Drivers()[p.driver]
			if !d.Speaks(p.dialect) {
				t.Errorf("it does not speak %s", p.dialect)
			}
			parcel := &batch.Parcel{Upstream: p.upstream, Place: batch.Place{Path: p.path, Model: "m"}}
			running := &script{t: t, answers: map[string]string{"GET " + p.ask: recorded(t, p.running)}}
			if got, err := d.Poll(t.Context(), running.way, parcel); err != nil || got.Ended {
				t.Errorf("under way: %+v, %v", got, err)
			}
			over := &script{t: t, answers: map[string]string{"GET " + p.ask: recorded(t, p.ended)}}
			for path, body := range p.files {
				if strings.HasSuffix(body, ".jsonl") {
					body = recorded(t, body)
				}
				over.answers[path] = body
			}
			if got, err := d.Poll(t.Context(), over.way, parcel); err != nil || !got.Ended || got.Failed != "" {
				t.Errorf("over: %+v, %v", got, err)
			}
			var got []string
			var first string
			err := d.Results(t.Context(), over.way, parcel, func(r batch.Result) error {
				how := "missing"
				if !r.Missing {
					how = strconv.Itoa(r.Reply.Status)
				}
				got = append(got, r.CustomID+" "+how)
				if first == "" {
					first = string(r.Reply.Body)
				}
				return nil
			})
			if err != nil || !slices.Equal(got, p.custom) || !strings.Contains(first, p.says) {
				t.Errorf("results %q, first %s, %v", got, first, err)
			}
		})
	}
}

func TestAParcelIsSentAndFoundAgain(t *testing.T) {
	t.Parallel()
	one, two := call(1).String(), call(2).String()
	for _, tt := range []struct {
		driver  string
		answers map[string]string
		sent    []string // stands in the bodies that were sent, in order
		want    batch.Upstream
		list    string // path of the list
		found   string // a list with it
		other   string // a list without
	}{
		{
			"openai",
			map[string]string{"POST /files": `{"id":"file-1"}`, "POST /batches": `{"id":"batch_1"}`},
			[]string{
				`{"custom_id":"` + one + `","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}` + "\n" +
					`{"custom_id":"` + two + `","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}` + "\n",
				`"endpoint":"/v1/chat/completions","input_file_id":"file-1","metadata":{"tollgate_parcel":"parcel_1"}`,
			},
			batch.Upstream{ID: "batch_1", File: "file-1"},
			"GET /batches",
			`{"data":[{"id":"batch_0","metadata":null},{"id":"batch_1","input_file_id":"file-1","metadata":{"tollgate_parcel":"parcel_1"}}]}`,
			`{"data":[{"id":"batch_0","metadata":{"tollgate_parcel":"parcel_2"}}]}`,
		},
		{
			"anthropic",
			map[string]string{"POST /messages/batches": `{"id":"msgbatch_1"}`},
			[]string{`{"requests":[{"custom_id":"` + one + `","params":{"model":"m",` + "\n" + `"messages":[]}},{"custom_id":"` + two + `","params":{"model":"m","messages":[]}}]}`},
			batch.Upstream{ID: "msgbatch_1"},
			"GET /messages/batches",
			`{"data":[{"id":"msgbatch_2","created_at":"2030-01-01T00:00:05Z","request_counts":{"processing":3}},{"id":"msgbatch_1","created_at":"2030-01-01T00:00:01Z","request_counts":{"processing":1,"errored":1}}]}`,
			`{"data":[{"id":"msgbatch_3","created_at":"2030-01-01T00:00:05Z","request_counts":{"processing":2}},{"id":"msgbatch_1","created_at":"2029-12-31T00:00:01Z","request_counts":{"processing":2}}]}`,
		},
		{
			"mistral",
			map[string]string{"POST /files": `{"id":"f-1"}`, "POST /batch/jobs": `{"id":"j-1"}`},
			[]string{
				`{"custom_id":"` + one + `","body":{"model":"m","messages":[]}}` + "\n",
				`"endpoint":"/v1/chat/completions","input_files":["f-1"],"metadata":{"tollgate_parcel":"parcel_1"},"model":"m"`,
			},
			batch.Upstream{ID: "j-1", File: "f-1"},
			"GET /batch/jobs",
			`{"data":[{"id":"j-1","metadata":{"tollgate_parcel":"parcel_1"}}]}`, `{"data":[{"id":"j-1","metadata":null}]}`,
		},
		{
			"gemini",
			map[string]string{"POST /models/m:batchGenerateContent": `{"name":"batches/1"}`},
			[]string{`{"batch":{"displayName":"parcel_1","inputConfig":{"requests":{"requests":[{"request":{"model":"m",` + "\n" + `"messages":[]},"metadata":{"custom_id":"` + one + `"}},`},
			batch.Upstream{ID: "batches/1"},
			"GET /batches",
			`{"operations":[{"name":"batches/1","metadata":{"displayName":"parcel_1"}}]}`, `{"operations":[{"name":"batches/1","metadata":{"displayName":"other"}}]}`,
		},
	} {
		t.Run(tt.driver, func(t *testing.T) {
			t.Parallel()
			d := remote.Drivers()[tt.driver]
			p := &batch.Parcel{
				ID: "parcel_1", TriedAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Strangers: []string{"msgbatch_3"},
				Place: batch.Place{Path: "/chat/completions", Model: "m"},
			}
			s := &script{t: t, answers: tt.answers}
			got, err := d.Send(t.Context(), s.way, p, lines())
			if err != nil || got != tt.want {
				t.Fatalf("%+v, %v", got, err)
			}
			for i, want := range tt.sent {
				if !strings.Contains(string(s.asked[i].Body), want) {
					t.Errorf("sent %s\nwithout %s", s.asked[i].Body, want)
				}
			}
			want := tt.want
			if tt.driver == "mistral" {
				want.File = ""
			}
			if got, ok, err := d.Find(t.Context(), (&script{t: t, answers: map[string]string{tt.list: tt.found}}).way, p, lines()); err != nil || !ok || got != want {
				t.Errorf("Find = %+v, %v, %v", got, ok, err)
			}
			if got, ok, err := d.Find(t.Context(), (&script{t: t, answers: map[string]string{tt.list: tt.other}}).way, p, lines()); err != nil || ok {
				t.Errorf("Find of none = %+v, %v, %v", got, ok, err)
			}
			for path := range tt.answers {
				tt.answers[path] = `429 {"error":{"message":"slowly"}}`
			}
			var refusal *batch.Refusal
			if _, err := d.Send(t.Context(), (&script{t: t, answers: tt.answers}).way, p, lines()); !errors.As(err, &refusal) || refusal.Status != 429 || refusal.Message != "slowly" {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestABatchThatFoundNoRoomIsSentAgainAndOneThatIsNotValidIsNot(t *testing.T) {
	t.Parallel()
	d := remote.Drivers()["openai"]
	p := &batch.Parcel{ID: "parcel_1", Upstream: "b"}
	full := &script{t: t, answers: map[string]string{
		"GET /batches/b": `{"id":"b","status":"failed","errors":{"data":[{"code":"token_limit_exceeded","message":"Enqueued token limit reached"}]}}`,
		"GET /batches":   `{"data":[{"id":"b","metadata":{"tollgate_parcel":"parcel_1"}}]}`,
	}}
	if got, err := d.Poll(t.Context(), full.way, p); err != nil || !got.Full || got.Failed != "" {
		t.Errorf("%+v, %v", got, err)
	}
	p.Strangers = []string{"b"}
	if got, ok, err := d.Find(t.Context(), full.way, p, nil); err != nil || ok {
		t.Errorf("the batch that did nothing was found again: %+v, %v", got, err)
	}
	wrong := &script{t: t, answers: map[string]string{"GET /batches/b": `{"id":"b","status":"failed","errors":{"data":[{"code":"model_not_found","message":"No such model"}]}}`}}
	if got, err := d.Poll(t.Context(), wrong.way, p); err != nil || got.Full || got.Failed != "No such model" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnswersThatBreakOffAreNoEnd(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answers: map[string]string{"GET /messages/batches/b/results": `{"custom_id":"0","result":{"type":"succeeded","message":{}}}` + "\n" + `{"custom_id":"1","resu`}}
	n := 0
	err := remote.Drivers()["anthropic"].Results(t.Context(), s.way, &batch.Parcel{Upstream: "b"}, func(batch.Result) error { n++; return nil })
	if err == nil || n != 1 {
		t.Errorf("%d answers, %v", n, err)
	}
}
