package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/egress"
)

// answerBytesMax bounds the answer of a token service.
const answerBytesMax = 1 << 20

// wire carries the requests of one flight and remembers how the last one went. The libraries say that in as many ways as there are
// libraries, and quote whole answers; tell makes our own errors of it.
type wire struct {
	next http.RoundTripper
	life context.Context // requests end with it, also those of libraries that know no context

	mu     sync.Mutex
	status int
	answer []byte
	broken error
}

// client gives the libraries an HTTP client that follows no redirect.
func (w *wire) client() *http.Client {
	return &http.Client{Transport: w, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip implements http.RoundTripper. The answer is read whole.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req.WithContext(w.life))
	var answer []byte
	status := 0
	if err == nil {
		answer, err = io.ReadAll(io.LimitReader(resp.Body, answerBytesMax+1))
		_ = resp.Body.Close()
		if err == nil && len(answer) > answerBytesMax {
			err = egress.ErrTooLarge
		}
		status = resp.StatusCode
	}
	w.mu.Lock()
	w.status, w.answer, w.broken = status, answer, err
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, nil
}

// Do implements azcore's policy.Transporter.
func (w *wire) Do(req *http.Request) (*http.Response, error) { return w.RoundTrip(req) }

// tell makes an error that names the credential and quotes nothing but a code of a few letters. err is what the library said; it
// is not passed on, unless it is declared.
func (w *wire) tell(from *source, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, who := from.use, from.who
	declared := []error{credential.ErrUnusable, credential.ErrTokenRefused, credential.ErrTokenUnreachable}
	for _, d := range declared {
		if errors.Is(err, d) {
			return err
		}
	}
	switch {
	case errors.Is(w.broken, egress.ErrBlocked):
		return credential.ErrTokenUnreachable.Say("The operator's network policy does not allow calls to the token service of %s, which the credential %q needs.", who, u.Name).Because(w.broken)
	case w.broken != nil, w.status == 0:
		return credential.ErrTokenUnreachable.Say("%s did not give a token for the credential %q: its token service does not answer.", who, u.Name).Because(w.broken)
	case w.status == http.StatusTooManyRequests || w.status >= 500:
		return credential.ErrTokenUnreachable.Say("%s did not give a token for the credential %q: its token service has a fault (%d).", who, u.Name, w.status)
	case w.status >= 400:
		return credential.ErrTokenRefused.Say("%s refused the secret of the credential %q%s.", who, u.Name, inBrackets(code(w.answer))).Because(fmt.Errorf("status %d", w.status))
	}
	return credential.ErrTokenUnreachable.Say("%s did not give a token for the credential %q: its token service answers in an unknown way.", who, u.Name).Because(fmt.Errorf("status %d", w.status))
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// wait is how long a failure is remembered.
func wait(err error) time.Duration {
	if errors.Is(err, credential.ErrTokenUnreachable) {
		return againFailing
	}
	return againRefused
}

// code finds the short word with which a token service says why: "invalid_grant", "AccessDenied". Anything that does not look
// like such a word is left out.
func code(answer []byte) string {
	var doc struct {
		Error json.RawMessage `json:"error"`
		Codes []int           `json:"error_codes"` // Microsoft's numbers
	}
	_ = json.Unmarshal(answer, &doc) // another form has no word
	var text string
	if json.Unmarshal(doc.Error, &text) != nil {
		var nested struct{ Status string }
		_ = json.Unmarshal(doc.Error, &nested)
		text = nested.Status
	}
	if _, after, ok := strings.Cut(string(answer), "<Code>"); ok && text == "" {
		text, _, _ = strings.Cut(after, "</Code>")
	}
	if !isWord(text) {
		return ""
	}
	if len(doc.Codes) > 0 {
		text += fmt.Sprintf(", AADSTS%d", doc.Codes[0])
	}
	return text
}

func isWord(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.") == ""
}

func unusable(u credential.Use, why string) error {
	return credential.ErrUnusable.Say("The credential %q cannot be used: %s.", u.Name, why)
}
