package credential

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/egress"
	"tollgate/internal/fault"
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

// signTime bounds what comes before a test: a token service may have to be asked.
const signTime = 5 * time.Second

// Tester asks providers whether they accept a secret: by listing models, which costs nothing.
type Tester struct {
	client *http.Client
	signer Signer
	now    func() time.Time
}

// NewTester needs a client that obeys the egress policy and is bounded, egress.Policy's Client, and the signer that calls use too.
func NewTester(client *http.Client, signer Signer, now func() time.Time) *Tester {
	return &Tester{client: client, signer: signer, now: now}
}

// Test tests a secret before it is stored. The error is about the request; what the provider says is the Result.
func (s *Service) Test(ctx context.Context, in tenant.Scope, n New) (Result, error) {
	if err := in.Check(); err != nil {
		return Result{}, err
	}
	v, n, _, err := s.check(n)
	if err != nil {
		return Result{}, err
	}
	c := Credential{Provider: v.ID, Name: cmp.Or(strings.TrimSpace(n.Name), v.Name), BaseURL: n.BaseURL, Settings: n.Settings}
	return s.tester.test(ctx, v, c, in.Org(), n.Secret), nil
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
	r := s.tester.test(ctx, v, c, in.Org(), text)
	return r, s.store.Checked(ctx, in, which, r.Verdict, instant(s.now()))
}

func (t *Tester) test(ctx context.Context, v provider.Vendor, c Credential, org id.Org, text secret.Text) Result {
	q := ask(v, c, text)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, http.NoBody)
	if err != nil {
		return Result{Verdict: Unexpected, Message: "The base URL cannot be called."}
	}
	for k, h := range q.headers {
		req.Header.Set(k, h)
	}
	start := t.now()
	ctx, cancel := context.WithTimeout(ctx, signTime)
	defer cancel()
	if err := t.signer.Sign(ctx, req, nil, c.Use(org, v.Auth, q.service, text)); err != nil {
		return unsigned(err, t.now().Sub(start))
	}
	if q.untestable {
		return Result{Verdict: Untestable, Message: v.Name + " cannot be tested without a paid call. The first call will tell."}
	}
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

// question is what a test asks.
type question struct {
	url, service string
	headers      map[string]string
	untestable   bool // only signing is tried
}

// ask is the vendor's list of models. Where an AWS service has none, access keys are asked who they are: they may ask that whatever
// else they may not.
func ask(v provider.Vendor, c Credential, text secret.Text) question {
	if v.Models == "" && strings.Contains(v.Auth, "aws") && strings.HasPrefix(text.Reveal(), "{") {
		host := "https://sts." + c.Settings["region"] + ".amazonaws.com"
		if strings.HasPrefix(c.Settings["region"], "cn-") {
			host += ".cn"
		}
		return question{url: host + "/?Action=GetCallerIdentity&Version=2011-06-15", service: "sts", headers: map[string]string{"Accept": "application/json"}}
	}
	models := provider.Spoken{Path: v.Models}
	return question{
		url: models.Address(c.Address(v), "", "", c.Settings), service: v.Service, headers: v.Headers, untestable: v.Models == "",
	}
}

// unsigned is the result where a token service refused the secret or did not answer.
func unsigned(err error, took time.Duration) Result {
	r := Result{Verdict: Rejected, Took: took, Message: "This secret cannot be used."}
	var f *fault.Error
	if errors.As(err, &f) {
		r.Message = f.Message
	}
	switch {
	case errors.Is(err, egress.ErrBlocked):
		r.Verdict = Blocked
	case errors.Is(err, ErrTokenUnreachable):
		r.Verdict = Unreachable
	}
	return r
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
