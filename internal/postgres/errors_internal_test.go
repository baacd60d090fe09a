package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"tollgate/internal/fault"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	own := fault.New(fault.Invalid, "own.error", "Own.")
	other := errors.New("other")
	code := func(c string) error {
		return &pgconn.PgError{Code: c, ConstraintName: "x", Detail: "Key (email)=(a@b.c) exists."}
	}
	tests := []struct {
		name string
		in   error
		want error
	}{
		{"no row of gorm", gorm.ErrRecordNotFound, ErrNoRow},
		{"no row of pgx", fmt.Errorf("read: %w", pgx.ErrNoRows), ErrNoRow},
		{"no row of database/sql", sql.ErrNoRows, ErrNoRow},
		{"a declared error passes, whatever caused it", own.Because(pgx.ErrNoRows), own},
		{"an unknown error passes", other, other},
		{"a caller who left is no failure of ours", context.Canceled, context.Canceled},
		{"a deadline", context.DeadlineExceeded, ErrDown},
		{"a cut connection", io.ErrUnexpectedEOF, ErrDown},
		{"a shutdown", code("57P01"), ErrDown},
		{"a server that starts up", code("57P03"), ErrDown},
		{"too many connections", code("53300"), ErrDown},
		{"a serialization failure", code("40001"), ErrBusy},
		{"a deadlock", code("40P01"), ErrBusy},
		{"a NUL in a text", code("22021"), ErrText},
		{"a NUL in JSON", code("22P05"), ErrText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := translate(tt.in); !errors.Is(got, tt.want) || !errors.Is(got, tt.in) {
				t.Errorf("translate(%v) = %v, want %v that keeps its cause", tt.in, got, tt.want)
			}
		})
	}
	if translate(nil) != nil {
		t.Error("no error became one")
	}
}

func TestAViolationNamesItsConstraintAndNoValue(t *testing.T) {
	t.Parallel()
	var conflict *Conflict
	got := translate(&pgconn.PgError{Code: "23505", ConstraintName: "users_email_taken", Detail: "Key (email)=(a@b.c) exists."})
	if !errors.As(got, &conflict) || conflict.Constraint != "users_email_taken" {
		t.Fatalf("translate = %#v", got)
	}
	if s := fmt.Sprintf("%v %+v %s", got, got, errors.Unwrap(got)); strings.Contains(s, "a@b.c") {
		t.Errorf("the value is in the text: %s", s)
	}
	var ref *Reference
	if got := translate(&pgconn.PgError{Code: "23503", ConstraintName: "fk"}); !errors.As(got, &ref) || ref.Constraint != "fk" {
		t.Errorf("translate = %#v", got)
	}
}
