package playground

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
)

// askTimeout bounds a call of the playground.
const askTimeout = 5 * time.Minute

// Ask asks one column of a setup, with the key of a team (zero: the organization's first), and streams what comes to got (nil: nobody
// listens). The end of ctx ends the call, and the provider with it. An error means that no call was made; what became of a call that was
// made, refused or not, is the Answer's.
func (s *Service) Ask(ctx context.Context, in tenant.Scope, team id.Team, set Setup, column int, got func(Piece)) (Answer, error) {
	if err := in.Allow(tenant.UsePlayground); err != nil {
		return Answer{}, err
	}
	if column < 0 || column >= len(set.Columns) {
		return Answer{}, invalid("column", "There is no such column.")
	}
	r, err := s.Request(ctx, in, &set, &set.Columns[column], true)
	if err != nil {
		return Answer{}, err
	}
	till, err := s.Till(ctx, in, team)
	if err != nil {
		return Answer{}, err
	}
	return s.call(ctx, Outgoing{Org: in.Org(), Key: till.Key.ID, Call: id.NewCall(), Body: r.Body}, got)
}

// freshKey is how long a key that was just made may be unknown to the data plane, which hears of it within a second.
const freshKey = 5 * time.Second

// call makes a call, and waits for a key that was made just now.
func (s *Service) call(ctx context.Context, o Outgoing, got func(Piece)) (Answer, error) {
	limited, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for begun := s.Now(); ; {
		l := newListener(s.Now, got)
		err := s.Caller.Call(limited, o, l)
		if err == nil {
			a := l.end()
			a.Call = o.Call
			if ctx.Err() != nil {
				a.Error, a.Code = "Cancelled.", "playground.cancelled"
			}
			return a, nil
		}
		if !errors.Is(err, key.ErrUnknown) || s.Now().Sub(begun) > freshKey {
			return Answer{}, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-limited.Done():
			return Answer{}, errors.Join(err, limited.Err())
		}
	}
}

// Words is an error as people read it in a column.
func Words(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind != fault.Internal {
		return f.Message
	}
	return "This could not be run. Try again; the log says why."
}
