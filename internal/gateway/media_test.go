package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
)

// kept is what a provider was asked.
type kept struct {
	method, uri, kind, auth string
	body                    []byte
}

func keeping(into *kept, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*into = kept{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), body}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}
}

func (w *world) priced(records ...price.Record) {
	for i := range records {
		records[i].ID = id.PriceRecord(fmt.Sprintf("price_media_%d", i))
		if records[i].Provider == "" {
			records[i].Provider = "openai"
		}
	}
	w.org.Prices = price.NewBook(records)
}

func TestAnImageIsPricedByItsSizeAndQuality(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked kept
	w.connect("openai", keeping(&asked, answering(200, `{"created":1,"data":[{"url":"a"},{"url":"b"}]}`)))
	w.priced(price.Record{Model: "hd/1024-x-1024/dall-e-3", Rates: price.Rates{}.Set(chat.Images, 80_000_000_000)},
		price.Record{Model: "dall-e-3", Rates: price.Rates{}.Set(chat.Images, 40_000_000_000)})
	w.start()
	const body = `{"model":"openai/dall-e-3","prompt":"a cat","n":2,"size":"1024x1024","quality":"hd"}`
	a := w.post("/v1/images/generations", body)
	if a.status != 200 || a.body != `{"created":1,"data":[{"url":"a"},{"url":"b"}]}` || asked.uri != "/images/generations" {
		t.Fatalf("%d %s, asked %+v", a.status, a.body, asked)
	}
	if want := strings.Replace(body, "openai/dall-e-3", "dall-e-3", 1); string(asked.body) != want {
		t.Errorf("the provider got %s", asked.body)
	}
	r := w.log.last(t)
	if r.Cost != 160_000_000 || r.Price != calllog.Priced || r.Endpoint != "images" || r.Usage.Units[chat.Images] != 2 {
		t.Errorf("%+v", r)
	}
	if got := a.header.Get("X-Tollgate-Cost-Usd"); got != "0.16" {
		t.Errorf("cost header %q", got)
	}
}

func TestSpeechPassesAsBytesAndCostsItsCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	audio := "ID3\x04\x00" + strings.Repeat("\xff\xf3", 5000)
	w.connect("openai", answering(200, audio, "Content-Type", "audio/mpeg"))
	w.priced(price.Record{Model: "tts-1", Rates: price.Rates{}.Set(chat.Characters, 15_000_000)})
	w.start()
	a := w.post("/v1/audio/speech", `{"model":"tts-1","input":"Grüße!","voice":"alloy"}`)
	if a.status != 200 || a.body != audio || a.header.Get("Content-Type") != "audio/mpeg" || a.err != nil {
		t.Fatalf("%d, %d bytes of %s, %v", a.status, len(a.body), a.header.Get("Content-Type"), a.err)
	}
	if r := w.log.last(t); r.Cost != 90_000 || r.Usage.Units[chat.Characters] != 6 || r.Endpoint != "audio" {
		t.Errorf("%+v", r)
	}
}

func TestSpeechThatBreaksIsNotWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", resetting("ID3\x04"))
	w.start()
	a := w.post("/v1/audio/speech", `{"model":"openai/tts-1","input":"x","voice":"alloy"}`)
	if r := w.log.last(t); r.Outcome != calllog.Broken {
		t.Errorf("recorded as %s", r.Outcome)
	}
	if a.err == nil {
		t.Errorf("the client takes %q for a whole answer", a.body)
	}
}

func upload(t *testing.T, w *world, path string, fields ...string) *http.Request {
	t.Helper()
	var buf bytes.Buffer
	f := multipart.NewWriter(&buf)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := f.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := f.CreateFormFile("file", "a.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(bytes.Repeat([]byte{'a', 0, '\r', '\n'}, 8000))
	_ = f.Close()
	r := w.request(path, buf.String())
	r.Header.Set("Content-Type", f.FormDataContentType())
	return r
}

func TestATranscriptionIsAskedWithTheFormAndPricedByTheLengthTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked kept
	w.connect("openai", keeping(&asked, answering(200, `{"text":"hi","usage":{"type":"duration","seconds":3}}`)))
	w.priced(price.Record{Model: "whisper-1", Rates: price.Rates{}.Set(chat.AudioMS, 100_000)})
	w.start()
	a := w.send(upload(t, w, "/v1/audio/transcriptions", "model", "openai/whisper-1", "tollgate", `{"workflow":"calls"}`, "language", "de"))
	if a.status != 200 || !strings.HasPrefix(asked.kind, "multipart/form-data; boundary=") {
		t.Fatalf("%d %s, asked %s", a.status, a.body, asked.kind)
	}
	if b := string(asked.body); strings.Contains(b, "openai/whisper-1") || !strings.Contains(b, "\r\nwhisper-1\r\n") || strings.Contains(b, "tollgate") {
		t.Error("the form was not exchanged as it should be")
	}
	if r := w.log.last(t); r.Cost != 300_000 || r.Workflow != "calls" {
		t.Errorf("%+v", r)
	}
}

