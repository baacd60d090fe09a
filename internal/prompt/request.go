package prompt

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// State is what has become of a request.
type State string

// The states of requests.
const (
	Waiting   State = "waiting" // for an approval
	Planned   State = "planned" // for its time
	Done      State = "done"
	Declined  State = "declined"
	Withdrawn State = "withdrawn"
	Failed    State = "failed" // it could not be made; Reason says why
)

// Request is a move of a label that is not made yet: it waits for an approval, for its time, or for one after the other.
type Request struct {
	ID     id.PromptRequest
	Prompt id.Prompt
	Name   string // of the prompt
	From   int    // where the label stood when it was asked for; 0: nowhere. If it stands elsewhere when the move is due, there is no move.
	Wish          // what is asked for
	State  State

	AskedBy    string
	AskedAt    time.Time
	AnsweredBy string // who approved or declined; "": nobody yet
	AnsweredAt time.Time
	Answer     string
	EndedAt    time.Time // zero: it is open
	Reason     string    // why it failed
}

// Wish is a move that somebody wants.
type Wish struct {
	Label string
	To    int       // 0: the label is taken off
	Plan  *Plan     // by and by; nil: at once
	At    time.Time // zero: as soon as it may be
	Why   string    // one line
}

// RequestFilter selects requests. The zero filter selects all of the organization.
type RequestFilter struct {
	Prompt id.Prompt // "": of all
	Open   bool      // that have not ended
}

const (
	openMax  = 50 // requests of a prompt that have not ended
	aheadMax = 366 * 24 * time.Hour
)

// Ask asks for a move, with a reason: somebody else approves it, who must be one who may release where the label is protected. Approved, it is made at
// its time, or at once. ErrInvalid, ErrVersion, ErrArchived.
func (s *Service) Ask(ctx context.Context, in tenant.Scope, which id.Prompt, w Wish) (Request, error) {
	return s.request(ctx, in, which, w, Waiting)
}

// Schedule has a move made at a time, by the right of who schedules it: that is looked at now, and again when the time has come. ErrProtected, ErrApproval
// where another person's leave is wanted, ErrInvalid, ErrVersion, ErrArchived.
func (s *Service) Schedule(ctx context.Context, in tenant.Scope, which id.Prompt, w Wish) (Request, error) {
	if w.At.IsZero() {
		return Request{}, invalid("at", "Say when.")
	}
	return s.request(ctx, in, which, w, Planned)
}

func (s *Service) request(ctx context.Context, in tenant.Scope, which id.Prompt, w Wish, state State) (Request, error) {
	h := s.hand(in)
	why, err := oneLine("why", w.Why)
	if err != nil {
		return Request{}, err
	}
	w.Why = why
	if !w.At.IsZero() {
		w.At = w.At.UTC().Truncate(time.Second)
		if w.At.Before(h.at) || w.At.After(h.at.Add(aheadMax)) {
			return Request{}, invalid("at", "The time lies ahead, and not more than a year.")
		}
	}
	var r Request
	err = s.change(ctx, in, which, nil, func(d Desk, p Prompt) error {
		if err := wishable(d, p, w); err != nil {
			return err
		}
		rules, err := d.Rules()
		if err != nil {
			return err
		}
		if state == Planned {
			if err := h.lets(d, rules, p, w.Label, w.To); err != nil {
				return err
			}
		}
		r = Request{
			ID: id.PromptRequest(id.New("preq")), Prompt: which, Name: p.Name, From: p.Labels[w.Label], Wish: w, State: state,
			AskedBy: in.Actor().ID(), AskedAt: h.at,
		}
		if err := d.PutRequest(r); err != nil || state == Planned {
			return err
		}
		return d.Tell(asked(p, r, h))
	})
	return r, err
}

// wishable refuses what could not be done as things are now.
func wishable(d Desk, p Prompt, w Wish) error {
	if n, err := d.Open(p.ID); err != nil || n >= openMax {
		return cmp.Or(err, invalid("label", "At most %d moves of a prompt wait at a time.", openMax))
	}
	if w.Plan != nil {
		return rampable(d, p, w.Label, w.To, *w.Plan)
	}
	if err := CheckLabel(w.Label); err != nil {
		return err
	}
	if !p.ArchivedAt.IsZero() {
		return ErrArchived
	}
	if p.Labels[w.Label] == w.To {
		return invalid("version", "The label %q stands there already.", w.Label)
	}
	return there(d, p.ID, w.To)
}

// Requests lists newest first those before one ("": from the newest), at most limit, and whether there are more.
func (s *Service) Requests(ctx context.Context, in tenant.Scope, f RequestFilter, before id.PromptRequest, limit int) ([]Request, bool, error) {
	list, err := s.store.Requests(ctx, in, f, before, limit+1)
	return page(list, limit, err)
}

