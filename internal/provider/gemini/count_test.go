package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/providertest"
)

// A client's body of either form reaches each of Google's APIs in the form that it takes.
func TestCountsAreAskedInTheFormOfTheAPI(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, google, vertex string }{
		{"contents alone", `{"contents":[{"parts":[]}]}`, `{"contents":[{"parts":[]}]}`, `{"contents":[{"parts":[]}]}`},
		{
			"Vertex's form", `{ "contents":[],"systemInstruction":{"parts":[]}, "tollgate":{} }`,
			`{"generateContentRequest":{"model":"models/n", "contents":[],"systemInstruction":{"parts":[]} }}`,
			`{ "contents":[],"systemInstruction":{"parts":[]} }`,
		},
		{
			"Vertex's form with a model", `{"model":"m","contents":[],"tools":[]}`,
			`{"generateContentRequest":{"model":"models/n","contents":[],"tools":[]}}`,
			`{"model":"models/n","contents":[],"tools":[]}`,
		},
		{
			"wrapped", `{"generateContentRequest":{"contents":[],"tools":[],"model":"models/m"}}`,
			`{"generateContentRequest":{"contents":[],"tools":[],"model":"models/n"}}`, `{"contents":[],"tools":[]}`,
		},
		{
			"wrapped with the model first", `{"generate_content_request": {"model":"models/m", "contents":[]} }`,
			`{"generate_content_request": {"model":"models/n", "contents":[]} }`, `{ "contents":[]}`,
		},
		{
			"wrapped with a tollgate member", `{"tollgate":{"a":1},"generateContentRequest":{"contents":[],"model":"models/m"}}`,
			`{"generateContentRequest":{"contents":[],"model":"models/n"}}`, `{"contents":[]}`,
		},
		{"wrapped without a model", `{"generateContentRequest":{"contents":[]}}`, `{"generateContentRequest":{"contents":[]}}`, `{"contents":[]}`},
		{"wrapped with a model alone", `{"generateContentRequest":{"model":"models/m"}}`, `{"generateContentRequest":{"model":"models/n"}}`, `{}`},
	}
	for _, tt := range tests {
		for target, want := range map[gemini.Count]string{{}: tt.google, {Vertex: true}: tt.vertex} {
			h, err := gemini.Count{}.Probe([]byte(tt.body), provider.Line{Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			got := provider.ApplyEdits([]byte(tt.body), target.Edits([]byte(tt.body), h, "n"))
			if string(got) != want || !json.Valid(got) {
				t.Errorf("%s to %s:\n got %s\nwant %s", tt.name, target.Name(), got, want)
			}
		}
	}
}

func TestCountsOfOtherDialectsAreAsked(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, google, vertex string }{
		{
			"a question", `{"model":"m","max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"Q"}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"Q"}]}]}`, `{"contents":[{"role":"user","parts":[{"text":"Q"}]}]}`,
		},
		{
			"instructions", `{"model":"m","system":"S","messages":[{"role":"user","content":"Q"}]}`,
			`{"generateContentRequest":{"model":"models/gemini-2.5-flash","contents":[{"role":"user","parts":[{"text":"Q"}]}],"systemInstruction":{"parts":[{"text":"S"}]}}}`,
			`{"contents":[{"role":"user","parts":[{"text":"Q"}]}],"systemInstruction":{"parts":[{"text":"S"}]}}`,
		},
	}
	for _, tt := range tests {
		r, err := anthropic.Dialect{}.ParseRequest([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for target, want := range map[gemini.Count]string{{}: tt.google, {Vertex: true}: tt.vertex} {
			got, err := target.BuildRequest(r.Aimed("gemini-2.5-flash", false, chat.Encoding{}))
			if err != nil || string(got) != want {
				t.Errorf("%s to %s: %v\n got %s\nwant %s", tt.name, target.Name(), err, got, want)
			}
		}
	}
}

// What shall be counted is read from either form, by its place in the body, and can be asked of other providers.
func TestWhatShallBeCountedIsRead(t *testing.T) {
	t.Parallel()
	r, err := gemini.Count{}.ParseRequest([]byte(`{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"Q"}]}],` +
		`"systemInstruction":{"parts":[{"text":"S"}]},"generationConfig":{"responseLogprobs":true,"frequencyPenalty":1},"cachedContent":"c"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages[0].Parts[0].Path != "generateContentRequest.contents.0.parts.0" || r.System[0].Text != "S" || len(r.Unmapped) != 1 {
		t.Errorf("%+v", r)
	}
	_, err = anthropic.Dialect{}.BuildRequest(r.Aimed("claude-sonnet-4-5", false, chat.Encoding{}))
	var f *fault.Error
	if !errors.As(err, &f) || f.Field != "generateContentRequest.cachedContent" {
		t.Errorf("err = %v", err)
	}
	for target, want := range map[gemini.Count]string{{}: `{"generateContentRequest":{"cachedContent":"c"`, {Vertex: true}: `{"cachedContent":"c"`} {
		if got, err := target.BuildRequest(r.Aimed("m", false, chat.Encoding{})); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %s, %v", target.Name(), got, err)
		}
	}
	if _, err := (gemini.Count{}).ParseRequest([]byte(`{"generateContentRequest":{"contents":[{"parts":[7]}]}}`)); !errors.As(err, &f) || f.Field != "generateContentRequest.contents.0.parts.0" {
		t.Errorf("err = %v", err)
	}
}

func TestCountsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]chat.Count{
		`{"totalTokens":10,"promptTokensDetails":[]}`:    {Input: 10},
		`{"totalTokens":10,"cachedContentTokenCount":4}`: {Input: 10, Cached: 4},
		`{"totalTokens":0,"totalBillableCharacters":0}`:  {},
	} {
		got, err := gemini.Count{}.ParseResponse([]byte(body))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if again, err := (gemini.Count{}).ParseResponse(gemini.Count{}.AppendResponse(nil, got)); err != nil || again != want {
			t.Errorf("%s: %+v, %v", body, again, err)
		}
		if seen := (gemini.Count{}).Inspect([]byte(body)); !seen.Ended || seen.Usage.Source != chat.Reported {
			t.Errorf("%s: saw %+v", body, seen)
		}
	}
	for _, body := range []string{`{}`, `[]`, `{"totalTokens":"x"}`, `{"totalTok`} {
		if _, err := (gemini.Count{}).ParseResponse([]byte(body)); !errors.Is(err, provider.ErrBadAnswer) {
			t.Errorf("%s: %v", body, err)
		}
		if seen := (gemini.Count{}).Inspect([]byte(body)); seen.Ended && body != `{"totalTokens":"x"}` {
			t.Errorf("%s: saw %+v", body, seen)
		}
	}
	var refusal *provider.Refusal
	if _, err := (gemini.Count{}).ParseResponse([]byte(`{"error":{"code":503,"message":"Full."}}`)); !errors.As(err, &refusal) {
		t.Errorf("err = %v", err)
	}
	providertest.Refusals(t, gemini.Count{})
}

func TestRecordedCounts(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "gemini-count-tokens") {
		h, err := gemini.Count{}.Probe(c.Request, line(c))
		if err != nil {
			t.Fatal(err)
		}
		target := gemini.Count{Vertex: c.Provider == "vertex"}
		if got := provider.ApplyEdits(c.Request, target.Edits(c.Request, h, h.Model)); string(got) != string(c.Request) {
			t.Errorf("%s became %s", c.Request, got)
		}
		r, err := gemini.Count{}.ParseRequest(c.Request)
		if err != nil {
			t.Fatal(err)
		}
		built, err := target.BuildRequest(r.Aimed(h.Model, false, chat.Encoding{}))
		if err != nil {
			t.Fatal(err)
		}
		if !target.Vertex && strings.Contains(string(c.Request), `"text":"Be terse."`) != strings.Contains(string(built), `"text":"Be terse."`) {
			t.Errorf("%s became %s", c.Request, built)
		}
		if c.Status != 200 {
			continue
		}
		if n, err := (gemini.Count{}).ParseResponse(c.Response); err != nil || n.Input <= 0 {
			t.Errorf("%s: %+v, %v", c.Name, n, err)
		}
	}
}
