package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

// Both is a chat dialect with both ends.
type Both interface {
	provider.ChatClient
	provider.ChatTarget
}

// Exercise holds a dialect to what every dialect guarantees. The wire files are in testdata of the package under test, written by
// hand from the public descriptions of the API:
//
//	*.request.json  a client's body
//	*.answer.json   a provider's whole answer
//	*.sse           a provider's stream; cut-*.sse breaks off, failed-*.sse has an error in it
//
// A new case is a new file; -update makes its golden.
func Exercise(t *testing.T, d Both) {
	t.Helper()
	t.Run("requests", func(t *testing.T) {
		t.Parallel()
		eachFile(t, "*.request.json", func(t *testing.T, n string, b []byte) { request(t, d, n, b) })
	})
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		eachFile(t, "*.answer.json", func(t *testing.T, n string, b []byte) { answer(t, d, n, b) })
	})
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		eachFile(t, "*.sse", func(t *testing.T, n string, b []byte) { stream(t, d, n, b) })
	})
	t.Run("bad requests name the field", func(t *testing.T) { t.Parallel(); badRequests(t, d) })
	t.Run("the tollgate member is cut out wherever it stands", func(t *testing.T) { t.Parallel(); tollgateMember(t, d) })
	t.Run("errors", func(t *testing.T) { t.Parallel(); failures(t, d) })
	t.Run("refusals", func(t *testing.T) { t.Parallel(); refusals(t, d) })
}

func eachFile(t *testing.T, pattern string, check func(t *testing.T, name string, body []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in testdata (%v)", pattern, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), pattern[1:])
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, name, body) })
	}
}

// indent makes a golden file that a reviewer can read.
func indent(t *testing.T, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func request(t *testing.T, d Both, name string, body []byte) {
	h, err := d.Probe(body, provider.Line{})
	if err != nil {
		t.Fatal(err)
	}
	CheckSplice(t, d, body, h)
	r, err := d.ParseRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != h.Model || r.Stream != h.Stream || r.MaxTokens != h.MaxTokens {
		t.Errorf("Probe %+v and ParseRequest %+v differ", h, r)
	}
	built, err := d.BuildRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, name+".built.golden", indent(t, json.RawMessage(built)))
	again, err := d.ParseRequest(built)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := d.BuildRequest(again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built, twice) {
		t.Errorf("a second encoding differs:\n%s\n%s", built, twice)
	}
	for cut := range body { // every truncation is refused
		if bytes.HasPrefix(bytes.TrimSpace(body[cut:]), nil) && len(bytes.TrimSpace(body[cut:])) == 0 {
			break
		}
		if _, err := d.Probe(body[:cut], provider.Line{}); !errors.Is(err, provider.ErrBody) {
			t.Fatalf("a body cut at %d: err = %v", cut, err)
		}
	}
}

func answer(t *testing.T, d Both, name string, body []byte) {
	seen := d.Inspect(body)
	r, err := d.ParseResponse(body)
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		if seen.Refusal == nil || seen.Ended {
			t.Errorf("Inspect saw no refusal: %+v", seen)
		}
		golden.Equal(t, name+".golden", Plain(t, refusal))
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if seen.Usage != r.Usage || seen.ID != r.ID || seen.Finish != r.Finish || !seen.Ended {
		t.Errorf("Inspect %+v and ParseResponse %+v differ", seen, r)
	}
	golden.Equal(t, name+".golden", Plain(t, r))
	r.Cost = "0.000125"
	out := d.AppendResponse(nil, r)
	again, err := d.ParseResponse(out)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if r.Usage.Source != chat.Unknown && !bytes.Contains(out, []byte(`"cost":0.000125`)) {
		t.Errorf("no cost in\n%s", out)
	}
	compare(t, d, r, again)
}

// compare holds an answer against the one that was written and read again.
func compare(t *testing.T, d Both, want, got chat.Response) {
	t.Helper()
	if diff := cmp.Diff(essence(d, want), essence(d, got)); diff != "" {
		t.Errorf("the answer changed (-want +got):\n%s", diff)
	}
}

type essential struct {
	Parts  []chat.Part
	Finish chat.FinishReason
	In     int64
	Out    int64
}

