package openaimedia_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime/multipart"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/form"
	"tollgate/internal/provider/openaimedia"
)

type both interface {
	provider.Client
	provider.Target
}

var jsonLine = provider.Line{Method: "POST", ContentType: "application/json"}

func splice(t *testing.T, d both, body string, at provider.Line, model string) (provider.Head, string) {
	t.Helper()
	h, err := d.Probe([]byte(body), at)
	if err != nil {
		t.Fatal(err)
	}
	return h, string(provider.ApplyEdits([]byte(body), d.Edits([]byte(body), h, model)))
}

func TestAModelThatIsNotNamedIsOpenAIsOwn(t *testing.T) {
	t.Parallel()
	h, out := splice(t, openaimedia.Images{}, `{"prompt":"a cat","size":"256x256","n":2}`, jsonLine, "dall-e-2")
	if h.Model != "dall-e-2" || h.Size != "256x256" || h.Choices != 2 || out != `{"prompt":"a cat","size":"256x256","n":2}` {
		t.Errorf("%+v %s", h, out)
	}
	_, out = splice(t, openaimedia.Moderations{}, ` { "input": "x", "tollgate": {"workflow":"w"} }`, jsonLine, "other")
	if out != ` {"model":"other", "input": "x" }` {
		t.Errorf("moved to another model: %s", out)
	}
}

func TestTheModelOfABodyIsExchangedAndNothingElse(t *testing.T) {
	t.Parallel()
	_, out := splice(t, openaimedia.Speech{}, `{"model":"fast-voice", "input":"Grüße" ,"voice":"x"}`, jsonLine, "tts-1")
	if out != `{"model":"tts-1", "input":"Grüße" ,"voice":"x"}` {
		t.Error(out)
	}
}

// formOf writes a form and gives the line that says so.
func formOf(t *testing.T, fields [][2]string, audio string) (string, provider.Line) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", "a.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(audio))
	_ = w.Close()
	return buf.String(), provider.Line{Method: "POST", ContentType: w.FormDataContentType()}
}

func TestAFormKeepsEveryByteButTheModelAndOurField(t *testing.T) {
	t.Parallel()
	audio := "RIFF\x00\r\n--x\r\n\xff"
	for _, fields := range [][][2]string{
		{{"model", "hear"}, {"language", "de"}},
		{{"language", "de"}, {"tollgate", `{"workflow":"w"}`}, {"model", "hear"}},
		{{"model", "hear"}, {"tollgate", `{}`}},
	} {
		body, at := formOf(t, fields, audio)
		h, out := splice(t, openaimedia.Transcriptions{}, body, at, "whisper-1")
		if h.Model != "hear" || h.Bytes != int64(len(audio)) {
			t.Errorf("%+v", h)
		}
		got, err := form.Scan(at.ContentType, []byte(out))
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		values := map[string]string{}
		for _, p := range got {
			values[p.Name] = out[p.From:p.To]
		}
		if values["model"] != "whisper-1" || values["file"] != audio || values["tollgate"] != "" {
			t.Errorf("%q", values)
		}
		same, _ := splice(t, openaimedia.Transcriptions{}, body, at, "hear")
		if same.Spans.Tollgate.To == 0 {
			if _, unchanged := splice(t, openaimedia.Transcriptions{}, body, at, "hear"); unchanged != body {
				t.Error("a splice of nothing changed the form")
			}
		}
	}
}

func TestAFormWithoutAModelOrWithTwoIsRefused(t *testing.T) {
	t.Parallel()
	body, at := formOf(t, [][2]string{{"language", "de"}}, "x")
	if _, err := (openaimedia.Transcriptions{}).Probe([]byte(body), at); !errors.Is(err, provider.ErrBody) {
		t.Errorf("no model: %v", err)
	}
	body, at = formOf(t, [][2]string{{"model", "a"}, {"model", "b"}}, "x")
	if _, err := (openaimedia.Transcriptions{}).Probe([]byte(body), at); !errors.Is(err, provider.ErrBody) {
		t.Errorf("two models: %v", err)
	}
	if _, err := (openaimedia.Transcriptions{}).Probe([]byte(`{"model":"a"}`), jsonLine); !errors.Is(err, form.ErrForm) {
		t.Errorf("JSON: %v", err)
	}
}

