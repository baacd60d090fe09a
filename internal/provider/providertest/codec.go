package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

// Whole is a dialect of an operation that never streams, with both ends.
type Whole[Q, A any] interface {
	provider.Client
	provider.Target
	provider.Codec[Q, A]
}

// Writing is a dialect of an operation that never streams, with the end towards providers only.
type Writing[Q, A any] interface {
	provider.Target
	provider.Writes[Q, A]
}

// ExerciseWhole holds a dialect with both ends to what every dialect guarantees, over the same files as Exercise in a folder of
// testdata ("." for itself): *.request.json and *.answer.json.
func ExerciseWhole[Q, A any](t *testing.T, d Whole[Q, A], dir string) {
	t.Helper()
	t.Run("requests", func(t *testing.T) {
		t.Parallel()
		eachIn(t, dir, ".request.json", func(t *testing.T, n string, b []byte) { wholeRequest(t, d, n, b) })
	})
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		eachIn(t, dir, ".answer.json", func(t *testing.T, n string, b []byte) {
			a, ok := wholeAnswer(t, d, n, b)
			if !ok {
				return
			}
			again, err := d.ParseResponse(d.AppendResponse(nil, a))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(written(t, a), written(t, again)); diff != "" {
				t.Errorf("the answer changed (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("bad requests name the field", func(t *testing.T) { t.Parallel(); badHeads(t, d) })
	t.Run("errors", func(t *testing.T) { t.Parallel(); wholeErrors(t, d, dir) })
	t.Run("refusals", func(t *testing.T) { t.Parallel(); Refusals(t, d) })
}

// ExerciseWriting holds a dialect with one end to what every target guarantees: *.answer.json in a folder of testdata are a provider's
// answers, and q are requests by the name of their golden file.
func ExerciseWriting[Q, A any](t *testing.T, d Writing[Q, A], dir string, q map[string]Q) {
	t.Helper()
	t.Run("requests", func(t *testing.T) {
		t.Parallel()
		for _, name := range slices.Sorted(maps.Keys(q)) {
			built, err := d.BuildRequest(q[name])
			var f *fault.Error
			switch {
			case err == nil:
				golden.Equal(t, dir+"/"+name+".built.golden", indent(t, json.RawMessage(built)))
			case errors.As(err, &f):
				golden.Equal(t, dir+"/"+name+".built.golden", []byte("refused: "+f.Field+": "+f.Error()+"\n"))
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		eachIn(t, dir, ".answer.json", func(t *testing.T, n string, b []byte) { wholeAnswer(t, d, n, b) })
	})
	t.Run("refusals", func(t *testing.T) { t.Parallel(); Refusals(t, d) })
}

// eachIn runs check over the files of a folder of testdata with a suffix; name is the file's without it, folder included.
func eachIn(t *testing.T, dir, suffix string, check func(t *testing.T, name string, body []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*"+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("no *%s in testdata/%s (%v)", suffix, dir, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), suffix)
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, dir+"/"+name, body) })
	}
}

// written is what of an answer a client gets: not what the provider says it cost, which is told in the gateway's own words.
func written(t *testing.T, a any) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(Plain(t, a), &v); err != nil {
		t.Fatal(err)
	}
	delete(v, "Reported")
	return v
}

func wholeRequest[Q, A any](t *testing.T, d Whole[Q, A], name string, body []byte) {
	h, err := d.Probe(body, provider.Line{})
	if err != nil {
		t.Fatal(err)
	}
	if h.Stream {
		t.Error("a stream was found")
	}
	CheckSplice(t, d, body, h)
	q, err := d.ParseRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	built, err := d.BuildRequest(q)
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
	for cut := range bytes.TrimRight(body, " \n") {
		if _, err := d.Probe(body[:cut], provider.Line{}); !errors.Is(err, provider.ErrBody) {
			t.Fatalf("a body cut at %d: err = %v", cut, err)
		}
	}
}

// wholeAnswer compares what Inspect and ParseResponse find, with the usage that a neutral answer tells.
func wholeAnswer[Q, A any](t *testing.T, d Writing[Q, A], name string, body []byte) (A, bool) {
	seen := d.Inspect(body)
	a, err := d.ParseResponse(body)
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		if seen.Refusal == nil || seen.Ended {
			t.Errorf("Inspect saw no refusal: %+v", seen)
		}
		golden.Equal(t, name+".golden", Plain(t, refusal))
		return a, false
	}
	if err != nil {
		t.Fatal(err)
	}
	used, ok := any(a).(interface{ Used() chat.Usage })
	if !ok || seen.Usage != used.Used() || !seen.Ended {
		t.Errorf("Inspect %+v and ParseResponse %+v differ", seen, a)
	}
	golden.Equal(t, name+".golden", append(Plain(t, a), Plain(t, seen)...))
	return a, true
}

func badHeads(t *testing.T, d provider.Client) {
	tests := []struct{ name, body, field string }{
		{"no object", `[1]`, ""},
		{"nothing", ``, ""},
		{"not JSON", `{"model":"m" "x":1}`, ""},
		{"text behind the end", `{"model":"m"}}`, ""},
		{"no model", `{"input":"x"}`, "model"},
		{"two models", `{"model":"a","model":"b"}`, "model"},
		{"two models, one in disguise", `{"model":"a","mod\u0065l":"b"}`, "model"},
		{"a model in another case", `{"model":"a","Model":"b"}`, "model"},
		{"a model that is no string", `{"model":7}`, "model"},
		{"a tollgate member that is no object", `{"model":"m","tollgate":1}`, "tollgate"},
	}
	for _, tt := range tests {
		_, err := d.Probe([]byte(tt.body), provider.Line{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: err = %v, want an invalid request naming %q", tt.name, err, tt.field)
		}
	}
}

func wholeErrors(t *testing.T, d interface {
	provider.Client
	provider.Target
}, dir string,
) {
	var all bytes.Buffer
	for _, p := range []provider.Problem{
		{Status: 400, Kind: fault.Invalid, Code: "request.invalid_body", Message: "A \"bad\" body.", Field: "input.0", CallID: "call_1"},
		{Status: 401, Kind: fault.Unauthenticated, Code: "key.unknown", Message: "No such key."},
		{Status: 429, Kind: fault.RateLimited, Code: "limit.requests", Message: "Too fast."},
		{Status: 502, Kind: fault.Upstream, Code: "provider.failed", Message: "Theirs.", Provider: &provider.ProviderProblem{Name: "acme", Status: 500, Type: "t", Code: "c", Message: "m"}},
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
	}
	golden.Equal(t, dir+"/errors.golden", all.Bytes())
}

// Refusals holds a target to the classes of plain statuses, whatever stands in the body.
func Refusals(t *testing.T, d provider.Target) {
	t.Helper()
	for status, want := range map[int]provider.Class{
		400: provider.ClassInvalid, 401: provider.ClassCredential, 402: provider.ClassQuota, 403: provider.ClassCredential,
		404: provider.ClassNotFound, 408: provider.ClassTimeout, 422: provider.ClassInvalid, 429: provider.ClassRateLimited,
		500: provider.ClassServer, 502: provider.ClassServer, 503: provider.ClassOverloaded, 504: provider.ClassTimeout, 529: provider.ClassOverloaded,
	} {
		for _, body := range []string{"", "<html>Bad gateway</html>", `{"error":`, "null", `{"error":"No."}`, `{"message":"No."}`, `[]`} {
			r := d.ParseRefusal(status, nil, []byte(body))
			if r.Class != want || r.Status != status || r.Message == "" || strings.Contains(r.Message, "<") {
				t.Errorf("%d %q: %+v, want %s", status, body, r, want)
			}
		}
	}
}
