// Package httperr maps declared failures to HTTP statuses, once.
package httperr

import (
	"errors"
	"net/http"

	"tollgate/internal/fault"
)

var status = [fault.Kinds]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.PaymentRequired: http.StatusPaymentRequired,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Stale:           http.StatusPreconditionFailed,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.RateLimited:     http.StatusTooManyRequests,
	fault.Upstream:        http.StatusBadGateway,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Timeout:         http.StatusGatewayTimeout,
}

var internal = fault.New(fault.Internal, "internal", "Something failed on our side. Try again; if it persists, report the request id.")

// Of returns the status and the declared failure inside err. What no package declared, and every Internal fault,
// becomes the one anonymous internal failure: its text belongs in the log.
func Of(err error) (int, *fault.Error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind >= fault.Kinds {
		f = internal
	}
	return status[f.Kind], f
}
