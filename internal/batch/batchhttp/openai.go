package batchhttp

import (
	"net/http"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// batchView is a batch as OpenAI writes it.
type batchView struct {
	ID           id.Batch          `json:"id"`
	Object       string            `json:"object"`
	Endpoint     string            `json:"endpoint"`
	Errors       *problems         `json:"errors"`
	Input        *id.File          `json:"input_file_id"`
	Window       string            `json:"completion_window"`
	Status       batch.Status      `json:"status"`
	Output       *id.File          `json:"output_file_id"`
	ErrorFile    *id.File          `json:"error_file_id"`
	CreatedAt    *int64            `json:"created_at"`
	InProgressAt *int64            `json:"in_progress_at"`
	ExpiresAt    *int64            `json:"expires_at"`
	FinalizingAt *int64            `json:"finalizing_at"`
	CompletedAt  *int64            `json:"completed_at"`
	FailedAt     *int64            `json:"failed_at"`
	ExpiredAt    *int64            `json:"expired_at"`
	CancellingAt *int64            `json:"cancelling_at"`
	CancelledAt  *int64            `json:"cancelled_at"`
	Counts       countsView        `json:"request_counts"`
	Metadata     map[string]string `json:"metadata"`
}

type countsView struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

type problems struct {
	Object string        `json:"object"`
	Data   []problemView `json:"data"`
}

type problemView struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}

func toBatchView(b batch.Batch) batchView {
	v := batchView{
		ID: b.ID, Object: "batch", Endpoint: b.Endpoint, Input: name(b.Input), Window: "24h", Status: b.Status, Output: name(b.Output),
		ErrorFile: name(b.Errors), CreatedAt: unix(b.CreatedAt), InProgressAt: unix(b.StartedAt), ExpiresAt: unix(b.ExpiresAt),
		FinalizingAt: unix(b.FinalizingAt), CancellingAt: unix(b.CancellingAt), Metadata: b.Metadata,
		Counts: countsView{b.Counts.Total, b.Counts.Done, b.Counts.Failed},
	}
	switch b.Status {
	case batch.Completed:
		v.CompletedAt = unix(b.EndedAt)
	case batch.Failed:
		v.FailedAt = unix(b.EndedAt)
	case batch.Expired:
		v.ExpiredAt = unix(b.EndedAt)
	case batch.Cancelled:
		v.CancelledAt = unix(b.EndedAt)
	case batch.Validating, batch.InProgress, batch.Finalizing, batch.Cancelling:
	}
	if len(b.Problems) > 0 {
		v.Errors = &problems{Object: "list"}
		for _, p := range b.Problems {
			pv := problemView{Code: p.Code, Message: p.Message, Param: name(p.Param)}
			if p.Line > 0 {
				pv.Line = &p.Line
			}
			v.Errors.Data = append(v.Errors.Data, pv)
		}
	}
	return v
}

// newBatch is what a client sends to make a batch.
type newBatch struct {
	Input    id.File           `json:"input_file_id"`
	Endpoint string            `json:"endpoint"`
	Window   string            `json:"completion_window"`
	Metadata map[string]string `json:"metadata"`
}

// OpenAI serves /v1/batches and what is below it.
func (f Face) OpenAI(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	which, verb := below(r, "batches")
	switch {
	case which == "" && r.Method == http.MethodPost:
		return f.create(w, r, c)
	case which == "" && r.Method == http.MethodGet:
		return f.list(w, r, c)
	case verb == "" && r.Method == http.MethodGet:
		b, err := f.Batches.Batch(r.Context(), c, batch.OpenAI, id.Batch(which))
		if err != nil {
			return err
		}
		return show(w, http.StatusOK, toBatchView(b))
	case verb == "cancel" && r.Method == http.MethodPost:
		b, err := f.Batches.Cancel(r.Context(), c, batch.OpenAI, id.Batch(which))
		if err != nil {
			return err
		}
		return show(w, http.StatusOK, toBatchView(b))
	}
	return ErrPath
}

func (f Face) create(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	var in newBatch
	if err := read(r, requestMax, &in); err != nil {
		return err
	}
	b, err := f.Batches.Create(r.Context(), c, batch.New{Endpoint: in.Endpoint, Input: in.Input, Window: in.Window, Metadata: in.Metadata})
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, toBatchView(b))
}

func (f Face) list(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	after, limit, err := page(r, "after", 100)
	if err != nil {
		return err
	}
	got, err := f.Batches.Batches(r.Context(), c, batch.OpenAI, id.Batch(after), limit+1)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, list(got, limit, toBatchView, func(b batch.Batch) string { return string(b.ID) }))
}