// essence is what a dialect can say of an answer: parts without another dialect's extras, and empty ones left out.
func essence(d Both, r chat.Response) essential {
	e := essential{Finish: r.Finish, In: r.Usage.Units.InputTotal(), Out: r.Usage.Units.OutputTotal()}
	switch r.Finish { // words that only one dialect has
	case chat.FinishStopSeq, chat.FinishPause, chat.FinishOther:
		e.Finish = chat.FinishStop
	case chat.FinishContext:
		e.Finish = chat.FinishLength
	case chat.FinishRefusal:
		e.Finish = chat.FinishFilter
	default: // both have it
	}
	if !fewReasons(d.Name()) {
		e.Finish = r.Finish
	}
	for _, p := range r.Parts {
		if p.Kind == chat.Opaque || (p.Kind == chat.Text && p.Text == "") {
			continue
		}
		p.Extra = nil
		if p.Kind == chat.ToolCall {
			p.Args = compact(p.Args)
		}
		if n := len(e.Parts); p.Kind == chat.Text && n > 0 && e.Parts[n-1].Kind == chat.Text && asksForUsage(d.Name()) {
			e.Parts[n-1].Text += p.Text
			continue
		}
		e.Parts = append(e.Parts, p)
	}
	return e
}

// compact takes the space out of arguments; those of a call without any are an empty object, and what is no JSON stays.
func compact(args json.RawMessage) json.RawMessage {
	if len(args) == 0 {
		return json.RawMessage("{}")
	}
	var buf bytes.Buffer
	if json.Compact(&buf, args) != nil {
		return args
	}
	return buf.Bytes()
}

func badRequests(t *testing.T, d Both) {
	limit := limitField(d.Name())
	tests := []struct{ name, body, field string }{
		{"no object", `[1]`, ""},
		{"a string", `"x"`, ""},
		{"nothing", ``, ""},
		{"not JSON", `{"model":"m" "x":1}`, ""},
		{"text behind the end", `{"model":"m"}}`, ""},
		{"no model", `{"messages":[]}`, "model"},
		{"an empty model", `{"model":""}`, "model"},
		{"a model that is no string", `{"model":7}`, "model"},
		{"two models", `{"model":"a","model":"b"}`, "model"},
		{"two models, one in disguise", `{"model":"a","mod\u0065l":"b"}`, "model"},
		{"a model in another case", `{"model":"a","Model":"b"}`, "model"},
		{"a stream in another case", "{\"model\":\"a\",\"\u017ftream\":true}", "stream"},
		{"a stream that is no boolean", `{"model":"m","stream":"true"}`, "stream"},
		{"a cap that is no number", `{"model":"m","` + limit + `":"7"}`, limit},
		{"a cap with a fraction", `{"model":"m","` + limit + `":1.5}`, limit},
		{"metadata that is no object", `{"model":"m","metadata":[]}`, "metadata"},
		{"a tollgate member that is no object", `{"model":"m","tollgate":1}`, "tollgate"},
		{"a provider that is no object", `{"model":"m","provider":"x"}`, "provider"},
		{"models that are no list", `{"model":"m","models":"x"}`, "models"},
		{"two provider objects", `{"model":"m","provider":{},"provider":{}}`, "provider"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := d.Probe([]byte(tt.body), provider.Line{})
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid {
				t.Fatalf("err = %v, want an invalid request", err)
			}
			if f.Field != tt.field {
				t.Errorf("field %q, want %q", f.Field, tt.field)
			}
		})
	}
}

func tollgateMember(t *testing.T, d Both) {
	for _, body := range []string{
		`{"tollgate":{"a":"}"},"model":"m","x":1}`,
		`{ "tollgate" : {} , "model":"m"}`,
		`{"model":"m","tollgate":{"a":[1,2]},"x":1}`,
		`{"model":"m","tollgate":{}}`,
		"{\n  \"stream\": true,\n  \"tollgate\": {},\n  \"model\": \"m\"\n}\n",
		`{"tollgate":{},"stream":true,"model":"m"}`,
		`{"tollgate":{},"provider":{"only":["a,b"]},"models":["x"],"model":"m"}`,
		`{"model":"m","provider":{},"tollgate":{},"models":[]}`,
		`{"models":["x"],"model":"m","tollgate":{}, "stream":true , "provider":{"a":"}"} }`,
		`{"provider": {} , "x":1, "tollgate":{},"model":"m","models":["x","y"]}`,
	} {
		h, err := d.Probe([]byte(body), provider.Line{})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if h.Tollgate == nil {
			t.Errorf("%s: not found", body)
		}
		CheckSplice(t, d, []byte(body), h)
		if got := splice(d, []byte(body), h, "n"); bytes.Contains(got, []byte("tollgate")) || bytes.Contains(got, []byte("provider")) || bytes.Contains(got, []byte("models")) {
			t.Errorf("%s became %s", body, got)
		}
	}
}

