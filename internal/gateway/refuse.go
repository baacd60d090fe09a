package gateway

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
)

// explain is the public sentence of an error.
func explain(err error) string {
	_, f := httperr.Of(err)
	return f.Message
}

// refuse makes an error the call's answer, in the client's dialect.
func (g *Gateway) refuse(c *Call, err error) {
	c.releaseWhole()
	var failure *providerFailure
	if errors.As(err, &failure) {
		c.Answer = failure.answer(c)
		return
	}
	problem := g.problem(c.Text, err)
	c.Answer = answer{status: problem.Status, problem: problem, after: pauseOf(problem.Kind)}
	c.Answer.settled = errors.Is(err, prompt.ErrUnusable) // clients take a conflict for one that passes
	if over := (*overBudget)(nil); errors.As(err, &over) {
		c.broke(over)
	}
}

func (c *Call) releaseWhole() {
	if w := c.Answer.whole; w != nil {
		w.buf.release()
	}
	c.Answer = answer{}
}

func (g *Gateway) problem(call string, err error) *provider.Problem {
	status, f := httperr.Of(err)
	if errors.Is(err, ErrMethod) {
		status = http.StatusMethodNotAllowed
	}
	if (f.Kind == fault.Internal || f.Kind == fault.Unavailable) &&
		!errors.Is(err, ErrOverloaded) && !errors.Is(err, budget.ErrUnreachable) { // those are counted
		g.Logger.Error("gateway: call failed", "call", call, "err", err)
	}
	return &provider.Problem{
		Status: status, Kind: f.Kind, Code: f.Code, Message: f.Message, Field: f.Field, CallID: call,
	}
}

// pauseOf is what a client is told to wait when we cannot serve.
func pauseOf(k fault.Kind) time.Duration {
	if k == fault.Unavailable {
		return time.Second
	}
	return 0
}

// reject answers a request that is no model call.
func (g *Gateway) reject(w http.ResponseWriter, d provider.Client, err error) {
	call := id.NewCall().String()
	p := g.problem(call, err)
	h := w.Header()
	h[callIDHeader] = []string{call}
	h["Content-Type"] = jsonType
	advise(h, &answer{status: p.Status, after: pauseOf(p.Kind)})
	w.WriteHeader(p.Status)
	_, _ = w.Write(d.AppendError(nil, *p)) //nolint:gosec // JSON of an API: no page
}

// answer says what the client is told of a provider's failure. A provider that speaks the client's dialect is quoted: status, body
// and Retry-After as they came. Not so for a refused credential: the client would take it for its own key.
func (f *providerFailure) answer(c *Call) answer {
	r := f.refusal
	declared := f.declared()
	status, _ := httperr.Of(declared)
	switch {
	case r.Class == provider.ClassServer && r.Status >= 500,
		r.Class == provider.ClassOverloaded && r.Status >= 500,
		r.Class == provider.ClassInvalid && r.Status >= 400 && r.Status < 500:
		status = r.Status
	}
	a := answer{status: status, after: r.RetryAfter, header: c.Work.refusedBy, problem: &provider.Problem{
		Status: status, Kind: declared.Kind, Code: declared.Code, Message: declared.Message, CallID: c.Text,
		Provider: &provider.ProviderProblem{Name: f.target.Vendor.ID, Status: r.Status, Type: r.Type, Code: r.Code},
	}}
	if r.Class == provider.ClassCredential {
		a.header = nil
		return a
	}
	a.problem.Provider.Message = r.Message
	a.problem.Field = r.Param
	if f.passed && r.Status >= 400 && bytes.HasPrefix(bytes.TrimSpace(r.Body), []byte("{")) {
		a.status, a.raw = r.Status, r.Body
	}
	return a
}

// declared is the failure of our vocabulary, in words that say whose fault it is.
func (f *providerFailure) declared() *fault.Error {
	name, r := f.target.Vendor.Name, f.refusal
	quote := func(e *fault.Error, what string) *fault.Error {
		if r.Message == "" {
			return e.Say("%s %s.", name, what)
		}
		return e.Say("%s %s: %s", name, what, clean(r.Message, 1000))
	}
	switch r.Class {
	case provider.ClassRateLimited:
		return quote(ErrProviderLimited, "limits the organization's rate")
	case provider.ClassOverloaded:
		return quote(ErrProviderOverloaded, "is overloaded")
	case provider.ClassTimeout:
		return quote(ErrProviderTimeout, "took too long")
	case provider.ClassCredential:
		return f.credential()
	case provider.ClassQuota:
		return quote(ErrProviderQuota, "reports that the organization's account there has no credit or quota left")
	case provider.ClassNotFound:
		return quote(ErrProviderModel, "does not know the model "+clip(f.target.Model))
	case provider.ClassInvalid:
		return quote(ErrProviderInvalid, "refused the request")
	case provider.ClassContext:
		return quote(ErrProviderContext, "says that the prompt is too long")
	case provider.ClassContent:
		return quote(ErrProviderContent, "refused the content")
	case provider.ClassConnect:
		return quote(ErrProviderConnect, "could not be reached or broke off")
	case provider.ClassServer:
	}
	return quote(ErrProvider, "failed")
}

// credential names the credential that was refused; the provider's own words are left out, because some repeat the secret.
func (f *providerFailure) credential() *fault.Error {
	c := f.target.Credential
	if c == nil {
		return ErrProviderCredential
	}
	return ErrProviderCredential.Say("%s rejected this organization's credential %q (%s, ends in %s). Your virtual key is fine: "+
		"an admin must replace the credential on the dashboard under Providers.", f.target.Vendor.Name, c.Name, c.ID, c.Hint)
}
