package credential

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/egress"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// Verdict is the result of testing a credential. The values are stable.
type Verdict string

// The verdicts.
const (
	OK          Verdict = "ok"
	Rejected    Verdict = "rejected"    // the provider does not accept the secret
	Limited     Verdict = "limited"     // the secret is accepted; the provider answers that its limit is reached
	Unreachable Verdict = "unreachable" // no connection, or no answer in time
	Blocked     Verdict = "blocked"     // the network policy does not let us call the address
	Unexpected  Verdict = "unexpected"  // an answer, but not the provider's
	Failing     Verdict = "failing"     // the provider has a fault
	Untestable  Verdict = "untestable"  // only a paid call would tell
)

// Result is what a test found. Message says in a sentence whose fault it is.
type Result struct {
	Verdict Verdict
	Status  int // of the provider's answer; 0: there was none
	Message string
	Took    time.Duration
}

// Tester asks providers whether they accept a secret: by listing models, which costs nothing.
type Tester struct {
	client *http.Client
	now    func() time.Time
}

// NewTester needs a client that obeys the egress policy and is bounded: egress.Policy's Client.
func NewTester(client *http.Client, now func() time.Time) *Tester {
	return &Tester{client: client, now: now}
}

// Test tests a secret before it is stored. The error is about the request; what the provider says is the Result.
func (s *Service) Test(ctx context.Context, in tenant.Scope, n New) (Result, error) {
	if err := in.Check(); err != nil {
		return Result{}, err
	}
	v, n, err := s.check(n)
	if err != nil {
		return Result{}, err
	}
	return s.tester.test(ctx, v, n.BaseURL, n.Secret), nil
}

// TestStored tests a stored credential and writes the verdict down.
func (s *Service) TestStored(ctx context.Context, in tenant.Scope, which id.Credential) (Result, error) {
	c, text, err := s.reveal(ctx, in, which)
	if err != nil {
		return Result{}, err
	}
	v, ok := s.vendors(c.Provider)
	if !ok {
		return Result{}, ErrInvalid.Say("The provider %q is no longer supported.", c.Provider)
	}
	r := s.tester.test(ctx, v, c.BaseURL, text)
	return r, s.store.Checked(ctx, in, which, r.Verdict, instant(s.now()))
}

func (t *Tester) test(ctx context.Context, v provider.Vendor, baseURL string, text secret.Text) Result {
	if v.Models == "" {
		return Result{Verdict: Untestable, Message: v.Name + " cannot be tested without a paid call. The first call will tell."}
	}
	if baseURL == "" {
		baseURL = v.BaseURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(baseURL, "/")+v.Models, nil)
	if err != nil {
		return Result{Verdict: Unexpected, Message: "The base URL cannot be called."}
	}
	for k, h := range v.Headers {
		req.Header.Set(k, h)
	}
	authenticate(req, v, text)
	start := t.now()
	resp, err := t.client.Do(req)
	took := t.now().Sub(start)
	if err != nil {
		return noAnswer(v, err, took)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	r := judge(v, resp, body, err)
	r.Status, r.Took = resp.StatusCode, took
	return r
}

// authenticate puts the secret where the vendor wants it. An empty one is not sent.
func authenticate(req *http.Request, v provider.Vendor, text secret.Text) {
	if text.Empty() {
		return
	}
	if header, ok := strings.CutPrefix(v.Auth, "header:"); ok {
		req.Header.Set(header, text.Reveal())
	} else if v.Auth == "bearer" {
		req.Header.Set("Authorization", "Bearer "+text.Reveal())
	}
}

func noAnswer(v provider.Vendor, err error, took time.Duration) Result {
	r := Result{Verdict: Unreachable, Took: took, Message: v.Name + " did not answer. The key was not tested: the address may be wrong, or its network is down."}
	switch {
	case errors.Is(err, egress.ErrBlocked):
		r.Verdict, r.Message = Blocked, "The operator's network policy does not allow calls to this address. The key was not sent."
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		r.Message = v.Name + " did not answer in time. The key was not tested."
	}
	return r
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// judge reads an answer. A redirect is an answer too: keys are not carried to other hosts.
func judge(v provider.Vendor, resp *http.Response, body []byte, err error) Result {
	status := resp.StatusCode
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Result{Verdict: Rejected, Message: v.Name + " rejected this key. Check that it is whole, active and for this provider."}
	case status == http.StatusTooManyRequests, status == http.StatusPaymentRequired:
		return Result{Verdict: Limited, Message: v.Name + " accepted this key, but says that its limit or quota is reached."}
	case status >= 500:
		return Result{Verdict: Failing, Message: v.Name + " has a fault at the moment. The key was not tested; try again."}
	case status != http.StatusOK || err != nil || !looksLikeJSON(body):
		return Result{Verdict: Unexpected, Message: "Something answered at this address, but not as " + v.Name + " does. Check the base URL."}
	}
	return Result{Verdict: OK, Message: v.Name + " accepted this key."}
}

func looksLikeJSON(body []byte) bool {
	text := strings.TrimSpace(string(body))
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}
