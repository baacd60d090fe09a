package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"tollgate/internal/batch"
	"tollgate/internal/batch/batchhttp"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/batch/remote"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/snapshot"
)

// batchCaller is a key as batches know it.
func batchCaller(k *snapshot.Key) batch.Caller {
	return batch.Caller{Scope: k.Scope, Team: k.Team, Key: k.ID}
}

// batchEndpoints adds to the gateway what batches, their files and jobs are asked by.
func (h *house) batchEndpoints(to *gateway.Keyed) {
	face := batchhttp.Face{Batches: batch.NewService(batchpg.New(h.db), h.now)}
	keyed := func(serve func(http.ResponseWriter, *http.Request, batch.Caller) error) gateway.KeyHandler {
		return func(w http.ResponseWriter, r *http.Request, k *snapshot.Key) error {
			return serve(w, r, batchCaller(k))
		}
	}
	to.Batches, to.Messages, to.Files, to.Jobs = keyed(face.OpenAI), keyed(face.Messages), keyed(face.Files), keyed(face.Jobs)
	to.Defer = func(ctx context.Context, k *snapshot.Key, call id.Call, path string, header http.Header, body []byte) (string, []byte, error) {
		return face.Defer(ctx, batchCaller(k), call, path, header, body)
	}
}

// batchRunner is the worker's part of batches. Calls go through the process's own gateway.
func (h *house) batchRunner(d *dataPlane, log *slog.Logger) *batch.Runner {
	records := &batchRecords{calllogpg.New(h.db), log}
	return batch.NewRunner(batch.Deps{
		Work: batchpg.New(h.db), Calls: d.gate.Lines(), Drivers: remote.Drivers(), Ingest: records.ingest, Now: h.now, Logger: log,
		Config: batch.Config{Holder: d.calls.Proxy()}, // the spool's lock proves that no other process has this name
	})
}

// batchRecords takes the records of lines to the call log.
type batchRecords struct {
	calls *calllogpg.Store
	log   *slog.Logger
}

// ingest stores records. One that cannot be stored is told and passed over: it must not keep all others waiting for ever.
func (b *batchRecords) ingest(ctx context.Context, records []calllog.Record) error {
	delivered, err := b.calls.Ingest(ctx, records, calllog.Beat{})
	for _, bad := range delivered.Rejected {
		b.log.Error("a line of a batch is not in the call log", "call", bad.Record.ID, "reason", bad.Reason)
	}
	if !errors.Is(err, calllog.ErrPoison) {
		return err
	}
	if len(records) == 1 {
		b.log.Error("a line of a batch cannot be stored in the call log", "call", records[0].ID, "error", err)
		return nil
	}
	half := len(records) / 2
	if err := b.ingest(ctx, records[:half]); err != nil {
		return err
	}
	return b.ingest(ctx, records[half:])
}