func failures(t *testing.T, d Both) {
	var all bytes.Buffer
	for _, p := range []provider.Problem{
		{Status: 400, Kind: fault.Invalid, Code: "request.invalid_body", Message: "A \"bad\" body.", Field: "messages.0", CallID: "call_1"},
		{Status: 401, Kind: fault.Unauthenticated, Code: "key.unknown", Message: "No such key."},
		{Status: 402, Kind: fault.PaymentRequired, Code: "budget.exhausted", Message: "No money left."},
		{Status: 403, Kind: fault.Forbidden, Code: "key.no_alias", Message: "Not yours."},
		{Status: 404, Kind: fault.NotFound, Code: "model.unknown", Message: "No such model.", Field: "model"},
		{Status: 413, Kind: fault.TooLarge, Code: "request.too_large", Message: "Too large."},
		{Status: 429, Kind: fault.RateLimited, Code: "limit.requests", Message: "Too fast."},
		{Status: 500, Kind: fault.Internal, Code: "internal", Message: "Ours."},
		{Status: 502, Kind: fault.Upstream, Code: "provider.failed", Message: "Theirs.", Provider: &provider.ProviderProblem{Name: "acme", Status: 500, Type: "t", Code: "c", Message: "m"}},
		{Status: 503, Kind: fault.Unavailable, Code: "unavailable", Message: "Later."},
		{Status: 504, Kind: fault.Timeout, Code: "provider.timeout", Message: "Too slow."},
		{Status: 529, Kind: fault.Upstream, Code: "provider.overloaded", Message: "Full."},
	} {
		body := d.AppendError(nil, p)
		if !json.Valid(body) {
			t.Fatalf("not JSON: %s", body)
		}
		all.Write(body)
		all.WriteByte('\n')
		if r := d.ParseRefusal(p.Status, nil, body); r.Message != p.Message {
			t.Errorf("read back as %+v", r)
		}
		events, err := Read(d.NewReader(), d.AppendStreamError(nil, p))
		if err != nil || len(events) != 1 || events[0].Kind != chat.Failure {
			t.Errorf("in a stream: %v, %v", events, err)
		}
		tap := d.NewTap(provider.Head{Stream: true})
		tap.Feed(d.AppendStreamError(nil, p))
		if seen := tap.Seen(); seen.Refusal == nil || seen.Ended {
			t.Errorf("a tap saw %+v", seen)
		}
	}
	golden.Equal(t, "errors.golden", all.Bytes())
}

// Read decodes a whole stream.
func Read(r provider.Reader, body []byte) ([]chat.Event, error) {
	var events []chat.Event
	emit := func(e chat.Event) { events = append(events, e) }
	if err := r.Feed(body, emit); err != nil {
		return events, err
	}
	return events, r.Close(emit)
}

func refusals(t *testing.T, d Both) {
	for status, want := range map[int]provider.Class{
		400: provider.ClassInvalid, 401: provider.ClassCredential, 402: provider.ClassQuota, 403: provider.ClassCredential,
		404: provider.ClassNotFound, 408: provider.ClassTimeout, 422: provider.ClassInvalid, 429: provider.ClassRateLimited,
		500: provider.ClassServer, 502: provider.ClassServer, 503: provider.ClassOverloaded, 504: provider.ClassTimeout, 529: provider.ClassOverloaded,
	} {
		for _, body := range []string{"", "<html>Bad gateway</html>", `{"error":`, "null", `{"error":{"message":"No."}}`, `[]`} {
			r := d.ParseRefusal(status, nil, []byte(body))
			if r.Class != want || r.Status != status || r.Message == "" || strings.Contains(r.Message, "<") {
				t.Errorf("%d %q: %+v, want %s", status, body, r, want)
			}
		}
	}
}
