package gemini_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// line is what a recorded request says in its path.
func line(c providertest.Case) provider.Line {
	_, model, _ := strings.Cut(c.Path, "/models/")
	model, action, _ := strings.Cut(model, ":")
	return provider.Line{Model: model, Stream: action == "streamGenerateContent"}
}

// array reports whether a recorded stream is a JSON array.
func array(c providertest.Case) bool { return c.Stream && c.Kind == "json" }

func TestRecordedRequestsPassUnchanged(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "gemini-generate") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			h, err := gemini.Dialect{}.Probe(c.Request, line(c))
			if err != nil {
				t.Fatal(err)
			}
			if edits := (gemini.Dialect{}).Edits(c.Request, h, "another"); len(edits) > 0 {
				t.Errorf("edits = %+v", edits)
			}
			if h.Model == "" || h.Stream != c.Stream {
				t.Errorf("head = %+v", h)
			}
		})
	}
}

// spoken is everything that a body says to a model, gathered without knowing the dialect.
type spoken struct{ Texts, Names, Args, Signatures, Data []string }

func spokenIn(t *testing.T, raw []byte) spoken {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var s spoken
	delete(v, "toolConfig")
	s.walk(v)
	s.Texts = []string{strings.Join(s.Texts, "")} // pieces of one text may have been joined
	for _, list := range []*[]string{&s.Names, &s.Args, &s.Signatures, &s.Data} {
		slices.Sort(*list)
	}
	return s
}

func (s *spoken) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			s.walk(item)
		}
	case map[string]any:
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for k := range v {
				if !yield(k) {
					return
				}
			}
		}) {
			s.member(strings.ReplaceAll(strings.ToLower(name), "_", ""), v[name])
		}
	}
}

func (s *spoken) member(name string, v any) {
	text, isText := v.(string)
	switch {
	case name == "text" && isText:
		s.Texts = append(s.Texts, text)
	case name == "name" && isText:
		s.Names = append(s.Names, text)
	case name == "thoughtsignature" && isText:
		s.Signatures = append(s.Signatures, text)
	case (name == "data" || name == "fileuri") && isText:
		s.Data = append(s.Data, strings.NewReplacer("-", "+", "_", "/").Replace(text))
	case name == "args" || name == "response":
		b, _ := json.Marshal(v)
		s.Args = append(s.Args, string(b))
	case name == "parameters", name == "parametersjsonschema", name == "responseschema", name == "responsejsonschema":
	default:
		s.walk(v)
	}
}

func TestRecordedRequestsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "gemini-generate") {
		if strings.Contains(c.Name, "3cbc52") { // a role that does not exist
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r, err := gemini.Dialect{}.ParseRequest(c.Request)
			if err != nil {
				t.Fatal(err)
			}
			r = r.Aimed(line(c).Model, c.Stream, chat.Encoding{})
			built, err := gemini.Dialect{}.BuildRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(spokenIn(t, c.Request), spokenIn(t, built)); diff != "" {
				t.Errorf("the request changed (-want +got):\n%s", diff)
			}
			again, err := gemini.Dialect{}.ParseRequest(built)
			if err != nil {
				t.Fatal(err)
			}
			again = again.Aimed(r.Model, r.Stream, r.Encoding)
			byName := cmpopts.SortSlices(func(a, b chat.Tool) bool { return a.Name < b.Name }) // functions go together
			ignore := cmp.Options{
				byName,
				cmpopts.IgnoreFields(chat.Part{}, "Path", "Extra"), cmpopts.IgnoreFields(chat.Tool{}, "Path"),
				cmp.Comparer(func(a, b json.RawMessage) bool { return compactJSON(a) == compactJSON(b) }),
			}
			if diff := cmp.Diff(r, again, ignore); diff != "" {
				t.Errorf("a second reading differs (-want +got):\n%s", diff)
			}
			crossesOut(t, r)
		})
	}
}