func TestATranscriptionWithoutUsageIsEstimatedFromTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, "1\n00:00:00,000 --> 00:00:01,000\nhi\n", "Content-Type", "text/plain"))
	w.start()
	a := w.send(upload(t, w, "/v1/audio/transcriptions", "model", "openai/whisper-1", "response_format", "srt"))
	if a.status != 200 || !strings.HasPrefix(a.body, "1\n") || a.header.Get("Content-Type") != "text/plain" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	if r := w.log.last(t); r.Usage.Source != chat.Estimated || r.Usage.Units[chat.AudioMS] != 2000 {
		t.Errorf("%+v", r.Usage)
	}
}

func TestFilesGoToTheOneProviderThatKeepsThemOrToTheOneNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked kept
	w.connect("openai", keeping(&asked, answering(200, `{"id":"file-1","object":"file"}`)))
	w.start()
	if a := w.send(upload(t, w, "/v1/files", "purpose", "batch")); a.status != 200 || asked.uri != "/files" || asked.method != "POST" {
		t.Fatalf("%d %s %+v", a.status, a.body, asked)
	}
	w.log.last(t)
	get := w.request("/v1/files/file-1/content?x=1", "")
	get.Method = http.MethodGet
	if a := w.send(get); a.status != 200 || asked.uri != "/files/file-1/content?x=1" || asked.method != "GET" || len(asked.body) != 0 {
		t.Fatalf("%d %+v", a.status, asked)
	}
	if r := w.log.last(t); r.Endpoint != "files" || r.Cost != 0 || r.Price != calllog.NoCharge {
		t.Errorf("%+v", r)
	}
	evil := w.request("/v1/files/../chat/completions", "")
	evil.Method, evil.URL.Opaque = http.MethodGet, "/v1/files/%2e%2e/chat/completions"
	if a := w.send(evil); a.status != 404 {
		t.Errorf("a path that climbs out: %d", a.status)
	}

	two := newWorld(t)
	two.connect("openai", answering(500, `{}`))
	two.connect("mistral", keeping(&asked, answering(200, `{"id":"f"}`)))
	two.start()
	if a := two.send(upload(t, two, "/v1/files", "purpose", "ocr")); a.status != 400 || a.code() != "provider.ambiguous" {
		t.Errorf("%d %s", a.status, a.body)
	}
	r := upload(t, two, "/v1/files", "purpose", "ocr")
	r.Header.Set("X-Tollgate-Provider", "mistral")
	if a := two.send(r); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAKeyThatMayChatMayNotMakeImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.key.Endpoints = []key.Endpoint{key.ChatEndpoint}
	w.start()
	if a := w.post("/v1/images/generations", `{"prompt":"x"}`); a.status != 403 || a.code() != "key.endpoint" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.chat(ask); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAProviderWithoutTheEndpointIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("anthropic", answering(200, `{}`))
	w.start()
	a := w.post("/v1/images/generations", `{"model":"anthropic/claude-haiku-4-5","prompt":"x"}`)
	if a.status != 400 || a.code() != "provider.no_endpoint" || !strings.Contains(a.body, "Anthropic has no endpoint for images") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if w.log.intended() != 0 {
		t.Error("a provider was called")
	}
}

func TestModerationsNeedNoModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked kept
	w.connect("openai", keeping(&asked, answering(200, `{"id":"modr-1","model":"omni","results":[{"flagged":false}]}`)))
	w.priced(price.Record{Model: "omni-moderation-latest", Rates: price.Rates{}.Set(chat.Input, 0)})
	w.start()
	if a := w.post("/v1/moderations", `{"input":"x"}`); a.status != 200 || string(asked.body) != `{"input":"x"}` {
		t.Fatalf("%d %s, asked %s", a.status, a.body, asked.body)
	}
	if r := w.log.last(t); r.Model != "omni-moderation-latest" || r.Cost != 0 || r.Price == calllog.Unpriced {
		t.Errorf("%+v", r)
	}
}
