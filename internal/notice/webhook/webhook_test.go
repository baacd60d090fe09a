package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/notice"
	"tollgate/internal/notice/webhook"
)

// TestTheSignatureIsTheSpecifications: the example of its reference implementation.
func TestTheSignatureIsTheSpecifications(t *testing.T) {
	t.Parallel()
	got, err := webhook.Sign([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if _, err := webhook.Sign(nil, "a", "1", nil); err == nil {
		t.Error("signed with nothing")
	}
}

var message = notice.Message{
	Notice: notice.Notice{ID: "note_1", New: notice.New{
		Kind: notice.KeyLeaked, About: "key_1", Title: "A key <was> leaked", Text: "Replace & tell.", At: time.Unix(1_900_000_000, 0).UTC(), Data: map[string]any{"title": "x", "where": "a gist"},
	}},
	Org: "Acme", Link: "https://tollgate.example.com/keys/key_1",
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	type request struct {
		header http.Header
		body   []byte
	}
	got := make(chan request, 2)
	status := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, body}
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	now := func() time.Time { return time.Unix(1_900_000_100, 0) }
	to := notice.Private{Target: srv.URL, Secrets: []string{notice.NewSecret(), notice.NewSecret()}}
	if s, err := (webhook.Signed{Client: srv.Client(), Now: now}).Send(t.Context(), to, message); err != nil || s != 204 {
		t.Fatal(s, err)
	}
	r := <-got
	want, _ := webhook.Sign(to.Secrets, "note_1", "1900000100", r.body)
	if r.header.Get("Webhook-Id") != "note_1" || r.header.Get("Webhook-Timestamp") != "1900000100" || r.header.Get("Webhook-Signature") != want || strings.Count(want, "v1,") != 2 {
		t.Errorf("%v", r.header)
	}
	var e struct {
		Type, Timestamp string
		Data            map[string]any
	}
	if err := json.Unmarshal(r.body, &e); err != nil || e.Type != "key.leaked" || e.Timestamp != "2030-03-17T17:46:40Z" || e.Data["about"] != "key_1" || e.Data["where"] != "a gist" || e.Data["title"] != "A key <was> leaked" {
		t.Errorf("%s", r.body)
	}
	if _, err := (webhook.Slack{Client: srv.Client()}).Send(t.Context(), to, message); err != nil {
		t.Fatal(err)
	}
	var s struct{ Text string }
	if r = <-got; json.Unmarshal(r.body, &s) != nil || s.Text != "*A key &lt;was&gt; leaked*\nReplace &amp; tell.\n<https://tollgate.example.com/keys/key_1|Open in Tollgate>" || r.header.Get("Webhook-Signature") != "" {
		t.Errorf("%s", r.body)
	}
	status = http.StatusGone
	_, err := (webhook.Slack{Client: srv.Client()}).Send(t.Context(), to, message)
	var lasting *notice.Lasting
	if !errors.As(err, &lasting) || !lasting.Off {
		t.Errorf("gone: %v", err)
	}
	<-got
	status = http.StatusTooManyRequests
	if _, err := (webhook.Slack{Client: srv.Client()}).Send(t.Context(), to, message); err == nil || errors.As(err, &lasting) {
		t.Errorf("a receiver that asks to wait: %v", err)
	}
}
