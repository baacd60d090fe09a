package exchange

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Calls is what Service needs of the call log.
type Calls interface {
	// Kept is what a client sent in a call; without a body where only its figures are kept. ErrCall.
	Kept(ctx context.Context, in tenant.Scope, call id.Call) (Kept, error)
}

// Service takes prompts in and gives them out for an organization.
type Service struct {
	prompts *prompt.Service
	calls   Calls
	http    *http.Client // for addresses that users give
}

// NewService needs the registry, the call log, and a client that calls only what the operator's network policy allows.
func NewService(prompts *prompt.Service, calls Calls, client *http.Client) *Service {
	return &Service{prompts: prompts, calls: calls, http: client}
}

// Order is what is to be taken in, and how.
type Order struct {
	Source   Source // "": Auto
	Files    []File
	Langfuse *Address // read there, instead of Files
	Which    Which    // "": EachVersion
	Folder   string   // into which it goes; "": as it is named
	Put      string   // a label for the newest version of each prompt, in place of its own labels; "": its own
	Message  string   // of versions of which nothing is said
	prompt.Taking
}

// State is what became of a prompt.
type State string

// The states.
const (
	Created    State = "created"
	NewVersion State = "new_version"
	Changed    State = "changed" // labels, description or tags alone
	Unchanged  State = "unchanged"
	Refused    State = "refused"
)

// Row tells of one prompt.
type Row struct {
	Name     string
	From     string
	State    State
	Prompt   id.Prompt // "": it was refused, or this was a dry run that would have made it
	Revision int       // of the prompt, then
	Versions []int     // numbers here of the versions that were read
	Made     []int     // those that are new
	Moves    []prompt.Move
	Held     []prompt.Held // labels that stayed
	Notes    []string      // what was lost
	Err      error         // of a row that was refused
}

// Report tells of all, in the order in which they were taken.
type Report struct {
	DryRun bool
	Rows   []Row
}

// Count is how many rows are in a state.
func (r *Report) Count(s State) (n int) {
	for i := range r.Rows {
		if r.Rows[i].State == s {
			n++
		}
	}
	return n
}

// Import takes prompts in. One that is refused leaves nothing behind, and does not stop the others.
func (s *Service) Import(ctx context.Context, in tenant.Scope, o Order) (Report, error) {
	found, err := s.read(ctx, o)
	if err != nil {
		return Report{}, err
	}
	if o.Put != "" {
		if err := prompt.CheckLabel(o.Put); err != nil {
			return Report{}, err
		}
		o.Labels = prompt.AllLabels
	}
	for i := range found {
		found[i].Choose(o.Which)
		if o.Put != "" {
			found[i].put(o.Put)
		}
		for j := range found[i].Versions {
			v := &found[i].Versions[j]
			v.Message = cmp.Or(v.Message, o.Message)
		}
	}
	bundles, index := Bundles(found, o.Folder)
	taken, err := s.prompts.Take(ctx, in, bundles, o.Taking)
	if err != nil {
		return Report{}, err
	}
	out := Report{DryRun: o.DryRun, Rows: make([]Row, len(found))}
	for i, f := range found {
		out.Rows[i] = Row{Name: f.Name, From: f.From, State: Refused, Notes: f.Notes, Err: f.Err}
	}
	for i, t := range taken {
		out.Rows[index[i]].taken(&bundles[i], &t, o.DryRun)
	}
	return out, nil
}

func (s *Service) read(ctx context.Context, o Order) ([]Found, error) {
	if o.Langfuse == nil {
		return Read(cmp.Or(o.Source, Auto), o.Files)
	}
	files, err := Pull(ctx, s.http, *o.Langfuse, cmp.Or(o.Which, EachVersion), func(int, int) {})
	if err != nil {
		return nil, err
	}
	return Read(Langfuse, files)
}

func (r *Row) taken(b *prompt.Bundle, t *prompt.Taken, dryRun bool) {
	r.Name = b.Name
	if t.Err != nil {
		r.Err = t.Err
		return
	}
	r.Versions, r.Made, r.Moves, r.Held, r.Revision = t.Is, t.Made, t.Moves, t.Held, t.Prompt.Revision
	switch {
	case t.Created:
		r.State = Created
	case len(t.Made) > 0:
		r.State = NewVersion
	case t.Changed():
		r.State = Changed
	default:
		r.State = Unchanged
	}
	if !dryRun || !t.Created {
		r.Prompt = t.Prompt.ID
	}
}

// Why is why a row was refused: a stable code and a sentence; "", "" for one that was not.
func (r *Row) Why() (code, sentence string) {
	if r.Err == nil {
		return "", ""
	}
	if f := (*fault.Error)(nil); errors.As(r.Err, &f) {
		return f.Code, f.Message
	}
	return ErrUnreadable.Code, ErrUnreadable.Message
}