func TestWhatAnAnswerCosts(t *testing.T) {
	t.Parallel()
	units := func(pairs ...any) (u chat.Units) {
		for i := 0; i < len(pairs); i += 2 {
			u[pairs[i].(chat.Class)] = int64(pairs[i+1].(int))
		}
		return u
	}
	for _, tt := range []struct {
		name string
		d    both
		body string
		want chat.Units
		cost string
	}{
		{"images are counted", openaimedia.Images{}, `{"created":1,"data":[{"url":"a"},{"b64_json":"]}"}]}`, units(chat.Images, 2), ""},
		{
			"unless their tokens are",
			openaimedia.Images{},
			`{"data":[{"b64_json":""}],"usage":{"total_tokens":300,"input_tokens":50,"output_tokens":250,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}`,
			units(chat.Input, 10, chat.InputImage, 40, chat.Output, 250), "",
		},
		{"a stated cost is kept", openaimedia.Images{}, `{"data":[{}],"usage":{"cost_in_usd_ticks":200000000}}`, units(chat.Images, 1), "0.02"},
		{
			"audio in tokens",
			openaimedia.Transcriptions{},
			`{"text":"hi","usage":{"type":"tokens","input_tokens":11,"input_token_details":{"text_tokens":0,"audio_tokens":11},"output_tokens":5}}`,
			units(chat.InputAudio, 11, chat.Output, 5), "",
		},
		{"audio by its length", openaimedia.Transcriptions{}, `{"text":"hi","usage":{"type":"duration","seconds":3}}`, units(chat.AudioMS, 3000), ""},
		{"a part of a millisecond counts whole", openaimedia.Translations{}, `{"duration":1.0001,"text":"x"}`, units(chat.AudioMS, 1001), ""},
		{"judging is free", openaimedia.Moderations{}, `{"id":"modr-1","results":[{"flagged":false}]}`, chat.Units{}, ""},
	} {
		seen := tt.d.Inspect([]byte(tt.body))
		if !seen.Ended || seen.Usage.Units != tt.want || seen.Usage.Source != chat.Reported || seen.Cost != tt.cost {
			t.Errorf("%s: %+v", tt.name, seen)
		}
	}
	if seen := (openaimedia.Transcriptions{}).Inspect([]byte("1\n00:00 --> 00:01\nhi\n")); !seen.Ended || seen.Usage.Source != chat.Unknown {
		t.Errorf("subtitles tell no usage: %+v", seen)
	}
	if seen := (openaimedia.Images{}).Inspect([]byte(`{"error":{"message":"no","code":"content_policy_violation"}}`)); seen.Refusal == nil || seen.Ended {
		t.Errorf("an error inside a 200: %+v", seen)
	}
	if seen := (openaimedia.Images{}).Inspect([]byte(`{"data":[{}],"usage":{"input_tokens":5,"output_tokens":9,"output_tokens_details":{"image_tokens":99}}}`)); seen.Usage.Units[chat.OutputImage] != 9 || seen.Usage.Units[chat.Output] != 0 {
		t.Errorf("a detail beyond its total: %+v", seen.Usage)
	}
}

func feed(tap provider.Tap, body string, size int) (string, provider.Seen) {
	var out strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		out.Write(tap.Feed([]byte(body[:n])))
		body = body[n:]
	}
	out.Write(tap.Close())
	return out.String(), tap.Seen()
}

func TestAudioPassesAsItComes(t *testing.T) {
	t.Parallel()
	h, _ := splice(t, openaimedia.Speech{}, `{"model":"tts-1","input":"Grüße","voice":"x"}`, jsonLine, "tts-1")
	for size := 1; size < 8; size++ {
		out, seen := feed(openaimedia.Speech{}.NewTap(h), "ID3\x04data: \x00", size)
		if out != "ID3\x04data: \x00" || !seen.Ended || seen.Usage.Units[chat.Characters] != 5 {
			t.Errorf("%q %+v", out, seen)
		}
	}
	const events = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"aaaa\"}\n\n" +
		"data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,\"total_tokens\":115}}\n\n"
	for size := 6; size < 90; size++ { // the first bytes say whether it is audio
		out, seen := feed(openaimedia.Speech{}.NewTap(h), events, size)
		if out != events || !seen.Ended || seen.Usage.Units[chat.Output] != 101 || seen.Usage.Units[chat.Characters] != 0 {
			t.Fatalf("%q %+v", out, seen)
		}
	}
	if _, seen := feed(openaimedia.Speech{}.NewTap(h), "", 1); seen.Ended {
		t.Error("no audio is no answer")
	}
}

