package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
	"gorm.io/gorm"

	"tollgate/internal/fault"
)

// What a store can tell apart. Everything else is a bug or the caller's own error, and passes unchanged.
var (
	// ErrNoRow means that no row of this organization matched. A store says its domain's ErrNotFound instead.
	ErrNoRow = fault.New(fault.NotFound, "database.no_row", "Not found.")
	// ErrDown means that the database did not answer: refused, cut off, shutting down, or too slow for the deadline.
	// Whether a write that ended so was committed is not known.
	ErrDown = fault.New(fault.Unavailable, "database.down", "The database does not answer. Try again shortly.")
	// ErrBusy means that the transaction lost against another one and was rolled back whole: it may be tried again.
	ErrBusy = fault.New(fault.Unavailable, "database.busy", "The database is busy. Try again shortly.")
	// ErrText means that a value from outside cannot be text: a NUL, or bytes that are no UTF-8.
	ErrText = fault.New(fault.Invalid, "request.invalid_text", "The request holds text that is not valid: a NUL character, or bytes that are no UTF-8.")
)

// Misuse and configuration.
var (
	errURL      = fault.New(fault.Internal, "database.url", "The database URL cannot be read; it looks like postgres://user:password@host:5432/name.")
	errNoReason = fault.New(fault.Internal, "database.no_reason", "A query across organizations needs a reason.")
)

// Conflict is a unique constraint that refused a row. A store turns the constraints that it knows into its ErrTaken.
type Conflict struct {
	Constraint string
	cause      error
}

// Error names the constraint and never the values.
func (c *Conflict) Error() string { return "unique constraint " + c.Constraint }

// Unwrap returns the driver's error.
func (c *Conflict) Unwrap() error { return c.cause }

// Reference is a foreign key that refused a change: what a row refers to is not there (or not in this organization),
// or a row that others refer to was to go.
type Reference struct {
	Constraint string
	cause      error
}

// Error names the constraint and never the values.
func (r *Reference) Error() string { return "foreign key " + r.Constraint }

// Unwrap returns the driver's error.
func (r *Reference) Unwrap() error { return r.cause }

// SQLSTATE codes and classes, from the manual's appendix A.
const (
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	tooManyConnections   = "53300"
	connectionClass      = "08"
	badCharacter         = "22021" // NUL, or no UTF-8
	badEscape            = "22P05" // \u0000 in JSON
	operatorClass        = "57P"   // shutting down, crashed, starting up, database dropped
)

// translate maps what drivers say to the errors above.
func translate(err error) error {
	var declared *fault.Error
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &declared):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
		return ErrNoRow.Because(err)
	case errors.As(err, &pg):
		return translateCode(pg, err)
	case errors.Is(err, context.Canceled):
		return err // the caller left
	case lost(err):
		return ErrDown.Because(err)
	}
	return err
}

func translateCode(pg *pgconn.PgError, err error) error {
	switch code := pg.Code; {
	case code == uniqueViolation:
		return &Conflict{Constraint: pg.ConstraintName, cause: err}
	case code == foreignKeyViolation:
		return &Reference{Constraint: pg.ConstraintName, cause: err}
	case code == badCharacter, code == badEscape:
		return ErrText.Because(err)
	case code == serializationFailure, code == deadlockDetected, code == lockNotAvailable:
		return ErrBusy.Because(err)
	case code == tooManyConnections, strings.HasPrefix(code, connectionClass), strings.HasPrefix(code, operatorClass):
		return ErrDown.Because(err)
	}
	return err
}

// lost reports whether err says that the connection is gone or cannot be had.
func lost(err error) bool {
	var dial *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &dial) || errors.As(err, &network) {
		return true
	}
	for _, known := range []error{
		context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone,
		pgconn.ErrConnClosed, puddle.ErrClosedPool,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
