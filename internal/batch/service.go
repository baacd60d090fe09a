package batch

import (
	"context"
	"slices"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Store is what Service needs of storage; package batchpg provides it. Another organization's things are not found.
type Store interface {
	NewFile(ctx context.Context, in tenant.Scope, f File) error
	AppendFile(ctx context.Context, in tenant.Scope, f id.File, number int, chunk []byte) error
	SealFile(ctx context.Context, in tenant.Scope, f id.File, bytes int64) error
	File(ctx context.Context, in tenant.Scope, f id.File) (File, error)
	Files(ctx context.Context, in tenant.Scope, team id.Team, purpose string, after id.File, limit int) ([]File, error)
	Content(ctx context.Context, in tenant.Scope, f id.File, give func(chunk []byte) error) error
	RemoveFile(ctx context.Context, in tenant.Scope, f id.File) error

	NewBatch(ctx context.Context, in tenant.Scope, b Batch, lines []Line) error
	Batch(ctx context.Context, in tenant.Scope, b id.Batch) (Batch, error)
	// Batches lists batches that are no jobs, the newest first; team "": of every team; shape "": of every shape.
	Batches(ctx context.Context, in tenant.Scope, team id.Team, shape Shape, after id.Batch, limit int) ([]Batch, error)
	Cancel(ctx context.Context, in tenant.Scope, b id.Batch, now time.Time) error
	// Parcels are where the lines of a batch went.
	Parcels(ctx context.Context, in tenant.Scope, b id.Batch) ([]Parcel, error)
	// Results gives the lines of a batch with their ends, in order.
	Results(ctx context.Context, in tenant.Scope, b id.Batch, give func(Line) error) error
}

// Service is what clients can do.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service { return &Service{store: store, now: now} }

// New is a batch to be made.
type New struct {
	Endpoint string
	Input    id.File
	Window   string // "24h"
	Metadata map[string]string
}

// The bounds of metadata, as OpenAI has them.
const (
	metadataMax      = 16
	metadataKeyMax   = 64
	metadataValueMax = 512
)

// Create makes a batch of a file. The file is read later: what is wrong with it is told by the batch.
func (s *Service) Create(ctx context.Context, c Caller, n New) (Batch, error) {
	switch {
	case !slices.Contains(Endpoints, n.Endpoint):
		return Batch{}, ErrInvalid.Say("endpoint must be one of %v.", Endpoints).At("endpoint")
	case n.Window != "24h":
		return Batch{}, ErrInvalid.Say("completion_window must be 24h.").At("completion_window")
	case n.Input == "":
		return Batch{}, ErrInvalid.Say("Missing required parameter: 'input_file_id'.").At("input_file_id")
	}
	if err := checkMetadata(n.Metadata); err != nil {
		return Batch{}, err
	}
	f, err := s.File(ctx, c, n.Input)
	if err != nil {
		return Batch{}, err
	}
	if f.Purpose != PurposeBatch {
		return Batch{}, ErrInvalid.Say("The file's purpose is %s; upload it with the purpose batch.", f.Purpose).At("input_file_id")
	}
	b := s.fresh(c, OpenAI, n.Endpoint, "batch")
	b.Input, b.Metadata, b.Status = f.ID, n.Metadata, Validating
	return b, s.store.NewBatch(ctx, c.Scope, b, nil)
}

func (s *Service) fresh(c Caller, shape Shape, endpoint, prefix string) Batch {
	now := s.now()
	return Batch{
		Owner: c.Owner(), ID: id.Batch(id.New(prefix)), Shape: shape, Endpoint: endpoint,
		CreatedAt: now, ExpiresAt: now.Add(Window), Status: InProgress, StartedAt: now,
	}
}

func checkMetadata(m map[string]string) error {
	if len(m) > metadataMax {
		return ErrInvalid.Say("metadata has at most %d entries.", metadataMax).At("metadata")
	}
	for k, v := range m {
		if k == "" || len(k) > metadataKeyMax || len(v) > metadataValueMax {
			return ErrInvalid.Say("A name in metadata has 1 to %d bytes, a value at most %d.", metadataKeyMax, metadataValueMax).At("metadata")
		}
	}
	return nil
}

// CreateMessages makes a batch in Anthropic's shape; every line has its custom id and body.
func (s *Service) CreateMessages(ctx context.Context, c Caller, header map[string]string, lines []Line) (Batch, error) {
	b := s.fresh(c, Anthropic, MessagesEndpoint, "msgbatch")
	b.Header = header
	s.number(&b, lines)
	b.Counts.Total = len(lines)
	return b, s.store.NewBatch(ctx, c.Scope, b, lines)
}

// Defer makes a job of a call, which keeps its id.
func (s *Service) Defer(ctx context.Context, c Caller, call id.Call, path string, header map[string]string, body []byte) (Batch, error) {
	b := s.fresh(c, Job, path, "job")
	b.Header = header
	lines := []Line{{CustomID: string(b.ID), Body: body}}
	s.number(&b, lines)
	lines[0].Call = call
	b.Counts.Total = 1
	return b, s.store.NewBatch(ctx, c.Scope, b, lines)
}

// number gives lines their numbers and call ids.
func (s *Service) number(b *Batch, lines []Line) {
	mint, now := id.NewMint(), s.now()
	for i := range lines {
		lines[i].Batch, lines[i].Number, lines[i].Call, lines[i].State = b.ID, i+1, mint.Call(now), LineWaiting
	}
}

// Batch finds a batch of the caller's team and a shape.
func (s *Service) Batch(ctx context.Context, c Caller, shape Shape, which id.Batch) (Batch, error) {
	b, err := s.store.Batch(ctx, c.Scope, which)
	if err == nil && (b.Team != c.Team || b.Shape != shape) {
		err = ErrNotFound
	}
	if err != nil {
		return Batch{}, err
	}
	return b, nil
}

// Batches lists the batches of the caller's team, the newest first, behind after.
func (s *Service) Batches(ctx context.Context, c Caller, shape Shape, after id.Batch, limit int) ([]Batch, error) {
	return s.store.Batches(ctx, c.Scope, c.Team, shape, after, limit)
}

// Cancel asks a batch to stop. Lines that were answered keep their answers.
func (s *Service) Cancel(ctx context.Context, c Caller, shape Shape, which id.Batch) (Batch, error) {
	b, err := s.Batch(ctx, c, shape, which)
	if err != nil {
		return Batch{}, err
	}
	if b.Status.Over() {
		return Batch{}, ErrOver
	}
	if err := s.store.Cancel(ctx, c.Scope, which, s.now()); err != nil {
		return Batch{}, err
	}
	return s.Batch(ctx, c, shape, which)
}

// Results gives the lines of a batch that is over.
func (s *Service) Results(ctx context.Context, c Caller, b Batch, give func(Line) error) error {
	if !b.Status.Over() {
		return ErrNotOver
	}
	return s.store.Results(ctx, c.Scope, b.ID, give)
}

// Answer is the one line of a job; nil while it has not ended.
func (s *Service) Answer(ctx context.Context, c Caller, job Batch) (*Line, error) {
	if !job.Status.Over() {
		return nil, nil
	}
	var got *Line
	err := s.store.Results(ctx, c.Scope, job.ID, func(l Line) error { got = &l; return nil })
	return got, err
}

// List is for people: batches of every team and shape.
func (s *Service) List(ctx context.Context, in tenant.Scope, after id.Batch, limit int) ([]Batch, error) {
	return s.store.Batches(ctx, in, "", "", after, limit)
}

// Find is for people: a batch, or a job, of any team.
func (s *Service) Find(ctx context.Context, in tenant.Scope, which id.Batch) (Batch, error) {
	return s.store.Batch(ctx, in, which)
}

// Parcels is for people: where the lines of a batch went.
func (s *Service) Parcels(ctx context.Context, in tenant.Scope, which id.Batch) ([]Parcel, error) {
	return s.store.Parcels(ctx, in, which)
}

// Stop is for people: Cancel, for a batch or job of any team.
func (s *Service) Stop(ctx context.Context, in tenant.Scope, which id.Batch) (Batch, error) {
	b, err := s.store.Batch(ctx, in, which)
	if err != nil {
		return Batch{}, err
	}
	if b.Status.Over() {
		return Batch{}, ErrOver
	}
	if err := s.store.Cancel(ctx, in, which, s.now()); err != nil {
		return Batch{}, err
	}
	return s.store.Batch(ctx, in, which)
}