func TestAStreamedTranscriptEndsWithItsUsage(t *testing.T) {
	t.Parallel()
	const delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"hi\"}\r\n\r\n"
	const done = ": c\ndata: {\"type\":\"transcript.text.done\",\"text\":\"hi\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":7,\"output_tokens\":2,\"input_token_details\":{\"audio_tokens\":7}}}\n\n"
	for size := 1; size < len(delta+done); size++ {
		out, seen := feed(openaimedia.Transcriptions{}.NewTap(provider.Head{}), delta+done, size)
		if out != delta+done || !seen.Ended || seen.Usage.Units[chat.InputAudio] != 7 || seen.Usage.Units[chat.Output] != 2 {
			t.Fatalf("at %d: %q %+v", size, out, seen)
		}
		out, seen = feed(openaimedia.Transcriptions{}.NewTap(provider.Head{}), delta, size)
		if out != delta || seen.Ended || !seen.Started {
			t.Fatalf("cut: %q %+v", out, seen)
		}
		out, seen = feed(openaimedia.Transcriptions{}.NewTap(provider.Head{}), delta+"data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"+done, size)
		if out != delta || seen.Ended || seen.Refusal == nil || seen.Refusal.Message != "boom" {
			t.Fatalf("failed: %q %+v", out, seen)
		}
	}
}

func TestImagesOfAStreamAreCounted(t *testing.T) {
	t.Parallel()
	const body = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"x\"}\n\n" +
		"event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"x\",\"usage\":{\"input_tokens\":50,\"output_tokens\":50,\"input_tokens_details\":{\"image_tokens\":40,\"text_tokens\":10}}}\n\n"
	out, seen := feed(openaimedia.Images{}.NewTap(provider.Head{}), body, 17)
	if out != body || !seen.Ended || seen.Usage.Units[chat.InputImage] != 40 || seen.Usage.Units[chat.Images] != 0 {
		t.Errorf("%q %+v", out, seen)
	}
}

func TestAFilesPathIsTheClients(t *testing.T) {
	t.Parallel()
	h, err := openaimedia.Files{}.Probe(nil, provider.Line{Method: "GET", Rest: "/file-a b/content", Query: "limit=2"})
	if err != nil {
		t.Fatal(err)
	}
	if got := (openaimedia.Files{}).Path(h, "files"); got != "/files/file-a%20b/content?limit=2" {
		t.Error(got)
	}
}

func FuzzInspectAndTap(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"tollgate":{}}`))
	f.Add([]byte(`{"data":[{}],"usage":{"input_tokens":5,"cost_in_usd_ticks":9}}`))
	f.Add([]byte("data: {\"type\":\"speech.audio.done\",\"usage\":{\"seconds\":1e9}}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range []both{openaimedia.Images{}, openaimedia.Speech{}, openaimedia.Transcriptions{}, openaimedia.Moderations{}, openaimedia.Files{}} {
			for _, s := range []provider.Seen{d.Inspect(body), func() provider.Seen { _, s := feed(d.NewTap(provider.Head{}), string(body), 7); return s }()} {
				for c, n := range s.Usage.Units {
					if n < 0 {
						t.Fatalf("%s: %s is %d", d.Name(), chat.Class(c), n)
					}
				}
			}
		}
		h, err := openaimedia.Images{}.Probe(body, jsonLine)
		if err != nil || !json.Valid(body) { // the scan passes over control characters in strings
			return
		}
		out := provider.ApplyEdits(body, openaimedia.Images{}.Edits(body, h, "other"))
		if !json.Valid(out) {
			t.Fatalf("%s became %s", body, out)
		}
	})
}