func compactJSON(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// crossesOut: what a client of this dialect asks can be said to other providers, or is refused by the name of a field.
func crossesOut(t *testing.T, r chat.Request) {
	t.Helper()
	for _, to := range []provider.ChatTarget{openaichat.Dialect{}, anthropic.Dialect{}} {
		r := r.Aimed("some-model", r.Stream, chat.Encoding{DropUnsupported: true})
		built, err := to.BuildRequest(r)
		if err != nil {
			t.Errorf("%s: %v", to.Name(), err)
			continue
		}
		if bytes.Contains(built, []byte("tollgate:")) {
			t.Errorf("%s is sent a signature of Google: %s", to.Name(), built)
		}
	}
}

// totals are what a bill is made of, in Google's own terms.
type totals struct{ In, Out, Cached, Thoughts int64 }

func totalsOf(u chat.Units) totals {
	return totals{u.InputTotal(), u.OutputTotal(), u[chat.CacheRead], u[chat.Reasoning]}
}

// plainUsage reads a recording's usage the slow way: the last object counts.
func plainUsage(t *testing.T, c providertest.Case) (want totals, known bool) {
	t.Helper()
	for _, p := range payloads(t, c) {
		var o struct {
			Usage map[string]any `json:"usageMetadata"`
		}
		if err := json.Unmarshal(p, &o); err != nil {
			t.Fatal(err)
		}
		n := func(name string) int64 { f, _ := o.Usage[name].(float64); return int64(f) }
		if n("candidatesTokenCount")+n("promptTokenCount") == 0 {
			continue
		}
		_, known = o.Usage["promptTokenCount"]
		want = totals{n("promptTokenCount") + n("toolUsePromptTokenCount"), n("candidatesTokenCount") + n("thoughtsTokenCount"), n("cachedContentTokenCount"), n("thoughtsTokenCount")}
		if total := n("totalTokenCount"); known && total != want.In+want.Out {
			t.Errorf("the recording does not sum up: %+v, total %d", want, total)
		}
	}
	return want, known
}

func payloads(t *testing.T, c providertest.Case) [][]byte {
	t.Helper()
	if c.Kind == "json" {
		var list []json.RawMessage
		if json.Unmarshal(c.Response, &list) != nil {
			return [][]byte{c.Response}
		}
		out := make([][]byte, len(list))
		for i := range list {
			out[i] = list[i]
		}
		return out
	}
	var out [][]byte
	for l := range bytes.Lines(c.Response) {
		if data, ok := bytes.CutPrefix(l, []byte("data:")); ok {
			out = append(out, bytes.TrimSpace(data))
		}
	}
	return out
}

// said is an answer reduced to what a user would miss.
type said struct {
	Text, Reasoning string
	Calls           []string
}

func saidOf(r chat.Response) said {
	var s said
	for _, p := range r.Parts {
		switch p.Kind {
		case chat.Text, chat.Refusal:
			s.Text += p.Text
		case chat.Thinking:
			s.Reasoning += p.Text
		case chat.ToolCall:
			s.Calls = append(s.Calls, p.Name+compactJSON(p.Args))
		}
	}
	return s
}

// plainSaid is the same, read the slow way.
func plainSaid(t *testing.T, c providertest.Case) said {
	t.Helper()
	var s said
	for _, p := range payloads(t, c) {
		var o struct {
			Candidates []struct {
				Content struct {
					Parts []struct {
						Text    string
						Thought bool
						Call    *struct {
							Name string
							Args json.RawMessage
						} `json:"functionCall"`
					}
				}
			}
		}
		if err := json.Unmarshal(p, &o); err != nil {
			t.Fatal(err)
		}
		for _, cand := range o.Candidates {
			for _, part := range cand.Content.Parts {
				switch {
				case part.Call != nil:
					s.Calls = append(s.Calls, part.Call.Name+compactJSON(part.Call.Args))
				case part.Thought:
					s.Reasoning += part.Text
				default:
					s.Text += part.Text
				}
			}
		}
	}
	return s
}

// signatures are those of an answer, wherever they stand.
func signatures(t *testing.T, raw [][]byte) []string {
	t.Helper()
	var out []string
	for _, p := range raw {
		out = append(out, spokenIn(t, p).Signatures...)
	}
	return out
}

func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "gemini-generate") {
		if c.Status != 200 || c.Stream {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			seen := gemini.Dialect{}.Inspect(c.Response)
			r, err := gemini.Dialect{}.ParseResponse(c.Response)
			if err != nil {
				t.Fatal(err)
			}
			if r.Usage != seen.Usage || r.ID != seen.ID || r.Finish != seen.Finish || !seen.Ended || r.Reported != seen.Cost {
				t.Errorf("Inspect %+v and ParseResponse %+v differ", seen, r)
			}
			checkUsage(t, c, r.Usage)
			if diff := cmp.Diff(plainSaid(t, c), saidOf(r)); diff != "" {
				t.Errorf("the answer is read wrongly (-want +got):\n%s", diff)
			}
			out := gemini.Dialect{}.AppendResponse(nil, r)
			if diff := cmp.Diff(signatures(t, payloads(t, c)), signatures(t, [][]byte{out})); diff != "" {
				t.Errorf("signatures changed (-want +got):\n%s", diff)
			}
			for _, d := range []providertest.Both{gemini.Dialect{}, openaichat.Dialect{}, anthropic.Dialect{}} {
				again, err := d.ParseResponse(d.AppendResponse(nil, r))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(saidOf(r), saidOf(again)); diff != "" {
					t.Errorf("%s: the answer changed (-want +got):\n%s", d.Name(), diff)
				}
				if want, got := totalsOf(r.Usage.Units), totalsOf(again.Usage.Units); want != got && r.Usage.Source != chat.Unknown {
					t.Errorf("%s: usage = %+v, want %+v", d.Name(), got, want)
				}
			}
		})
	}
}

