package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gin-gonic/gin"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
)

// The kit's own failures.
var (
	ErrNoRoute      = fault.New(fault.NotFound, "route.not_found", "There is nothing at this address. GET "+Prefix+"/openapi.json lists every route.")
	ErrMethod       = fault.New(fault.NotFound, "route.method", "This address does not know this method.")
	ErrInvalid      = fault.New(fault.Invalid, "request.invalid", "The request is not valid.")
	ErrUnknownField = fault.New(fault.Invalid, "request.unknown_field", "The request has a field that this endpoint does not know.")
	ErrBody         = fault.New(fault.Invalid, "request.invalid_body", "The request body is not valid JSON.")
	ErrMediaType    = fault.New(fault.Invalid, "request.media_type", "The request body must be application/json.")
	ErrTooLarge     = fault.New(fault.TooLarge, "request.too_large", "The request body is larger than 1 MiB.")
	ErrCrossSite    = fault.New(fault.Forbidden, "request.cross_site", "A page of another site sent this request; it was not carried out.")
	ErrOtherOrg     = fault.New(fault.Forbidden, "request.other_organization", "The session has entered another organization.")
	ErrStale        = fault.New(fault.Stale, "request.stale", "It was changed since you read it. Read it again and repeat your change.")
	ErrNoMatch      = fault.New(fault.Invalid, "request.if_match_required", "This change needs an If-Match header with the ETag that you read.")
	ErrCursor       = fault.New(fault.Invalid, "request.invalid_cursor", "This cursor is not one that a page gave you.")
)

// statusOf is httperr's status, but for the few that only the JSON API has.
func statusOf(err error) (int, *fault.Error) {
	status, f := httperr.Of(err)
	switch f.Code {
	case ErrMethod.Code:
		status = http.StatusMethodNotAllowed
	case ErrMediaType.Code:
		status = http.StatusUnsupportedMediaType
	case ErrNoMatch.Code:
		status = http.StatusPreconditionRequired
	}
	return status, f
}

// Problem is a failure as the API tells it (RFC 9457).
type Problem struct {
	Type      string `json:"type" doc:"A stable name of the kind of failure" example:"urn:tollgate:problem:key.not_found"`
	Title     string `json:"title" doc:"The status in words" example:"Not Found"`
	Status    int    `json:"status" doc:"The HTTP status" example:"404"`
	Detail    string `json:"detail" doc:"What went wrong and what to do; safe to show"`
	Code      string `json:"code" doc:"The stable, dotted code; branch on this" example:"key.not_found"`
	Field     string `json:"field,omitempty" doc:"The request field at fault"`
	Resource  string `json:"resource_id,omitempty" doc:"What the failure is about, where that helps"`
	RequestID string `json:"request_id" doc:"Names this request in our logs"`
}

// Error is what the log shows.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the name that huma demands of a status error.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes the answer a problem document.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func newProblem(err error, requestID string) *Problem {
	status, f := statusOf(err)
	return &Problem{
		Type: "urn:tollgate:problem:" + f.Code, Title: http.StatusText(status), Status: status,
		Detail: f.Message, Code: f.Code, Field: f.Field, RequestID: requestID,
	}
}

// problem makes the answer for an error and logs what is our own failure.
func (s *Server) problem(ctx context.Context, x *exchange, err error) *Problem {
	p := newProblem(err, x.requestID)
	if p.Status >= http.StatusInternalServerError && ctx.Err() == nil {
		s.opt.Logger.ErrorContext(ctx, "request failed", "request_id", x.requestID, "route", x.routeName(), "code", p.Code, "err", err)
	}
	return p
}

// refuse ends a request before its endpoint.
func (s *Server) refuse(c *gin.Context, err error) {
	s.write(c, s.problem(c.Request.Context(), exchangeOf(c.Request.Context()), err))
}

func (s *Server) write(c *gin.Context, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{}`) // cannot be: a problem is plain strings
	}
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="tollgate"`)
	}
	c.Abort()
	c.Data(p.Status, p.ContentType(""), append(body, '\n'))
}

// fromBinder turns the schema validator's complaint into one of our faults: the first one, named by its field. The value that
// was sent is never repeated: it may be a secret.
func fromBinder(m *huma.ErrorModel) error {
	switch m.Status {
	case http.StatusUnsupportedMediaType:
		return ErrMediaType
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusInternalServerError:
		return fault.New(fault.Internal, "internal", m.Detail)
	}
	if len(m.Errors) == 0 {
		return ErrBody.Say("The request needs a JSON body.")
	}
	first := m.Errors[0]
	field := fieldName(first.Location)
	switch {
	case first.Location == "body" && m.Status == http.StatusBadRequest:
		return ErrBody
	case first.Message == validation.MsgUnexpectedProperty, first.Message == "unknown query parameter":
		return ErrUnknownField.Say("This endpoint does not know the field %q.", clip(field)).At(clip(field))
	}
	e := ErrInvalid.Say("%s.", sentence(first.Message))
	if name, ok := missing(first.Message); ok {
		field = join(field, name)
	}
	if field != "" {
		e = ErrInvalid.Say("%s: %s.", field, first.Message).At(field)
	}
	return e
}

// missing finds the name in the validator's words for a required property that is not there.
func missing(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "expected required property ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, " to be present")
}

// fieldName drops where a field stood (body, query, path, header): "body.targets[0].model" is "targets.0.model".
func fieldName(location string) string {
	_, rest, _ := strings.Cut(location, ".")
	return strings.NewReplacer("[", ".", "]", "").Replace(rest)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

func sentence(s string) string {
	if s == "" {
		return "It is not valid"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// clip keeps a name that the caller chose short in an answer.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
