package anthropic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/providertest"
)

// claude gives the recorded calls of Claude by InvokeModel in its Messages API.
func claude(t *testing.T) []providertest.Case {
	var out []providertest.Case
	for _, c := range providertest.Recorded(t, "bedrock-invoke") {
		if strings.Contains(c.Name, "claude") && bytes.Contains(c.Request, []byte("anthropic_version")) {
			out = append(out, c)
		}
	}
	return out
}

// What real clients sent to a cloud is what ours send, when the same call comes as the maker's own body.
func TestRecordedBodiesOfTheCloudsAreTheMakersInTheirEnvelope(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, d provider.Target, gone []string, cases []providertest.Case) {
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				var body map[string]json.RawMessage
				if err := json.Unmarshal(c.Request, &body); err != nil {
					t.Fatal(err)
				}
				want := c.Request
				for _, name := range gone {
					delete(body, name)
				}
				body["model"] = json.RawMessage(`"m"`)
				if c.Stream {
					body["stream"] = json.RawMessage("true")
				}
				maker, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				got := edited(t, d, anthropic.Dialect{}, string(maker))
				var a, b map[string]any
				if json.Unmarshal(want, &a) != nil || json.Unmarshal([]byte(got), &b) != nil {
					t.Fatalf("no JSON: %s", got)
				}
				if _, sent := a["stream"]; c.Dialect == "anthropic-vertex" && c.Stream && !sent {
					delete(b, "stream") // the path says it too
				}
				if _, sent := a["anthropic_version"]; !sent {
					t.Fatal("the recording has no version")
				}
				if diff := cmp.Diff(a, b); diff != "" {
					t.Errorf("(-recorded +ours):\n%s", diff)
				}
			})
		}
	}
	run(t, anthropic.Bedrock{}, []string{"anthropic_version"}, claude(t))
	run(t, anthropic.Vertex{}, []string{"anthropic_version"}, providertest.Recorded(t, "anthropic-vertex"))
}

func TestRecordedAnswersOfTheClouds(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T, d provider.ChatTarget, cases []providertest.Case) {
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				switch {
				case c.Status != http.StatusOK:
					if r := d.ParseRefusal(c.Status, nil, c.Response); r.Message == "" || r.Class == provider.ClassServer {
						t.Errorf("%+v", r)
					}
				case c.Kind == "json":
					r := providertest.AgreeWhole(t, d, c.Response)
					if r.Usage.Source != chat.Reported || r.ID == "" || r.Model == "" {
						t.Errorf("%+v", r)
					}
				default:
					r := providertest.AgreeStream(t, d, c.Response)
					if r.Usage.Source != chat.Reported || r.ID == "" || r.Model == "" {
						t.Errorf("%+v", r)
					}
					for _, size := range []int{1, 13, 4000} {
						again, err := providertest.Fold(providertest.InChunks(t, d, c.Response, size))
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(r, again); diff != "" {
							t.Fatalf("pieces of %d:\n%s", size, diff)
						}
					}
				}
			})
		}
	}
	whole(t, anthropic.Bedrock{}, claude(t))
	whole(t, anthropic.Vertex{}, providertest.Recorded(t, "anthropic-vertex"))
}

// A client of the maker's dialect gets from frames what it would have got from the maker: the maker's own reader reads the same answer.
func TestRecordedFramesReachTheClientAsEvents(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range claude(t) {
		if c.Kind != "bin" {
			continue
		}
		n++
		out, seen := tapFrames(c.Response, 1<<20)
		small, _ := tapFrames(c.Response, 5)
		if out != small {
			t.Errorf("%s: pieces change the events", c.Name)
		}
		events, err := providertest.Read(anthropic.Dialect{}.NewReader(), []byte(out))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		got, err := providertest.Fold(events)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if diff := cmp.Diff(providertest.AgreeStream(t, anthropic.Bedrock{}, c.Response), got); diff != "" {
			t.Errorf("%s:\n%s", c.Name, diff)
		}
		if !seen.Ended || seen.Usage != got.Usage || seen.Finish != got.Finish {
			t.Errorf("%s: saw %+v", c.Name, seen)
		}
	}
	t.Logf("%d streams", n)
}

func TestRecordedCounts(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "anthropic-count-tokens") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Status != http.StatusOK {
				if r := (anthropic.Count{}).ParseRefusal(c.Status, nil, c.Response); r.Class != provider.ClassNotFound {
					t.Errorf("%+v", r)
				}
				return
			}
			n, err := anthropic.Count{}.ParseResponse(c.Response)
			if err != nil || n.Input == 0 || string(anthropic.Count{}.AppendResponse(nil, n)) != strings.TrimSpace(string(c.Response)) {
				t.Errorf("%+v, %v: %s", n, err, c.Response)
			}
			r, err := anthropic.Count{}.ParseRequest(c.Request)
			if err != nil {
				t.Fatal(err)
			}
			built, err := anthropic.Count{}.BuildRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			var want, got map[string]json.RawMessage
			if json.Unmarshal(c.Request, &want) != nil || json.Unmarshal(built, &got) != nil {
				t.Fatalf("no JSON: %s", built)
			}
			for name := range want {
				if _, ok := got[name]; !ok {
					t.Errorf("%s is lost", name)
				}
			}
		})
	}
}
