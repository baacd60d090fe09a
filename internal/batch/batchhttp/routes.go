package batchhttp

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Batch is a batch, or a call that may be answered later (a job), as the dashboard sees it.
type Batch struct {
	ID        string            `json:"id"`
	Shape     string            `json:"shape" doc:"openai, anthropic or job: in whose words its client asked"`
	Endpoint  string            `json:"endpoint" doc:"Path of its lines"`
	Status    string            `json:"status" doc:"validating, failed, in_progress, finalizing, completed, expired, cancelling or cancelled"`
	TeamID    string            `json:"team_id"`
	KeyID     string            `json:"key_id"`
	Counts    BatchCounts       `json:"counts"`
	Metadata  map[string]string `json:"metadata"`
	Problems  []BatchProblem    `json:"problems" doc:"Why the file was refused"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at" doc:"End of the window"`
	StartedAt *time.Time        `json:"started_at"`
	EndedAt   *time.Time        `json:"ended_at"`
	Parcels   []BatchParcel     `json:"parcels,omitempty" doc:"Where its lines went; of a list not told"`
}

// BatchCounts are a batch's lines.
type BatchCounts struct {
	Total     int `json:"total"`
	Open      int `json:"open" doc:"Waiting or under way"`
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Expired   int `json:"expired"`
}

// BatchProblem is a fault of the file that was uploaded.
type BatchProblem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
	Line    int    `json:"line,omitempty" doc:"From 1; absent: the file as a whole"`
}

// BatchParcel is the lines of a batch that went to one place together.
type BatchParcel struct {
	Driver    string `json:"driver" doc:"The provider's batch API, or inline: the lines are run one by one"`
	Provider  string `json:"provider"`
	Model     string `json:"model"`
	Status    string `json:"status" doc:"gathering, planned, sent or done"`
	Upstream  string `json:"upstream_id" doc:"What the provider calls it"`
	Lines     int    `json:"lines"`
	Trouble   string `json:"trouble" doc:"Why it waits, if it does"`
	CreatedAt string `json:"created_at"`
}

func toBatch(b batch.Batch) Batch {
	c := b.Counts
	v := Batch{
		ID: string(b.ID), Shape: string(b.Shape), Endpoint: b.Endpoint, Status: string(b.Status), TeamID: string(b.Team), KeyID: string(b.Key),
		Counts:   BatchCounts{c.Total, c.Open(), c.Done, c.Failed, c.Cancelled, c.Expired},
		Metadata: b.Metadata, Problems: []BatchProblem{}, CreatedAt: b.CreatedAt, ExpiresAt: b.ExpiresAt,
		StartedAt: moment(b.StartedAt), EndedAt: moment(b.EndedAt),
	}
	for _, p := range b.Problems {
		v.Problems = append(v.Problems, BatchProblem(p))
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	return v
}

func toParcel(p batch.Parcel) BatchParcel {
	return BatchParcel{
		Driver: p.Driver, Provider: p.Provider, Model: p.Model, Status: string(p.Status), Upstream: p.Upstream, Lines: p.Lines,
		Trouble: p.Trouble, CreatedAt: p.CreatedAt.Format(time.RFC3339),
	}
}

type listRequest struct {
	rest.PageQuery
}

// List lists batches, the newest first.
func List(s *batch.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List batches", Description: "The newest first. Jobs are not among them: they are read by their ids."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Batch], error) {
			var after string
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Batch]{}, err
			}
			found, err := s.List(ctx, in, id.Batch(after), req.Limit+1)
			more := len(found) > req.Limit
			if more {
				found = found[:req.Limit]
			}
			return rest.PageFrom(found, more, toBatch, func(b batch.Batch) any { return string(b.ID) }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one batch or job, with where its lines went.
func Read(s *batch.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a batch", Errors: []*fault.Error{batch.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Batch, error) {
			b, err := s.Find(ctx, in, id.Batch(req.ID))
			if err != nil {
				return Batch{}, err
			}
			parcels, err := s.Parcels(ctx, in, b.ID)
			v := toBatch(b)
			for _, p := range parcels {
				v.Parcels = append(v.Parcels, toParcel(p))
			}
			return v, err
		})
}

// Cancel asks a batch or job to stop.
func Cancel(s *batch.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Cancel a batch", Description: "Lines that were answered keep their answers, and what they cost.", Status: http.StatusOK,
		Errors: []*fault.Error{batch.ErrNotFound, batch.ErrOver},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Batch, error) {
			b, err := s.Stop(ctx, in, id.Batch(req.ID))
			return toBatch(b), err
		})
}