// Approve lets a move be made that somebody else asked for: exactly that move, and only if the label stands where it stood then. ErrOwn, ErrPerson,
// ErrProtected, ErrAnswered, ErrMoved, and what the move itself fails with.
func (s *Service) Approve(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, answer string) (Request, error) {
	h := s.hand(in)
	h.approved = true
	r, err := s.answer(ctx, in, which, request, answer, func(d Desk, p Prompt, r *Request) error {
		if in.Actor().User == "" {
			return ErrPerson
		}
		asker, err := d.Person(r.AskedBy)
		if err != nil {
			return err
		}
		if asker == in.Actor().User {
			return ErrOwn
		}
		if r.At.After(h.at) {
			r.State = Planned
			return nil
		}
		return h.perform(d, p, r)
	})
	if errors.Is(err, ErrMoved) { // nothing will make it right again
		err = errors.Join(err, s.fail(ctx, in, which, request, err))
	}
	return r, err
}

// fail ends a request that cannot be done, and tells of it.
func (s *Service) fail(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, cause error) error {
	h := s.hand(in)
	return s.asked(ctx, in, which, request, func(d Desk, p Prompt, r Request) error {
		if !r.EndedAt.IsZero() {
			return nil // somebody was faster
		}
		r.State, r.EndedAt, r.Reason = Failed, h.at, said(cause)
		if err := d.PutRequest(r); err != nil {
			return err
		}
		return d.Tell(stuck(p, r.Label, r.To, "A move was not made", r.Reason, h))
	})
}

// Decline refuses a move that somebody asked for. ErrProtected, ErrAnswered.
func (s *Service) Decline(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, answer string) (Request, error) {
	return s.answer(ctx, in, which, request, answer, func(_ Desk, _ Prompt, r *Request) error {
		r.State, r.EndedAt = Declined, s.now().UTC()
		return nil
	})
}

// answer shows fn a request that waits, to somebody who may move its label.
func (s *Service) answer(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, answer string, fn func(Desk, Prompt, *Request) error) (Request, error) {
	h := s.hand(in)
	answer, err := oneLine("answer", answer)
	if err != nil {
		return Request{}, err
	}
	var r Request
	err = s.asked(ctx, in, which, request, func(d Desk, p Prompt, had Request) error {
		r = had
		if r.State != Waiting {
			return ErrAnswered
		}
		rules, err := d.Rules()
		if err != nil {
			return err
		}
		if err := h.may(rules, r.Label); err != nil {
			return err
		}
		r.AnsweredBy, r.AnsweredAt, r.Answer = in.Actor().ID(), h.at, answer
		if err := fn(d, p, &r); err != nil {
			return err
		}
		if err := d.PutRequest(r); err != nil {
			return err
		}
		return d.Tell(asked(p, r, h))
	})
	return r, err
}

// Withdraw takes back a request that has not ended, a scheduled move too: who asked for it does, or somebody who may move the label. ErrAnswered,
// ErrProtected.
func (s *Service) Withdraw(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest) (Request, error) {
	h := s.hand(in)
	var r Request
	err := s.asked(ctx, in, which, request, func(d Desk, _ Prompt, had Request) error {
		r = had
		if !r.EndedAt.IsZero() {
			return ErrAnswered
		}
		if r.AskedBy != in.Actor().ID() {
			rules, err := d.Rules()
			if err != nil {
				return err
			}
			if err := h.may(rules, r.Label); err != nil {
				return err
			}
		}
		r.State, r.EndedAt, r.Reason = Withdrawn, h.at, ""
		return d.PutRequest(r)
	})
	return r, err
}

// asked shows fn a request of a prompt.
func (s *Service) asked(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, fn func(Desk, Prompt, Request) error) error {
	return s.change(ctx, in, which, nil, func(d Desk, p Prompt) error {
		r, ok, err := d.Request(which, request)
		if err != nil {
			return err
		}
		if !ok {
			return ErrRequest
		}
		return fn(d, p, r)
	})
}

// perform makes the move that a request is about.
func (h hand) perform(d Desk, p Prompt, r *Request) error {
	if p.Labels[r.Label] != r.From {
		return ErrMoved.Say("The label %q stood %s when this was asked for, and stands %s now. Ask again.", r.Label, on(r.From), on(p.Labels[r.Label]))
	}
	h.why = r.Why
	var err error
	if r.Plan != nil {
		_, err = h.ramp(d, p, r.Label, r.To, *r.Plan)
	} else {
		_, err = h.set(d, p, []string{r.Label}, r.To)
	}
	r.State, r.EndedAt = Done, h.at
	return err
}
