// Package webhook sends notices over HTTP: signed JSON by the Standard Webhooks specification (github.com/standard-webhooks), and what
// Slack's incoming webhooks take.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/notice"
)

// Doer makes requests: the guarded client, because users write down where they go.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Signed sends webhooks.
type Signed struct {
	Client Doer
	Now    func() time.Time
}

// event is the body of a webhook.
type event struct {
	Type      notice.Kind    `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

// Send implements notice.Sender. The id is the notice's: a repeat of it is known by that.
func (s Signed) Send(ctx context.Context, to notice.Private, m notice.Message) (int, error) {
	data := map[string]any{}
	maps.Copy(data, m.Data)
	maps.Copy(data, map[string]any{"id": string(m.ID), "about": m.About, "title": m.Title, "text": m.Text, "url": m.Link, "organization": m.Org})
	body, err := json.Marshal(event{Type: m.Kind, Timestamp: m.At, Data: data})
	if err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	at := strconv.FormatInt(s.Now().Unix(), 10)
	signed, err := Sign(to.Secrets, string(m.ID), at, body)
	if err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	return post(ctx, s.Client, to.Target, body, http.Header{
		"Webhook-Id": {string(m.ID)}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signed},
	})
}

var errSecret = errors.New("webhook: the secret is not valid")

// Sign is the value of webhook-signature: "v1," and the base64 of HMAC-SHA-256 over id, timestamp and body, joined by dots; one for each
// secret, apart by spaces.
func Sign(secrets []string, id, timestamp string, body []byte) (string, error) {
	var out []string
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil || len(key) == 0 {
			return "", errSecret
		}
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(id + "." + timestamp + "."))
		_, _ = h.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	if len(out) == 0 {
		return "", errSecret
	}
	return strings.Join(out, " "), nil
}

// Slack sends to incoming webhooks of Slack, and of what copies them.
type Slack struct{ Client Doer }

// Send implements notice.Sender.
func (s Slack) Send(ctx context.Context, to notice.Private, m notice.Message) (int, error) {
	plain := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	text := "*" + plain.Replace(m.Title) + "*\n" + plain.Replace(m.Text) + "\n<" + plain.Replace(m.Link) + "|Open in Tollgate>"
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	return post(ctx, s.Client, to.Target, body, http.Header{})
}

// answerMax is how much of an answer is read: nothing of it is kept.
const answerMax = 64 << 10

func post(ctx context.Context, client Doer, url string, body []byte, header http.Header) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Tollgate")
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerMax))
	return resp.StatusCode, verdict(resp.StatusCode)
}

var errStatus = errors.New("webhook: the receiver did not take it")

// verdict is what a status means: 2xx is taken, 410 a receiver that wants no more (as Standard Webhooks has it); all else may be
// mended at the receiver, and is sent again.
func verdict(status int) error {
	switch {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusGone:
		return &notice.Lasting{Err: errStatus, Off: true}
	}
	return errStatus
}