func checkUsage(t *testing.T, c providertest.Case, got chat.Usage) {
	t.Helper()
	want, known := plainUsage(t, c)
	if known != (got.Source == chat.Reported) {
		t.Errorf("usage is from %v", got.Source)
	}
	if diff := cmp.Diff(want, totalsOf(got.Units)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func TestRecordedStreams(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "gemini-generate") {
		if c.Status != 200 || !c.Stream {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			h := provider.Head{Stream: true, Array: array(c)}
			var seen provider.Seen
			for _, size := range []int{1 << 20, 700, 7, 1} {
				var out []byte
				out, seen = tapped(h, c.Response, size)
				if !bytes.Equal(out, c.Response) {
					t.Fatalf("chunks of %d: %d bytes of %d came out", size, len(out), len(c.Response))
				}
				if !seen.Ended || !seen.Started || seen.Refusal != nil {
					t.Fatalf("chunks of %d: saw %+v", size, seen)
				}
			}
			checkUsage(t, c, seen.Usage)
			events, err := providertest.Read(gemini.Dialect{}.NewReader(), c.Response)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(events, providertest.InChunks(t, gemini.Dialect{}, c.Response, 13)); diff != "" {
				t.Fatalf("events depend on the chunks:\n%s", diff)
			}
			got, err := providertest.Fold(events)
			if err != nil {
				t.Fatal(err)
			}
			if got.Usage != seen.Usage || got.ID != seen.ID || got.Finish != seen.Finish {
				t.Errorf("the tap saw %+v, the reader %+v", seen, got)
			}
			if diff := cmp.Diff(plainSaid(t, c), saidOf(got)); diff != "" {
				t.Errorf("the answer is read wrongly (-want +got):\n%s", diff)
			}
			rewritten(t, c, events, got)
		})
	}
}

// rewritten: the answer is the same in the words of every dialect.
func rewritten(t *testing.T, c providertest.Case, events []chat.Event, want chat.Response) {
	t.Helper()
	for _, d := range []provider.ChatClient{gemini.Dialect{}, gemini.Array{}, openaichat.Dialect{}, anthropic.Dialect{}} {
		w := d.NewWriter(true)
		var wire []byte
		for _, e := range events {
			wire = w.Append(wire, e)
		}
		target, own := any(d).(provider.ChatTarget)
		if !own {
			target = gemini.Dialect{}
		}
		again, err := providertest.Read(target.NewReader(), wire)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", d.Name(), err, wire)
		}
		got, err := providertest.Fold(again)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", d.Name(), err, wire)
		}
		if diff := cmp.Diff(saidOf(want), saidOf(got)); diff != "" {
			t.Errorf("%s: the answer changed (-want +got):\n%s", d.Name(), diff)
		}
		if w, g := totalsOf(want.Usage.Units), totalsOf(got.Usage.Units); w != g {
			t.Errorf("%s: usage = %+v, want %+v", d.Name(), g, w)
		}
		if d.Name() == provider.Gemini {
			back := providertest.Case{Kind: "sse", Response: wire}
			if diff := cmp.Diff(signatures(t, payloads(t, c)), signatures(t, payloads(t, back))); diff != "" {
				t.Errorf("signatures changed (-want +got):\n%s", diff)
			}
		}
		if d.Name() == provider.GeminiArray && !json.Valid(wire) {
			t.Errorf("no JSON: %s", wire)
		}
	}
}

func tapped(h provider.Head, body []byte, size int) ([]byte, provider.Seen) {
	tap := gemini.Dialect{}.NewTap(h)
	var out []byte
	for len(body) > 0 {
		n := min(size, len(body))
		out = append(out, tap.Feed(body[:n])...)
		body = body[n:]
	}
	out = append(out, tap.Close()...)
	return out, tap.Seen()
}

func TestRecordedRefusals(t *testing.T) {
	t.Parallel()
	want := map[int]provider.Class{
		404: provider.ClassNotFound, 429: provider.ClassRateLimited, 400: provider.ClassInvalid,
	}
	for _, dialect := range []string{"gemini-generate", "gemini-embed", "gemini-count-tokens"} {
		for _, c := range providertest.Recorded(t, dialect) {
			if c.Status < 400 {
				continue
			}
			r := gemini.Dialect{}.ParseRefusal(c.Status, nil, c.Response)
			if class := want[c.Status]; r.Class != class || r.Message == "" || r.Type == "" {
				t.Errorf("%s: %+v, want %s", c.Name, r, class)
			}
			if c.Status == 429 && r.RetryAfter.Seconds() != 48 {
				t.Errorf("%s: retry after %s", c.Name, r.RetryAfter)
			}
		}
	}
}
