// Package fault is the vocabulary of failure: what went wrong in a way the caller can act on.
//
// A package declares its failures once as variables made by New. Callers compare with errors.Is; the edges
// (JSON API, gateway, pages) render them through httperr.Of. What no package declared is Internal and its text
// stays in the log.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what the caller can do about a failure. The zero Kind is Internal.
type Kind uint8

// The kinds. Each has exactly one HTTP status, in package httperr.
const (
	Internal        Kind = iota // ours; nothing the caller can do but report the call id
	Invalid                     // the request is wrong; change it
	Unauthenticated             // no valid credential
	PaymentRequired             // no money left
	Forbidden                   // valid credential, not allowed
	NotFound                    // no such thing, or it belongs to somebody else
	Conflict                    // the state does not allow it now
	Stale                       // If-Match did not match; read again
	TooLarge                    // body over the limit
	RateLimited                 // too fast; retry later
	Upstream                    // the provider failed
	Unavailable                 // we cannot serve now; retry later
	Timeout                     // the provider took too long
	Kinds                       // number of kinds
)

// Error is one declared failure. Copies made by Because, At and Say still match the declared variable under errors.Is.
type Error struct {
	Kind    Kind
	Code    string // stable, dotted, public API: "key.expired"
	Message string // safe to show; a sentence
	Field   string // the request field at fault, in the caller's words ("tools.0.name"); empty when none is

	cause error
	base  *Error
}

// New declares a failure. Call it in a package-level var.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Error gives code, message and cause for the log. Never show it: Message is the public part.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Because returns a copy with a cause that is logged and never shown.
func (e *Error) Because(cause error) *Error {
	c := e.derive()
	c.cause = cause
	return c
}

// At returns a copy that names the field at fault.
func (e *Error) At(field string) *Error {
	c := e.derive()
	c.Field = field
	return c
}

// Say returns a copy with another public sentence, for failures whose message needs a value.
func (e *Error) Say(format string, args ...any) *Error {
	c := e.derive()
	c.Message = fmt.Sprintf(format, args...)
	return c
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the declared variable that e was derived from.
func (e *Error) Is(target error) bool {
	var t *Error
	if !errors.As(target, &t) {
		return false
	}
	return e.root() == t.root()
}

func (e *Error) derive() *Error {
	c := *e
	c.base = e.root()
	return &c
}

func (e *Error) root() *Error {
	if e.base != nil {
		return e.base
	}
	return e
}
