package snapshotpg

import (
	"encoding/json"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/snapshot"
)

type limitDoc struct {
	ID, Name     string
	Selector     map[string]string
	Each, Metric string
	Amount       int64
	PerSeconds   int `json:"per_seconds"`
	Watch        bool
}

// limits are those that hold.
const limits = `
		UNION ALL SELECT 'limit', org_id, to_jsonb(l)::text FROM limits l WHERE NOT off AND archived_at IS NULL AND org_id`

func addLimit(o *snapshot.OrgConfig, doc []byte) error {
	var d limitDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	o.Limits = append(o.Limits, limit.Limit{
		ID: id.Limit(d.ID), Name: d.Name, Selector: dimension.FromObject(d.Selector), Each: dimension.Name(d.Each), Metric: limit.Metric(d.Metric),
		Amount: d.Amount, Per: time.Duration(d.PerSeconds) * time.Second, Watch: d.Watch,
	})
	return nil
}
