package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"tollgate/internal/fault"
	"tollgate/internal/tenant"
)

// The failures of repeated requests.
var (
	ErrKeyFormat   = fault.New(fault.Invalid, "idempotency.invalid_key", "An Idempotency-Key is 1 to 255 printable ASCII characters.")
	ErrKeyReused   = fault.New(fault.Conflict, "idempotency.key_reused", "This Idempotency-Key was used with another request body.")
	ErrInFlight    = fault.New(fault.Conflict, "idempotency.in_flight", "The first request with this Idempotency-Key is still running. Repeat this one shortly.")
	ErrUnknown     = fault.New(fault.Conflict, "idempotency.unknown_outcome", "The first request with this Idempotency-Key failed on our side. Check whether it took effect, then use a new key.")
	ErrSecretShown = fault.New(fault.Conflict, "idempotency.secret_shown", "This request already took effect. Its answer held a secret, which is shown once and not stored.")
)

// claimLife is how long a claim may run before its outcome counts as unknown; recordLife is how long an outcome is replayed.
const (
	claimLife  = 2 * time.Minute
	recordLife = 24 * time.Hour
)

// Claim names one intended effect. It is unique within the scope's organization.
type Claim struct {
	Actor    string // who: user or token id
	Route    string // "POST /keys"
	Key      string // the client's Idempotency-Key
	BodyHash [sha256.Size]byte
}

// Outcome is what a finished request answered.
type Outcome struct {
	Status   int               // 500 and up: it failed on our side, whether it took effect is not known
	Header   map[string]string // content type and ETag
	Body     []byte            // empty for a Secret endpoint
	Secret   bool
	Resource string // id of what was made, if the answer had one
}

// Held is what a ledger knows about a claim that was made before.
type Held struct {
	BodyHash  [sha256.Size]byte
	ClaimedAt time.Time
	Outcome   *Outcome // nil: not finished
}

// Ledger remembers claims. Package restpg provides it.
type Ledger interface {
	// Claim takes the claim, or returns what is known about the one made before. Records older than cutoff count as never made.
	Claim(ctx context.Context, in tenant.Scope, c Claim, now, cutoff time.Time) (*Held, error)
	// Finish stores the outcome of a claim.
	Finish(ctx context.Context, in tenant.Scope, c Claim, o Outcome) error
	// Drop forgets a claim that had no effect.
	Drop(ctx context.Context, in tenant.Scope, c Claim) error
}

// once lets a POST with an Idempotency-Key take effect at most once. Only successes are remembered: a refusal changed nothing,
// so the same key may try again.
func (s *Server) once(c *gin.Context) {
	key := c.GetHeader("Idempotency-Key")
	x := exchangeOf(c.Request.Context())
	if key == "" || x.route == nil || x.route.Public || x.route.Method != http.MethodPost {
		return
	}
	if !validKey(key) {
		s.refuse(c, ErrKeyFormat.At("Idempotency-Key"))
		return
	}
	// The body counts as the client meant it, with the query: the path is part of the route's claim too.
	claim := Claim{
		Actor: actor(x.caller.Scope), Route: "POST " + c.Request.URL.Path, Key: key,
		BodyHash: sha256.Sum256(append([]byte(c.Request.URL.RawQuery+"\n"), x.body...)),
	}
	now := s.opt.Now()
	held, err := s.opt.Once.Claim(c.Request.Context(), x.caller.Scope, claim, now, now.Add(-recordLife))
	switch {
	case err != nil:
		s.refuse(c, err)
	case held != nil:
		s.replay(c, claim, held, now)
	default:
		s.run(c, claim)
	}
}

func (s *Server) replay(c *gin.Context, claim Claim, held *Held, now time.Time) {
	switch {
	case held.BodyHash != claim.BodyHash:
		s.refuse(c, ErrKeyReused)
	case held.Outcome == nil && now.Sub(held.ClaimedAt) < claimLife:
		c.Header("Retry-After", "1")
		s.refuse(c, ErrInFlight)
	case held.Outcome == nil || held.Outcome.Status >= http.StatusInternalServerError:
		s.refuse(c, ErrUnknown)
	case held.Outcome.Secret:
		p := newProblem(ErrSecretShown, exchangeOf(c.Request.Context()).requestID)
		p.Resource = held.Outcome.Resource
		s.write(c, p)
	default:
		for k, v := range held.Outcome.Header {
			c.Header(k, v)
		}
		c.Header("Idempotency-Replayed", "true")
		c.Abort()
		c.Status(held.Outcome.Status)
		_, _ = c.Writer.Write(held.Outcome.Body)
	}
}

// run carries the request out and remembers its answer before the client sees it.
func (s *Server) run(c *gin.Context, claim Claim) {
	x := exchangeOf(c.Request.Context())
	// The outcome is stored even when the client has gone: its retry must find it.
	ctx := context.WithoutCancel(c.Request.Context())
	direct := c.Writer
	held := &holder{ResponseWriter: direct, status: http.StatusOK}
	c.Writer = held
	done := false
	defer func() {
		c.Writer = direct
		if !done { // a panic is on its way up: what took effect is not known, so the claim stays
			return
		}
		err := s.settle(ctx, x, claim, held)
		if err != nil {
			s.opt.Logger.ErrorContext(ctx, "idempotency record", "request_id", x.requestID, "err", err)
		}
		direct.WriteHeader(held.status)
		_, _ = direct.Write(held.body.Bytes())
	}()
	c.Next()
	done = true
}

func (s *Server) settle(ctx context.Context, x *exchange, claim Claim, held *holder) error {
	if held.status >= http.StatusInternalServerError { // it may have taken effect
		return s.opt.Once.Finish(ctx, x.caller.Scope, claim, Outcome{Status: held.status})
	}
	if held.status >= http.StatusBadRequest {
		return s.opt.Once.Drop(ctx, x.caller.Scope, claim)
	}
	o := Outcome{Status: held.status, Header: map[string]string{}, Secret: x.route.endpoint.about.Secret}
	for _, k := range []string{"Content-Type", "ETag"} {
		if v := held.Header().Get(k); v != "" {
			o.Header[k] = v
		}
	}
	var made struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(held.body.Bytes(), &made) == nil {
		o.Resource = made.ID
	}
	if !o.Secret {
		o.Body = held.body.Bytes()
	}
	return s.opt.Once.Finish(ctx, x.caller.Scope, claim, o)
}

// holder keeps an answer back until it is remembered.
type holder struct {
	gin.ResponseWriter
	status int
	body   bytes.Buffer
	wrote  bool
}

func (h *holder) WriteHeader(code int) { h.status = code }
func (h *holder) WriteHeaderNow()      { h.wrote = true }
func (h *holder) Status() int          { return h.status }
func (h *holder) Written() bool        { return h.wrote }
func (h *holder) Size() int            { return h.body.Len() }
func (h *holder) Flush()               {}

func (h *holder) Write(b []byte) (int, error) {
	h.wrote = true
	return h.body.Write(b)
}

func (h *holder) WriteString(s string) (int, error) {
	h.wrote = true
	return h.body.WriteString(s)
}

func actor(in tenant.Scope) string {
	a := in.Actor()
	return string(a.User) + string(a.Token)
}

func validKey(key string) bool {
	if len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] < 0x21 || key[i] > 0x7e {
			return false
		}
	}
	return true
}
